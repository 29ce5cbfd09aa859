"""A JSON answer as an outline, for people."""

from collections.abc import Callable, Iterable
from typing import Any

When = Callable[[float], str]


def outline(found: dict[str, Any], when: When, indent: str = "") -> Iterable[str]:
    """Print an explanation as an outline: plain values first, then what hangs below them; `when` writes a time."""
    for key, value in found.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from outline(value, when, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{indent}{key}:"
            for each in value:
                yield f"{indent}  - {', '.join(_words(each, when))}"
        else:
            yield f"{indent}{key}: {_word(key, value, when)}"


def _words(found: dict[str, Any], when: When) -> Iterable[str]:
    return (f"{key} {_word(key, value, when)}" for key, value in found.items() if value not in (None, "", [], {}))


def _word(key: str, value: object, when: When) -> str:
    if key in ("at", "opened", "ended") and isinstance(value, int | float):
        return when(value) if value else "-"
    if key == "since" and isinstance(value, list):
        return " .. ".join(when(each) if each else "-" for each in value)
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "-"
    return "-" if value is None else str(value)
