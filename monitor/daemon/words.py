"""Words from people to the running daemon, over its Unix socket: `reload`, `notify-test`, `ping`."""

import os
from collections.abc import Awaitable, Callable, Mapping

from alerts.channels import ChannelError
from alerts.delivery import Delivery
from monitor.core.errors import PantauError
from monitor.daemon.logs import log

Answer = Mapping[str, object]
Word = Callable[[Mapping[str, object]], Awaitable[Answer]]


class Words:
    """One table from `do` to what is done; adding a word is one line here and one method."""

    def __init__(self, reload: Callable[[], Awaitable[str]], delivery: Delivery) -> None:
        self._reload_now, self._delivery = reload, delivery
        self._table: Mapping[str, Word] = {"ping": self._ping, "reload": self._reload, "notify-test": self._notify_test}

    async def answer(self, request: Mapping[str, object]) -> Answer:
        """Do what is asked; PantauError when it is refused."""
        word = self._table.get(str(request.get("do")))
        if word is None:
            raise PantauError(f"do: {str(request.get('do'))[:40]!r} is no word of mine; there are {', '.join(self._table)}")
        log.info("asked", do=request["do"])
        return await word(request)

    async def _ping(self, _request: Mapping[str, object]) -> Answer:
        return {"ok": True, "message": "pong", "pid": os.getpid()}

    async def _reload(self, _request: Mapping[str, object]) -> Answer:
        return {"ok": True, "message": await self._reload_now()}

    async def _notify_test(self, request: Mapping[str, object]) -> Answer:
        receiver = str(request.get("receiver", ""))
        try:
            receipt = await self._delivery.test(receiver)
        except ChannelError as error:
            raise PantauError(f"receiver {receiver}: {error}") from error
        return {"ok": True, "message": f"receiver {receiver}: sent ({receipt.detail})"}
