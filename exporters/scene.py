"""What is asked about: one moment of the city with all that is known of it, and the rings that answer (`exporters.chain`). Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporters.evidence import Episode
from monitor.core.city import City
from monitor.core.events import Decision, Delivered, Page, ProbeResult, Why
from monitor.engine import Engine

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring of the chain: its name, whether it held, the facts for its sentence and the lines of the inventory it hangs on."""

    name: str
    held: bool
    facts: Facts = field(default_factory=dict)
    where: tuple[str, ...] = ()


def nothing_decided(_subject: str) -> Sequence[Decision]:
    """Return that no decision is kept."""
    return ()


def way_in(decisions: Sequence[Decision]) -> Decision | None:
    """Return what was found last of the way to the cause, in what was decided about its incident."""
    return next((each for each in decisions if each.why is Why.WAY_TRACED), None)


def no_way(_incident: str) -> Decision | None:
    """Return that no way was traced."""
    return None


def nothing_recorded(_check: str, _after: float, _until: float) -> ProbeResult | None:
    """Return that no look is kept."""
    return None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known at a time: the engine as it was, the episode of losses in question, what was told and what came of it.

    `decisions` of a subject come newest first, none later than `at`. `answered` is the first answer of a check to a look that was sent
    later than one time and came before another. `way` is what was found of the way to an incident's cause, a moment after
    it was opened. Of `incident` (empty: of whatever was told about the subject) all pages are explained.
    """

    engine: Engine
    at: float
    episode: Episode | None = None
    last_look: ProbeResult | None = None
    pages: Sequence[Page] = ()
    reports: Mapping[str, Delivered] = field(default_factory=dict)
    decisions: Callable[[str], Sequence[Decision]] = nothing_decided
    answered: Callable[[str, float, float], ProbeResult | None] = nothing_recorded
    way: Callable[[str], Decision | None] = no_way
    incident: str = ""

    @property
    def city(self) -> City:
        """The inventory of that time."""
        return self.engine.state.city
