"""Recorded looks judged anew, by another policy if one is given, and what would have been told then beside what was told. Pure.

The same engine is driven by the same events. Two things cannot be known from looks that were made for another policy: what a look would
have found that nobody made, and what another time-out or expectation would have made of an answer. The first is counted (a hole: a
`Verify` that the record does not answer within the gap of that check, or within its interval when it was asked for another's sake)
and what hangs on it is called unknowable; the second is taken as it was recorded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from monitor.core import belief as beliefs
from monitor.core import learning
from monitor.core.belief import Belief, Status
from monitor.core.city import City
from monitor.core.events import Decision, Delivered, Effect, Event, InventoryLoaded, Page, ProbeResult, Step, Tick, Verify
from monitor.core.rules import Rule
from monitor.core.verdict import Verdict
from monitor.engine import Engine, State

ALIKE = 1.0
"""Seconds by which the same page may differ and still be called the same: the daemon's own ticks come up to half a second late."""
TICKS = 0.5


@dataclass(slots=True)
class Doubt:
    """A time in which a node was in doubt: from its first loss until it answered (0: not yet), with looks asked for and not recorded."""

    node: str
    first_loss: float
    needed: float
    until: float = 0.0
    holes: int = 0
    shadowed: bool = False

    @property
    def open_question(self) -> bool:
        """Whether a page may have come of it had the looks been made that are missing."""
        return self.holes > 0 and not self.shadowed and (not self.until or self.until - self.first_loss >= self.needed)


@dataclass(slots=True)
class _Asked:
    """A look that was asked for at `at`, to be sent by `wanted`, for the sake of these nodes."""

    at: float
    wanted: float
    of: set[str]


class Rehearing:
    """Drives an engine by recorded events. `pages` are what it told, `doubts` what it doubted, `looks` what it took in."""

    def __init__(self, policy: City | None = None) -> None:
        """Judge by this inventory, or by the recorded ones."""
        self.engine = Engine(State(City("")))
        self.pages: list[Page] = []
        self.doubts: list[Doubt] = []
        self.looks = 0
        self._policy, self._begun = policy, False
        self._ticked = 0.0
        self._open: dict[str, Doubt] = {}
        self._asked: dict[str, _Asked] = {}

    @property
    def foreign(self) -> int:
        """How many looks were of checks that this policy does not have."""
        return self.engine.state.counts.get("unknown_check", 0)

    def begin(self, at: float, city: City, learned: State | None = None) -> None:
        """Begin with this inventory, and with what had been learned of its targets by then."""
        self._apply(InventoryLoaded(at, city))
        self._begun = True
        for check, old in (learned.beliefs if learned else {}).items():
            if check in city.checks:
                _remember(city.rules[city.checks[check].grade], self.engine.state.beliefs[check], old)

    def take(self, event: Event) -> None:
        """Take the next event; events come by time."""
        if self._policy is not None and not self._begun:
            self.begin(event.at, self._policy)
        self._tick(event.at)
        if isinstance(event, InventoryLoaded) and self._policy is not None:
            return
        if isinstance(event, ProbeResult):
            self.looks += 1
            self._answer(event)
        self._apply(event)

    def close(self, at: float) -> None:
        """Let time go on to the end of the record."""
        self._tick(at)

    def _tick(self, upto: float) -> None:
        while (deadline := self.engine.next_deadline()) is not None:
            when = max(deadline, self._ticked + TICKS)
            if when > upto:
                return
            self._ticked = when
            self._apply(Tick(when))

    def _apply(self, event: Event) -> None:
        effects = self.engine.apply(event)
        about = ""
        if isinstance(event, ProbeResult) and (about := self._node(event.check)):
            self._watch(event, about)
        for effect in effects:
            self._note(effect, about, event.at)

    def _note(self, effect: Effect, about: str, at: float) -> None:
        match effect:
            case Page():
                self.pages.append(effect)
                self.engine.apply(Delivered(at, effect.key, ok=True))
            case Verify():
                wanted = max(effect.at, at)
                known = self._asked.setdefault(effect.check, _Asked(at, wanted, set()))
                known.wanted = min(known.wanted, wanted)
                known.of.add(about or self._node(effect.check))
            case Decision(what="shadowed") if effect.subject in self._open:
                self._open[effect.subject].shadowed = True
            case _:
                pass

    def _watch(self, look: ProbeResult, node: str) -> None:
        """Note when a node comes to be in doubt, and when it is out of it."""
        check = self.engine.state.city.checks[look.check]
        if self.engine.state.city.decider(node) is not check:
            return
        known, rule = self.engine.state.beliefs[look.check], self.engine.state.city.rules[check.grade]
        if known.status in (Status.SUSPECT, Status.DOWN):
            if node not in self._open:
                self._open[node] = Doubt(node, known.first_loss or look.sent, beliefs.certain_after(rule, check, known))
                self.doubts.append(self._open[node])
        elif doubt := self._open.pop(node, None):
            doubt.until = look.sent

    def _answer(self, look: ProbeResult) -> None:
        """Take a recorded look for the one that was asked for, unless it came too late for that: then there is a hole."""
        asked, check = self._asked.get(look.check), self.engine.state.city.checks.get(look.check)
        if asked is None or check is None or look.sent < asked.at:
            return
        rule, known = self.engine.state.city.rules[check.grade], self.engine.state.beliefs[check.id]
        patience = beliefs.noise_of(rule, known, None).gap if check.node in asked.of else check.interval + check.timeout
        if look.sent > asked.wanted + patience:
            for node in asked.of & self._open.keys():
                self._open[node].holes += 1
        del self._asked[look.check]

    def _node(self, check: str) -> str:
        found = self.engine.state.city.checks.get(check)
        return found.node if found else ""


def _remember(rule: Rule, known: Belief, old: Belief) -> None:
    """Take over what had been learned of a target, and what follows from it by this rule."""
    known.counts, known.habit, known.learned = dict(old.counts), replace(old.habit), old.learned
    if old.learned:
        known.noise = learning.noise(rule, old.learned, old.counts.get(Verdict.OK, 0))


@dataclass(slots=True)
class Opening:
    """One incident as it was told: when, of what, until when, and when each receiver heard of it first."""

    incident: str
    at: float
    cause: str
    nodes: set[str] = field(default_factory=set)
    until: float = float("inf")
    told: dict[str, float] = field(default_factory=dict)


def openings(pages: Iterable[Page]) -> list[Opening]:
    """Return the incidents that pages tell of, by time."""
    found: dict[str, Opening] = {}
    for page in pages:
        opening = found.setdefault(page.incident, Opening(page.incident, page.at, page.cause))
        opening.nodes.update((page.cause, *page.members, *page.alike))
        if page.step is Step.OPEN:
            opening.told.setdefault(page.receiver, page.at)
        elif page.step is Step.END:
            opening.until = page.at
    return sorted(found.values(), key=lambda opening: opening.at)


@dataclass(frozen=True, slots=True)
class Difference:
    """One page that differs: `at` as judged anew and `before` as it was told (None: not at all); a doubt has neither and no receiver."""

    cause: str
    receiver: str
    at: float | None
    before: float | None
    doubt: Doubt | None = None


@dataclass(slots=True)
class Comparison:
    """What another policy changes. `same` counts the pages that stay as they were, `before` and `after` all of each."""

    before: int = 0
    after: int = 0
    same: int = 0
    added: list[Difference] = field(default_factory=list)
    gone: list[Difference] = field(default_factory=list)
    earlier: list[Difference] = field(default_factory=list)
    later: list[Difference] = field(default_factory=list)
    unknowable: list[Difference] = field(default_factory=list)


def compare(recorded: Iterable[Page], heard: Rehearing, begin: float, end: float) -> Comparison:
    """Return how the openings of two judgements differ from `begin` to before `end`."""
    old, new = openings(recorded), openings(heard.pages)
    found, told_of = Comparison(), set[str]()
    for was, now in _pairs(old, new):
        nodes = (was.nodes if was else set()) | (now.nodes if now else set())
        doubt = _doubt_of(heard.doubts, nodes, min(each.at for each in (was, now) if each))
        told_of |= nodes
        for receiver in dict.fromkeys([*(was.told if was else ()), *(now.told if now else ())]):
            before, at = was.told.get(receiver) if was else None, now.told.get(receiver) if now else None
            if any(when is not None and begin <= when < end for when in (before, at)):
                _sort(found, Difference((now or was).cause, receiver, at, before, doubt))  # type: ignore[union-attr]
    for doubt in heard.doubts:
        if doubt.open_question and doubt.until and begin <= doubt.first_loss < end and doubt.node not in told_of:
            found.unknowable.append(Difference(doubt.node, "", None, None, doubt))
    return found


def _sort(found: Comparison, page: Difference) -> None:
    found.before += page.before is not None
    found.after += page.at is not None
    if page.at is not None and page.before is not None and abs(page.at - page.before) <= ALIKE:
        found.same += 1
    elif page.doubt is not None:
        found.unknowable.append(page)
    elif page.before is None:
        found.added.append(page)
    elif page.at is None:
        found.gone.append(page)
    else:
        (found.earlier if page.at < page.before else found.later).append(page)


def _pairs(old: list[Opening], new: list[Opening]) -> Iterator[tuple[Opening | None, Opening | None]]:
    """Pair the incidents that tell of the same thing at the same time, the nearest first; who finds none stands alone."""
    by_node: dict[str, list[int]] = {}
    for second, now in enumerate(new):
        for node in now.nodes:
            by_node.setdefault(node, []).append(second)
    near = {
        (abs(was.at - new[second].at), first, second)
        for first, was in enumerate(old)
        for node in was.nodes
        for second in by_node.get(node, ())
        if was.at <= new[second].until and new[second].at <= was.until
    }
    free_old, free_new = dict(enumerate(old)), dict(enumerate(new))
    for _, first, second in sorted(near):
        if first in free_old and second in free_new:
            yield free_old.pop(first), free_new.pop(second)
    yield from ((was, None) for was in free_old.values())
    yield from ((None, now) for now in free_new.values())


def _doubt_of(doubts: Iterable[Doubt], nodes: set[str], at: float) -> Doubt | None:
    """Return the doubt with holes that a page of these nodes hangs on."""
    return next((each for each in doubts if each.node in nodes and each.holes and each.first_loss <= at <= (each.until or at)), None)
