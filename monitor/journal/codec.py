"""What a row of the journal is, and how facts become rows and back: JSON by pydantic, after the types of the core."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from monitor.core.city import City
from monitor.core.events import ClockStepped, Decision, Delivered, Event, InventoryLoaded, Page, ProbeResult, Tick
from monitor.engine import State

_EVENTS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "looked": TypeAdapter(ProbeResult),
    "tick": TypeAdapter(Tick),
    "delivered": TypeAdapter(Delivered),
    "inventory": TypeAdapter(InventoryLoaded),
    "clock": TypeAdapter(ClockStepped),
}
_DECISION: Final = TypeAdapter(Decision)
_PAGE: Final = TypeAdapter(Page)
_STATE: Final = TypeAdapter(State)
_CITY: Final = TypeAdapter(City)


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
    return _STATE.dump_json(state)


def squeeze(packed: bytes) -> bytes:
    """Compress a packed state; its checksum tells a damaged one on reading."""
    return zlib.compress(packed, 1)


def unpack(body: bytes) -> State:
    """Return the state of a snapshot; ValueError when it is damaged."""
    try:
        return _STATE.validate_json(zlib.decompress(body))
    except zlib.error as error:
        raise ValueError(str(error)) from error
