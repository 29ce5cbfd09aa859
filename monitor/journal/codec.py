"""What a row of the journal is, and how facts become rows and back: JSON by pydantic, after the types of the core."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter

from monitor.core.city import City
from monitor.core.events import ClockStepped, Decision, Delivered, Event, InventoryLoaded, Page, ProbeResult, Tick, Traced
from monitor.engine import State

_EVENTS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "looked": TypeAdapter(ProbeResult),
    "tick": TypeAdapter(Tick),
    "delivered": TypeAdapter(Delivered),
    "inventory": TypeAdapter(InventoryLoaded),
    "clock": TypeAdapter(ClockStepped),
    "traced": TypeAdapter(Traced),
}
_DECISION: Final = TypeAdapter(Decision)
_PAGE: Final = TypeAdapter(Page)
_STATE: Final = TypeAdapter(State)
_CITY: Final = TypeAdapter(City)
_SLICE: Final = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log: an event that came, or a decision or page that followed from it."""

    at: float
    kind: str
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a daemon starts from: the newest snapshot (None: there is none), what came after it, and where the log ends."""

    state: State | None
    tail: tuple[Event, ...]
    seq: int
    at: float


def row_of(fact: Event | Decision | Page) -> Row:
    """Return the row that keeps an event, a decision or a page."""
    match fact:
        case Decision():
            # A number without a fraction is a float too, and pydantic would say so aloud.
            return Row(fact.at, "decision", fact.subject, _DECISION.dump_json(fact, exclude_defaults=True, warnings="none"))
        case Page():
            return Row(fact.at, "page", fact.incident, _PAGE.dump_json(fact, exclude_defaults=True))
        case _:
            return Row(fact.at, fact.event, _subject(fact), _EVENTS[fact.event].dump_json(fact, exclude_defaults=True))


def _subject(event: Event) -> str:
    match event:
        case ProbeResult():
            return event.check
        case Delivered():
            return event.key
        case InventoryLoaded():
            return event.city.fingerprint
        case Traced():
            return event.incident
        case _:
            return ""


def read_event(kind: str, body: bytes | str) -> Event:
    """Return the event that a row keeps; ValueError when it holds none."""
    event: Event = _EVENTS[kind].validate_json(body)
    return event


def read_decision(body: bytes | str) -> Decision:
    """Return the decision that a row keeps; ValueError when it holds none."""
    return _DECISION.validate_json(body)


def read_page(body: bytes | str) -> Page:
    """Return the page that a row keeps; ValueError when it holds none."""
    return _PAGE.validate_json(body)


def settled(city: City) -> City:
    """Return the city as it will come back from the journal, so that the two can be compared."""
    return _CITY.validate_json(_CITY.dump_json(city))


def pack(state: State) -> bytes:
    """Return a state as a snapshot keeps it, not yet squeezed: this part needs the state to stand still."""
    return b"".join(pieces(state))


def pieces(whole: State | City) -> Iterator[bytes]:
    """Yield what `pack` returns in pieces of a few milliseconds each; the state must stand still until the last one."""
    for number, (name, kind) in enumerate(_parts(type(whole)).items()):  # type: ignore[arg-type]  # a class has a hash though its instances have none
        part = getattr(whole, name)
        yield b'%c"%s":' % (b"," if number else b"{", name.encode())
        if isinstance(part, City):
            yield from pieces(part)
        elif isinstance(part, Mapping):
            yield from _slices(part, kind)
        else:
            yield kind.dump_json(part)
    yield b"}"


def _slices(part: Mapping[Any, object], kind: TypeAdapter[Any]) -> Iterator[bytes]:
    entries, before = iter(part.items()), b"{"
    while some := dict(islice(entries, _SLICE)):
        yield before + kind.dump_json(some)[1:-1]
        before = b","
    yield b"}" if part else b"{}"


@cache
def _parts(kind: type) -> Mapping[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(hint) for name, hint in get_type_hints(kind).items()}


def squeeze(*packed: bytes) -> bytes:
    """Compress a packed state, whole or in pieces; its checksum tells a damaged one on reading."""
    squeezing = zlib.compressobj(1)
    return b"".join([*map(squeezing.compress, packed), squeezing.flush()])


def unpack(body: bytes) -> State:
    """Return the state of a snapshot; ValueError when it is damaged."""
    try:
        return _STATE.validate_json(zlib.decompress(body))
    except zlib.error as error:
        raise ValueError(str(error)) from error
