"""Is the JSON of an answer as it should be: values at dotted paths, and the age of the newest record.

How an integration between applications is seen to be alive: not that it answers, but that what it brings is of today.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.http_options import Fresh

AHEAD = 600.0
"""Seconds by which a clock elsewhere may be ahead of ours; a record of later than that is no proof of life."""
_ZONES: Mapping[str, float] = {"WIB": 7, "WITA": 8, "WIT": 9, "UTC": 0, "GMT": 0}
_EPOCHS = (1e8, 1e11)
"""From 1973 to 5138 in seconds; what is more is read in thousandths, millionths or less."""


def read_json(text: str) -> object:
    """Return the document. Raises Fault `json_mismatch` when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Fault(Reason.JSON_MISMATCH, "the body is not JSON") from None


def judge_json(document: object, expected: Mapping[str, object]) -> None:
    """Raise Fault `json_mismatch` unless each dotted path holds its value; with `*` for any place of a list, one of them must."""
    for path, value in expected.items():
        found = list(_at(document, path.split(".")))
        if not found:
            raise Fault(Reason.JSON_MISMATCH, f"the JSON has no {path}")
        if not any(each == value and isinstance(each, bool) == isinstance(value, bool) for each in found):
            raise Fault(Reason.JSON_MISMATCH, f"{path} is {json.dumps(found[0])[:60]}, expected {json.dumps(value)}")


def judge_age(document: object, fresh: Fresh, now: float) -> float:
    """Return the age in seconds of the newest time at the path; raise Fault `stale_data` when it is too old.

    A time that lies in the future (a typing error, a plan) says nothing of what came; where there are only such, that is a fault too.
    """
    found = list(_at(document, fresh.path.split(".")))
    moments = [moment for each in found if (moment := _moment(each, fresh.utc_offset)) is not None]
    if not moments:
        said = f"{json.dumps(found[0])[:60]} at {fresh.path} is no time" if found else f"the JSON has no {fresh.path}"
        raise Fault(Reason.JSON_MISMATCH, said)
    past = [last for first, last in moments if first <= now + AHEAD]
    if not past:
        ahead = min(first for first, _ in moments) - now
        raise Fault(Reason.STALE_DATA, f"{fresh.path} lies {_span(ahead)} in the future: is utc_offset right?", {"age": round(-ahead, 1)})
    age = max(0.0, now - max(past))
    if age > fresh.at_most:
        raise Fault(Reason.STALE_DATA, f"{fresh.path} is {_span(age)} old, at most {_span(fresh.at_most)}", {"age": round(age, 1)})
    return age


def _at(document: object, way: list[str]) -> Iterator[object]:
    """Yield what stands at the path."""
    for place, word in enumerate(way):
        if isinstance(document, dict) and word in document:
            document = document[word]
        elif isinstance(document, list) and word == "*":
            for each in document:
                yield from _at(each, way[place + 1 :])
            return
        elif isinstance(document, list) and word.isdecimal() and int(word) < len(document):
            document = document[int(word)]
        else:
            return
    yield document


def _moment(found: object, utc_offset: float) -> tuple[float, float] | None:
    """Return the first and last epoch second of a time (ISO 8601, or an epoch in seconds or less), which may be a whole day."""
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        return None
    text = str(found).strip()
    if text.replace(".", "", 1).isdecimal() and 9 <= len(text.partition(".")[0]) <= 19:
        return _of_epoch(float(text))
    words = text.split(" ")
    if words[-1] in _ZONES:
        text, utc_offset = " ".join(words[:-1]), _ZONES[words[-1]]
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    zoned = when if when.tzinfo else when.replace(tzinfo=timezone(timedelta(hours=utc_offset)))
    first = (zoned - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return first, first + (86400.0 if len(text) <= len("2026-11-24") else 0.0)


def _of_epoch(number: float) -> tuple[float, float] | None:
    while number >= _EPOCHS[1]:
        number /= 1000
    return (number, number) if number >= _EPOCHS[0] else None


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
