"""Words to a running city, for the command line. Light: socket and json only.

Every function raises PantauError when no city runs, or when it refuses.
"""

import os
from collections.abc import Iterator, Mapping, Sequence

from monitor.control import EndedError, ask
from monitor.core.errors import Exit, PantauError

_LONG = 60.0
_FOLLOW = 20.0


class NoCityError(PantauError):
    """No city runs where we look for one."""


def control_address() -> str:
    """The abstract name at which the city of this XDG_RUNTIME_DIR (or user) takes words."""
    home = os.environ.get("XDG_RUNTIME_DIR") or f"uid-{os.getuid()}"
    return f"\0pantau-lab/{home}"[:107]


def tell(word: str, timeout: float = _LONG, /, **details: object) -> dict[str, object]:
    """Say one word of `commands.md` to the city and return its answer (`message` is for people)."""
    try:
        answer = ask(control_address(), {"word": word, **details}, timeout)
    except PantauError as error:
        if "nobody answers there" in str(error):
            raise NoCityError("no city is running here: start one with `pantau lab up`", status=Exit.MISSING) from error
        raise
    if answer.get("ok") is not True:
        raise PantauError(str(answer.get("message", "the city refused")))
    return answer


def cut(name: str) -> str:
    """Cut a link, or all links of a station towards the hub."""
    return _said("cut", id=name)


def restore(name: str) -> str:
    """Mend what was cut, lossy, late or without power there."""
    return _said("restore", id=name)


def reboot(name: str, seconds: float = 8.0) -> str:
    """Take a station down and bring it up again after `seconds`."""
    return _said("reboot", id=name, seconds=seconds)


def loss(name: str, percent: float, burst: float = 0.0) -> str:
    """Lose `percent` of the round trips on a link (0 mends), in bursts of `burst` seconds on average."""
    return _said("loss", id=name, percent=percent, burst=burst)


def delay(name: str, milliseconds: float) -> str:
    """Make round trips over a link longer by `milliseconds` (0 mends)."""
    return _said("delay", id=name, milliseconds=milliseconds)


def power(feeder: str, *, on: bool, speed: float = 1.0) -> str:
    """Switch a feeder; its members die after their batteries, `speed` times as fast."""
    return _said("power", id=feeder, on=on, speed=speed)


def app(name: str, mode: str = "ok") -> str:
    """Give an application a fault: ok, slow, 500, hang, defaced, expired or stale."""
    return _said("app", id=name, mode=mode)


def scenario(name: str, risk: str = "", speed: float = 1.0) -> str:
    """Play a scenario (`flood`) on a river, `speed` times as fast."""
    return _said("scenario", name=name, risk=risk, speed=speed)


def names() -> list[Mapping[str, object]]:
    """All stations, links, feeders and applications: `id`, `kind`, `name`, `state`."""
    return _list(tell("list"), "names")


def phone() -> list[Mapping[str, object]]:
    """What arrived on the phones, oldest first, in the shape of commands.md."""
    return _list(tell("phone"), "messages")


def follow(after: int = 0) -> Iterator[Mapping[str, object]]:
    """Yield every message from number `after` on, as they arrive, until the city ends."""
    messages = _list(tell("phone", after=after), "messages")
    while True:
        yield from messages
        after += len(messages)
        try:
            messages = _list(tell("phone", _FOLLOW + 10, after=after, wait=_FOLLOW), "messages")
        except (EndedError, NoCityError):
            return


def execute(name: str, command: Sequence[str]) -> None:
    """Become `command` in the namespaces of a station; does not return."""
    place = tell("where", id=name)
    process = f"/proc/{place['pid']}"
    spaces = [f"--net={process}/fd/{place['net']}", f"--mount={process}/ns/mnt", f"--pid={process}/ns/pid"]
    if not os.path.samefile(f"{process}/ns/user", "/proc/self/ns/user"):  # noqa: PTH121 - pathlib costs a tenth of our start-up
        spaces.append(f"--user={process}/ns/user")
    environment = place.get("environment")
    if isinstance(environment, dict):
        os.environ.update({str(name): str(value) for name, value in environment.items()})
    words = ["nsenter", *spaces, "--preserve-credentials", f"--root={process}/root", f"--wd={process}/cwd", "--", *command]
    try:
        os.execvp(words[0], words)  # noqa: S606 - the person's own command, word by word
    except FileNotFoundError as error:
        raise PantauError("nsenter is missing: apt install util-linux", status=Exit.MISSING) from error


def _said(word: str, **details: object) -> str:
    return str(tell(word, **details).get("message", ""))


def _list(answer: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    found = answer.get(key)
    return found if isinstance(found, list) else []
