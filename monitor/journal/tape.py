"""The tape's blocks: the looks of one check within one hour, by columns, in about three bytes a look. Pure.

A block has two parts. `looks` holds time (ms), verdict, reason and round trip (10 us) as columns of small numbers: how far each
look lies from the beat of its check and from what is usual of it, squeezed by LZMA. `beside` holds what is left (detail, values)
as JSON, empty when there is nothing. Both begin with a checksum over the check's id and what follows, so a damaged block is known
as such and takes no other with it. A look that is not quantised (`quantise`) comes back exactly, too: it stands whole in `beside`.

Numbers are written as in Protocol Buffers: seven bits a byte, signed ones zigzag.
"""

import json
import lzma
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median_low
from typing import Any, Final

from pydantic import TypeAdapter

from monitor.core.events import ProbeResult
from monitor.core.verdict import Reason, Verdict

SHAPE = 1
MILLI, TENTH, FAR = 1000, 100_000, 1e10
_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "lc": 0, "lp": 0, "pb": 0, "dict_size": 1 << 16}]
_LOOK: Final = TypeAdapter(ProbeResult)


class BlockError(ValueError):
    """The block is not what was written, or was written by a newer program."""


@dataclass(frozen=True, slots=True)
class Block:
    """The two parts of a block as they lie on disk."""

    looks: bytes
    beside: bytes = b""


@dataclass(frozen=True, slots=True)
class _Whole:
    """A look in whole numbers: sent and finished in ms, round trip in 10 us; `kind` is verdict and reason in words."""

    sent: int
    at: int
    trip: int | None
    kind: str


def encode(looks: Sequence[ProbeResult]) -> Block:
    """Return the block that holds these looks, at least one, all of one check, in their order."""
    check, wholes = looks[0].check, [_whole(look) for look in looks]
    odd = [[place, _LOOK.dump_python(look, mode="json")] for place, look in enumerate(looks) if wholes[place] is None]
    further = {place: _further(look) for place, look in enumerate(looks) if wholes[place] is not None and (look.detail or look.values)}
    beside = _sealed(check, _written(odd, further)) if odd or further else b""
    return Block(_sealed(check, b"".join(_columns([whole for whole in wholes if whole]))), beside)


def decode(check: str, block: Block) -> list[ProbeResult]:
    """Return the looks of a block of this check in their order; BlockError when it is damaged."""
    try:
        further, odd = _read(_unsealed(check, block.beside)) if block.beside else ({}, [])
        looks = list(_looks(check, _Numbers(_unsealed(check, block.looks)), further, {place for place, _ in odd}))
        for place, look in odd:
            looks.insert(place, _LOOK.validate_python(look))
    except (ValueError, LookupError, TypeError, lzma.LZMAError) as error:
        raise BlockError(str(error)) from error
    return looks


# -- a look in whole numbers


def _whole(look: ProbeResult) -> _Whole | None:
    """Return the look in whole numbers; None when it is not quantised and would not come back."""
    if not all(abs(number) < FAR for number in (look.sent, look.at, look.seconds or 0.0)):
        return None
    sent, at, trip = round(look.sent * MILLI), round(look.at * MILLI), None if look.seconds is None else round(look.seconds * TENTH)
    back = (sent / MILLI, at / MILLI, None if trip is None else trip / TENTH)
    kind = f"{look.verdict} {look.reason or ''} {'' if trip is None else '+'}"
    return _Whole(sent, at, trip, kind) if back == (look.sent, look.at, look.seconds) else None


def _columns(looks: Sequence[_Whole]) -> Iterator[bytes]:
    """The kinds in runs, the beat, and a column each: beats passed, distance from the beat, rest of the time, round trip."""
    yield _number(len(looks))
    for kind, run in groupby(looks, key=lambda look: look.kind):
        yield _number(len(kind)) + kind.encode() + _number(sum(1 for _ in run))
    if not looks:
        return
    first = looks[0].sent
    beat = _beat([look.sent for look in looks])
    beats = [round((look.sent - first) / beat) for look in looks]
    trips = [look.trip for look in looks if look.trip is not None]
    yield _number(first, signed=True) + _number(beat)
    yield _column([after - before for before, after in pairwise([0, *beats])])
    yield _column([look.sent - first - passed * beat for look, passed in zip(looks, beats, strict=True)])
    yield _column([look.at - look.sent - _milliseconds(look.trip) for look in looks])
    if trips:
        yield _column(trips)


def _looks(check: str, numbers: "_Numbers", further: Mapping[int, Mapping[str, Any]], odd: set[int]) -> Iterator[ProbeResult]:
    """Put the columns together again; the places of odd looks are left out."""
    count = numbers.take()
    kinds = list(_kinds(numbers, count))
    if not count:
        return
    first, beat = numbers.take(signed=True), numbers.take()
    beats, offs, rests = (numbers.column(count) for _ in range(3))
    measured = sum(timed for *_, timed in kinds)
    trips = iter(numbers.column(measured) if measured else ())
    places = (place for place in range(count + len(odd)) if place not in odd)
    passed = 0
    for place, (verdict, reason, timed), more, off, rest in zip(places, kinds, beats, offs, rests, strict=True):
        passed += more
        sent, trip, beside = first + passed * beat + off, next(trips) if timed else None, further.get(place, {})
        at = sent + rest + _milliseconds(trip)
        values = {key[1:]: value for key, value in beside.items() if key[0] == "="}
        seconds = None if trip is None else trip / TENTH
        yield ProbeResult(check, sent / MILLI, at / MILLI, verdict, reason, seconds, beside.get("detail", ""), values)


def _kinds(numbers: "_Numbers", count: int) -> Iterator[tuple[Verdict, Reason | None, bool]]:
    """Verdict and reason of each look, and whether a round trip was measured."""
    while count > 0:
        verdict, reason, timed = numbers.text().split(" ")
        kind, run = (Verdict(verdict), Reason(reason) if reason else None, bool(timed)), numbers.take()
        yield from [kind] * run
        count -= run


def _beat(times: Sequence[int]) -> int:
    """Return the usual time between two looks in ms, to the second where it is one or more."""
    usual = median_low([after - before for before, after in pairwise(times)] or [0])
    return max(1, round(usual / MILLI) * MILLI or usual)


def _milliseconds(trip: int | None) -> int:
    return (trip or 0) // (TENTH // MILLI)


# -- what stands beside


def _further(look: ProbeResult) -> dict[str, object]:
    values = {f"={key}": value for key, value in look.values.items()}
    return {"detail": look.detail, **values} if look.detail else values


def _written(odd: Sequence[Any], further: Mapping[int, Mapping[str, object]]) -> bytes:
    """The odd looks whole; of the others the values of those with the same keys, column by column, and where they belong."""
    kinds: dict[tuple[str, ...], list[int]] = {}
    for place, values in further.items():
        kinds.setdefault(tuple(values), []).append(place)
    columns = [[keys, _runs(places), *([further[place][key] for place in places] for key in keys)] for keys, places in kinds.items()]
    return json.dumps([odd, columns], separators=(",", ":")).encode()


def _read(text: bytes) -> tuple[dict[int, dict[str, Any]], list[tuple[int, Any]]]:
    odd, kinds = json.loads(text)
    further: dict[int, dict[str, Any]] = {}
    for keys, runs, *columns in kinds:
        places = (place for start, count in runs for place in range(start, start + count))
        further.update((place, dict(zip(keys, row, strict=True))) for place, row in zip(places, zip(*columns, strict=True), strict=True))
    return further, odd


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending places as runs: where one starts and how long it is."""
    runs = (list(run) for _, run in groupby(enumerate(places), key=lambda each: each[1] - each[0]))
    return [(run[0][1], len(run)) for run in runs]


# -- numbers and the seal


def _number(value: int, *, signed: bool = False) -> bytes:
    rest, written = (value << 1 if value >= 0 else ~value << 1 | 1) if signed else value, bytearray()
    while rest > 0x7F:
        written.append(rest & 0x7F | 0x80)
        rest >>= 7
    written.append(rest)
    return bytes(written)


def _column(values: Sequence[int]) -> bytes:
    """The usual value, then how far each lies from it."""
    usual = median_low(values)
    return _number(usual, signed=True) + b"".join(_number(value - usual, signed=True) for value in values)


class _Numbers:
    """Reads what `_number` and `_column` wrote; IndexError past the end."""

    def __init__(self, body: bytes) -> None:
        self._body, self._place = body, 0

    def take(self, *, signed: bool = False) -> int:
        value = shift = 0
        while True:
            byte = self._body[self._place]
            self._place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (~(value >> 1) if value & 1 else value >> 1) if signed else value

    def text(self) -> str:
        length = self.take()
        self._place += length
        return self._body[self._place - length : self._place].decode()

    def column(self, count: int) -> Iterable[int]:
        usual = self.take(signed=True)
        return [usual + self.take(signed=True) for _ in range(count)]


def _sealed(check: str, body: bytes) -> bytes:
    squeezed = bytes([SHAPE]) + lzma.compress(body, lzma.FORMAT_RAW, filters=_FILTERS)
    return zlib.crc32(squeezed, zlib.crc32(check.encode())).to_bytes(4, "big") + squeezed


def _unsealed(check: str, sealed: bytes) -> bytes:
    if zlib.crc32(sealed[4:], zlib.crc32(check.encode())).to_bytes(4, "big") != sealed[:4]:
        raise BlockError("its checksum is wrong")
    if sealed[4] != SHAPE:
        raise BlockError(f"it has the shape {sealed[4]}, known is {SHAPE}")
    return lzma.decompress(sealed[5:], lzma.FORMAT_RAW, filters=_FILTERS)
