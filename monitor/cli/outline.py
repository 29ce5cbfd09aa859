"""A JSON answer as an outline, for people."""

import time
from collections.abc import Iterable
from typing import Any


def outline(found: dict[str, Any], indent: str = "") -> Iterable[str]:
    """Print an explanation as an outline: plain values first, then what hangs below them."""
    for key, value in found.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from outline(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{indent}{key}:"
            for each in value:
                yield f"{indent}  - {', '.join(_words(each))}"
        else:
            yield f"{indent}{key}: {_word(key, value)}"


def _words(found: dict[str, Any]) -> Iterable[str]:
    return (f"{key} {_word(key, value)}" for key, value in found.items() if value not in (None, "", [], {}))


def moment(at: float) -> str:
    """Return a time of this machine's zone, "-" when there is none."""
    return time.strftime("%d-%m %H.%M.%S", time.localtime(at)) if at else "-"


def _word(key: str, value: object) -> str:
    if key in ("at", "opened", "ended") and isinstance(value, int | float):
        return moment(value)
    if key == "since" and isinstance(value, list):
        return " .. ".join(moment(each) for each in value)
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "-"
    return "-" if value is None else str(value)
