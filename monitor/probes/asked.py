"""What a person asks to look at, read and checked before anything is sent: the words of a command, or a line of JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import ValidationError

from monitor.core.errors import Exit, PantauError
from monitor.probes import kind_of
from monitor.probes.discreet import address
from monitor.probes.faults import wrong_keys
from monitor.probes.http_options import read_url
from monitor.probes.icmp_pool import pack
from monitor.probes.keys import Keys
from monitor.probes.room import HOLDS, HOLDS_AT_ADDRESS

TIMEOUT, LONGEST = 5.0, 3600.0
NAMED = frozenset({"id", "kind", "target"})
"""Keys of a line of JSON that are no keys of its check."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One look that was asked for; `keys` are those of the check."""

    kind: str
    target: str
    keys: Mapping[str, object]
    timeout: float = TIMEOUT

    @property
    def holds(self) -> int:
        """Descriptors that the look holds at most, never less than one."""
        try:
            host = urlsplit(self.target).hostname or "" if "://" in self.target else self.target
        except ValueError:
            host = ""
        return HOLDS_AT_ADDRESS[self.kind] if pack(host) else max(1, HOLDS[self.kind])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a batch: the `name` it gives itself, and what is asked, or why that cannot be looked at."""

    name: object = None
    asked: Asked | None = None
    wrong: str = ""


def read_asked(kind: str, target: str, given: Mapping[str, object]) -> Asked:
    """Return what is asked; `timeout` among the keys is the deadline in seconds.

    Raises PantauError for a wrong kind, key or time-out, for what is no URL, and where nobody is named to look at.
    """
    keys = {key: value for key, value in given.items() if key != "timeout"}
    try:
        options = kind_of(kind).options.model_validate(keys)
        _aim(kind, target, options)
    except ValidationError as error:
        raise PantauError(f"probe {kind}: {wrong_keys(error)}", status=Exit.UNKNOWN) from None
    except ValueError as error:
        raise PantauError(f"probe {kind}: {error}", status=Exit.UNKNOWN) from None
    timeout = given.get("timeout", TIMEOUT)
    if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not 0 < timeout <= LONGEST:
        text = f"probe {kind}: timeout: must be a number of seconds, more than 0 and at most {LONGEST:g}"
        raise PantauError(text, status=Exit.UNKNOWN)
    if misfit := options.misfit(timeout):
        raise PantauError(f"probe {kind}: {misfit[1]}", status=Exit.UNKNOWN)
    return Asked(kind, target, keys, float(timeout))


def _aim(kind: str, target: str, options: Keys) -> None:
    """Raise ValueError where nobody is named to look at; who calls us is looked at by its calls."""
    aim = target or str(getattr(options, "url", "") or getattr(options, "server", "") or "")
    if not aim and kind != "push":
        raise ValueError("the target is missing")
    if kind == "http":
        try:
            read_url(str(getattr(options, "url", "") or target))
        except ValueError as error:
            raise ValueError(f"{address(target)[:80]}: {error}") from None


def read_line(number: int, text: str) -> Line:
    """Read the line of this number, a JSON object; what is wrong with it names the number, and no secret of the line."""
    try:
        given = json.loads(text)
    except RecursionError:
        return Line(wrong=f"line {number}: not JSON: nested too deep")
    except ValueError as error:
        why = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else "a number of too many digits"
        return Line(wrong=f"line {number}: not JSON: {why}")
    if not isinstance(given, dict):
        return Line(wrong=f"line {number}: not a JSON object")
    name, target = given.get("id"), given.get("target") or given.get("url") or ""
    if not isinstance(target, str):
        return Line(name, wrong=f"line {number}: the target is no text")
    try:
        asked = read_asked(str(given.get("kind", "")), target, {key: value for key, value in given.items() if key not in NAMED})
    except PantauError as error:
        return Line(name, wrong=f"line {number}: {error}"[:200])
    return Line(name, asked)
