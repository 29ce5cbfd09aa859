"""The phones of the city: every message that arrived, in order, read as a person reads it."""

import asyncio
import re
import time
from typing import Final

_HEADING: Final = re.compile(r"^\W*(?P<word>GANGGUAN|PERKEMBANGAN|PULIH|DITUTUP|UJI) (?P<incident>\S+) · .*\[(?P<cause>[^\]]+)\]\s*$")
_STEPS: Final = {"GANGGUAN": "open", "PERKEMBANGAN": "update", "PULIH": "end", "DITUTUP": "end", "UJI": "test"}


class Phones:
    """Keeps what arrives for as long as the city stands."""

    def __init__(self) -> None:
        self._messages: list[dict[str, object]] = []
        self._arrived = asyncio.Condition()

    async def arrive(self, channel: str, to: str, text: str) -> int:
        """Keep one message that came over `channel` for `to`; returns its number, from 1."""
        self._messages.append({"at": round(time.time(), 3), "channel": channel, "to": to, **read(text), "text": text})
        async with self._arrived:
            self._arrived.notify_all()
        return len(self._messages)

    async def since(self, after: int, wait: float = 0.0) -> list[dict[str, object]]:
        """Return the messages from number `after` (0 is the first) on; waits up to `wait` seconds for one to come."""
        if wait > 0:
            try:
                async with asyncio.timeout(wait), self._arrived:
                    await self._arrived.wait_for(lambda: len(self._messages) > after)
            except TimeoutError:
                pass
        return self._messages[max(0, after) :]


def read(text: str) -> dict[str, str]:
    """Return `incident`, `step` and `cause` from the heading, the first line; step `other` when there is no such heading."""
    heading = _HEADING.match(text.lstrip().split("\n", 1)[0])
    if heading is None:
        return {"incident": "", "step": "other", "cause": ""}
    return {"incident": heading["incident"], "step": _STEPS[heading["word"]], "cause": heading["cause"]}
