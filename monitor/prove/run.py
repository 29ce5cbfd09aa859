"""One run: the real engine over one case, in virtual time."""

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.core.belief import Status
from monitor.core.city import Check, City
from monitor.core.events import Decision, Delivered, Effect, InventoryLoaded, Page, ProbeResult, Tick, Verify
from monitor.core.habit import Habit
from monitor.core.verdict import Verdict
from monitor.engine import Engine, State
from monitor.prove.judging import Judge
from monitor.prove.looks import Every, Looks, Telling, Truth
from monitor.prove.oracle import Oracle
from monitor.prove.story import Wrong
from monitor.prove.timeline import START, Case, Timeline, chance, spans
from monitor.prove.world import World
from monitor.schedule.agenda import next_phase

LOSS_PATIENCE = 90.0
TAIL = 20.0
FEW = 40
SOME = 6
DARK = "own:dark"


@dataclass(slots=True)
class Ground:
    """What all runs on a city share: the world, the oracle, and the state of an engine that believes all is well."""

    city: City
    engine: type[Engine] = Engine
    world: World = field(init=False)
    oracle: Oracle = field(init=False)
    warm: State = field(init=False)
    deciders: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Look at everything some times, so that nothing is new."""
        self.world = World(self.city)
        self.oracle = Oracle(self.world)
        self.deciders = frozenset(node.checks[0] for node in self.city.nodes.values() if node.checks)
        self.warm = _warmed(self.engine, self.city)


def _warmed(make: type[Engine], city: City) -> State:
    engine = make(State(City("")))
    engine.apply(InventoryLoaded(START - 400, city))
    looks = []
    for check in city.checks.values():
        at = START - 3.2 * check.interval
        while (at := next_phase(check, at)) < START:
            looks.append(ProbeResult(check.id, round(at, 3), round(at + 0.005, 3), Verdict.OK, seconds=0.005))
    for look in sorted(looks, key=lambda each: each.at):
        engine.apply(look)
    return engine.state


class Play:
    """Plays a case; the beliefs of checks that are never looked at stay those of the warm state, shared by all runs."""

    def __init__(self, ground: Ground, case: Case, *, full: bool = False) -> None:
        self.ground, self.case, self.full = ground, case, full
        oracle = ground.oracle
        self.patience = LOSS_PATIENCE if case.loss else 0.0
        self.timeline = self._timeline()
        self.state = _fork(ground.warm, whole=full)
        self.engine = ground.engine(self.state)
        self.pages: list[Page] = []
        self.decisions: list[Decision] = []
        self.looks = 0
        self._own: set[str] = set()
        self._truth = Truth(self.timeline, case)
        self.end = self.timeline.healed + TAIL + self.patience + max(map(oracle.recover, self._touched()), default=30.0)
        self.schedule: Looks = Every(ground.city, self._truth) if full else Telling(ground.city, self._truth, self, self._few())

    def _timeline(self) -> Timeline:
        ground, case = self.ground, self.case
        alone = [ground.world.single(fault) for fault in case.faults]
        touched = {node for active in (*alone, frozenset().union(*alone)) for node in ground.world.sight(active, case.manner).failing}
        hold = ground.oracle.slowest(touched) + self.patience
        return Timeline(ground.world, spans(ground.city, case, hold), case.manner)

    def _touched(self) -> list[str]:
        return list(dict.fromkeys(node for sight in self.timeline.sights for node in sight.failing))

    def _few(self) -> Sequence[str]:
        """Nodes to look at: all that are touched; when that is half of the city, the top, what one fault alone touches, and some more."""
        touched, oracle = self._touched(), self.ground.oracle
        if self.case.loss:
            touched = list(dict.fromkeys([*touched, *self._parents(touched)]))
        whole = self.case.phase == 0 and not self.case.gap and not self.case.swap
        if whole or len(touched) < max(FEW, len(self.ground.city.nodes) // 2) or DARK in self.case.faults:
            return touched
        own = [node for fault in self.case.faults for node in self._alone(fault)]
        some = [node for node in touched if chance(self.case.phase, node) < SOME / len(touched)]
        return list(dict.fromkeys([self.ground.world.top, *oracle.uplinks, *oracle.internet, *own, *self._parents(own), *some]))

    def _alone(self, fault: str) -> list[str]:
        """Return what a fault alone touches, nothing when that is very much."""
        touched = self.ground.world.sight(self.ground.world.single(fault), self.case.manner).failing
        return sorted(touched) if len(touched) < FEW else []

    def _parents(self, nodes: Iterable[str]) -> list[str]:
        return [parent for node in nodes for group in self.ground.city.nodes[node].groups for parent in group]

    def doubts(self, check: str) -> bool:
        """Tell whether the engine is not sure that the target is up, or that anything leads to it."""
        node = self.ground.city.checks[check].node
        return self.state.beliefs[check].status is not Status.UP or not self.engine.topology.reachable(node)

    def settled(self, check: Check, at: float, *, asked: bool) -> bool:
        """Tell whether one more failure says nothing: nobody is in doubt, or we are cut off; or it is down and leads to nobody.

        Not for a gateway of our own, nor for a node behind which something answers.
        """
        top, sight = self.ground.world.top, self.timeline.at(at)
        if self.engine.blind and check.node != top and top in sight.failing:
            return True
        if self.ground.oracle.answered_for(check.node, sight):
            return False
        if asked or check.node in self.state.gate or self.state.beliefs[check.id].status is not Status.DOWN:
            return False
        if not self.engine.topology.leads_on(check.node):
            return True
        if self.state.gate:
            return False
        return not any(self.state.beliefs[each].status is Status.SUSPECT for each in self._own if each in self.ground.deciders)

    def run(self) -> list[Page]:
        """Play to the end; return the pages in order."""
        schedule, engine, end = self.schedule, self.engine, self.end
        deadline, seen = engine.next_deadline(), 0
        while True:
            at = schedule.until(end)
            if deadline is not None and deadline <= at and deadline < end:
                self._take(engine.apply(Tick(deadline)))
                deadline = engine.next_deadline()
                continue
            if at >= end:
                return self.pages
            for look in schedule.go(at):
                self._apply(look)
            if self.looks != seen:
                deadline, seen = engine.next_deadline(), self.looks

    def _apply(self, look: ProbeResult) -> None:
        if not self.full and look.check not in self._own:
            self._own.add(look.check)
            _own(self.state, self.ground.warm, look.check)
        self.looks += 1
        self._take(self.engine.apply(look))

    def _take(self, effects: Sequence[Effect]) -> None:
        words = []
        for effect in effects:
            if isinstance(effect, Verify):
                words.append(effect)
            elif isinstance(effect, Page):
                self.pages.append(effect)
                if self.full:
                    self.engine.apply(Delivered(effect.at, effect.key, ok=True))
            else:
                self.decisions.append(effect)
        if words:
            self.schedule.verify(words)

    def wrong(self) -> list[Wrong]:
        """Run, and return what is wrong with it."""
        self.run()
        oracle = self.ground.oracle
        return Judge(oracle, oracle.stretches(self.timeline), self.pages, self.patience).wrong(self.end)


def _fork(state: State, *, whole: bool) -> State:
    """Copy a state: what is kept by check is copied when the check is first looked at, unless `whole`."""
    if whole:
        return dataclasses.replace(copy.deepcopy(dataclasses.replace(state, city=City(""))), city=state.city)
    fork = copy.copy(state)
    for each in dataclasses.fields(state):
        if isinstance(part := getattr(state, each.name), (dict, list, set)):
            setattr(fork, each.name, copy.copy(part))
    return fork


def _own(state: State, warm: State, check: str) -> None:
    """Give a run its own copy of what is kept of a check."""
    for each in dataclasses.fields(state):
        part = getattr(state, each.name)
        if isinstance(part, Mapping) and check in part and part[check] is getattr(warm, each.name)[check]:
            part[check] = _copied(part[check])  # type: ignore[index]


def _copied(thing: object) -> object:
    if not dataclasses.is_dataclass(thing) or isinstance(thing, type):
        return copy.deepcopy(thing)
    parts = {each.name: getattr(thing, each.name) for each in dataclasses.fields(thing)}
    return dataclasses.replace(thing, **{name: copy.copy(part) for name, part in parts.items() if isinstance(part, (dict, list, Habit))})
