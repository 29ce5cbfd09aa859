"""Durations as people write them."""

import re
from collections.abc import Mapping

_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)\Z")


def seconds(value: object) -> float:
    """Return a duration such as `10s`, `1.5m` or a plain number in seconds. Raises ValueError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not a duration: write 500ms, 10s, 2m, 1h, 1d or a number of seconds")
    return float(match[1]) * _UNITS[match[2]]
