"""A cascade is cut into slices, so that no step holds the loop for long; and cut or not, it says the same."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import monitor.engine
from monitor.core.belief import Status
from monitor.core.city import Check, City, Kind, Node
from monitor.core.events import Decision, Effect, Event, InventoryLoaded, ProbeResult, Step, Tick, Verify, Why
from monitor.core.rules import Grade
from monitor.core.topology import Topology
from monitor.core.verdict import Reason, Verdict
from monitor.daemon import flow as flows
from monitor.daemon.flow import Flow
from monitor.engine import Condition, Engine, State
from monitor.journal import Journal, Recovery, Row, codec
from monitor.schedule import Agenda
from tests.play import START, STATE, Play
from tests.test_daemon import FullFor, Recorder, flowing
from tests.test_engine import city
from tests.virtual import VirtualClock, settle


def told(play: Play) -> list[tuple[str, str, Step]]:
    return [(page.cause, page.receiver, page.step) for page in play.pages]


def outage(*, restart: bool = False) -> Play:
    """A router and a site behind it die, and the router comes back alone."""
    play = Play(city(), restart=restart)
    play.run(60)
    play.dead = {"kec", "kel-b"}
    play.run(150)
    play.dead = {"kel-b"}
    play.run(150)
    play.dead = set()
    play.run(100)
    return play


def wide(sites: int) -> City:
    """A hub and that many sites behind it."""
    nodes = [Node("hub", Kind.HUB, "hub", (), ("hub/icmp",))]
    nodes += [Node(f"site-{number}", Kind.TITIK, "", (("hub",),), (f"site-{number}/icmp",)) for number in range(sites)]
    checks = [Check(node.checks[0], node.id, "icmp", "", Grade.CORE, 3, 1) for node in nodes]
    return City("", nodes={node.id: node for node in nodes}, checks={check.id: check for check in checks})


def returned(sites: int, number: int = 3) -> tuple[Engine, list[Effect], float]:
    """The engine of a wide city of which all was down when the hub came back; what it said to that, and the time."""
    of, engine, at = wide(sites), Engine(State(City(""))), START
    engine.apply(InventoryLoaded(at, of))
    for round_ in range(1, 15):
        ok = round_ == 1
        for check in of.checks:
            at = START + 3 * round_
            verdict = Verdict.OK if ok else Verdict.FAIL
            engine.apply(ProbeResult(check, at, at + 0.01, verdict, None if ok else Reason.TIMEOUT))
    effects: list[Effect] = []
    for step in range(number):
        at = START + 60 + 6 * step
        effects = engine.apply(ProbeResult("hub/icmp", at, at + 0.01, Verdict.OK))
    return engine, effects, at + 0.01


def anew(effects: list[Effect]) -> list[str]:
    return [each.subject for each in effects if isinstance(each, Decision) and each.why is Why.PARENT_RETURNED]


def test_a_repair_is_worked_off_in_slices_each_node_once_and_nearest_first() -> None:
    sites = 2 * monitor.engine.SLICE + 200
    engine, effects, at = returned(sites)
    steps = [anew(effects)]
    while engine.unfinished:
        assert (engine.next_deadline() or at) <= at
        steps.append(anew(engine.apply(Tick(at))))
    assert list(map(len, steps)) == [monitor.engine.SLICE, monitor.engine.SLICE, 200]
    assert [node for step in steps for node in step] == [f"site-{number}" for number in range(sites)]
    assert {belief.status for check, belief in engine.state.beliefs.items() if check != "hub/icmp"} == {Status.SUSPECT}


def test_a_small_repair_is_one_step() -> None:
    engine, effects, _ = returned(monitor.engine.SLICE)
    assert len(anew(effects)) == monitor.engine.SLICE
    assert not engine.unfinished


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.FAIL, Verdict.UNSURE])
def test_a_look_at_a_node_that_still_waits_for_its_turn_finds_it_as_if_it_had_had_it(verdict: Verdict) -> None:
    last = f"site-{3 * monitor.engine.SLICE - 1}"
    engine, _, at = returned(3 * monitor.engine.SLICE)
    assert last in engine.state.freed
    assert engine.condition(last, at) is Condition.SHADOWED
    engine.apply(ProbeResult(f"{last}/icmp", at, at + 0.5, verdict, None if verdict is Verdict.OK else Reason.TIMEOUT))
    belief = engine.state.beliefs[f"{last}/icmp"]
    assert belief.status is (Status.UP if verdict is Verdict.OK else Status.SUSPECT)
    assert belief.losses == int(verdict is Verdict.FAIL)
    assert last not in engine.state.freed


def test_a_new_inventory_waits_until_the_repair_is_worked_off() -> None:
    engine, _, at = returned(3 * monitor.engine.SLICE)
    effects = engine.apply(InventoryLoaded(at, wide(10)))
    assert len(anew(effects)) == 2 * monitor.engine.SLICE
    assert not engine.unfinished


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("restart", [False, True])
def test_however_thin_the_slices_and_whenever_it_is_restarted_the_pages_are_the_same(
    at_once: int, monkeypatch: pytest.MonkeyPatch, *, restart: bool
) -> None:
    whole = outage()
    monkeypatch.setattr("monitor.engine.SLICE", at_once)
    sliced = outage(restart=restart)
    assert told(sliced) == told(whole)
    assert sliced.causes(Step.OPEN) == ["kec", "kel-b"]
    assert not sliced.engine.unfinished


def test_a_snapshot_of_a_program_that_cut_nothing_is_taken_up() -> None:
    kept = json.loads(STATE.dump_json(outage().engine.state))
    del kept["freed"]
    assert STATE.validate_python(STATE.validate_json(json.dumps(kept))).freed == {}


@pytest.mark.parametrize("of", [State(City("")), outage().engine.state])
def test_a_state_packed_in_pieces_is_what_it_is_in_one(of: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_SLICE", 2)
    assert codec.pack(of) == STATE.dump_json(of)
    assert STATE.dump_json(codec.unpack(codec.squeeze(*codec.pieces(of)))) == STATE.dump_json(of)


class Held(FullFor):
    """A journal whose disk takes its time."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal, 0)
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def commit(self, rows: list[Row]) -> int:
        self.asked.set()
        await self.go.wait()
        return await super().commit(rows)


@pytest.fixture
def breathless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flow gives way after every single event, and the engine cuts as thin as it can."""
    monkeypatch.setattr(flows, "HELD", 0.0)
    monkeypatch.setattr(flows, "WORDS", 1)
    monkeypatch.setattr("monitor.engine.SLICE", 1)


@pytest.mark.usefixtures("breathless")
@pytest.mark.parametrize("refusals", [0, 2])
async def test_nothing_is_acted_upon_before_all_of_it_is_on_disk_and_what_comes_meanwhile_comes_after(
    tmp_path: Path, refusals: int
) -> None:
    engine, _, at = returned(20, number=2)
    clock, journal = VirtualClock(at), await Journal.open(tmp_path)
    await journal.snapshot(0, at, engine.state)
    held, hands = Held(journal), Recorder()
    held.refusals = refusals
    flow = Flow(held, clock, await journal.recover())  # type: ignore[arg-type]  # a journal but for one door
    flow.hands, running = hands, asyncio.create_task(flow.run())
    events: list[Event] = [ProbeResult("hub/icmp", at + 5, at + 5.01, Verdict.OK)]
    events += [ProbeResult(f"site-{number}/icmp", at + 5, at + 5.5 + number, Verdict.FAIL, Reason.TIMEOUT) for number in (7, 8)]
    flow.put(events[0])
    await held.asked.wait()
    flow.put(events[1])
    await settle()
    assert (hands.verified, hands.steps) == ([], 0)
    assert flow.engine.state.beliefs["site-7/icmp"].losses == 0
    held.go.set()
    flow.put(events[2])
    await flowing(clock, lambda: flow.engine.state.beliefs["site-8/icmp"].losses == 1 and hands.steps > (not refusals))
    first = list(dict.fromkeys(word.check for word in hands.verified))
    assert [check for check in first if check.startswith("site-")] == [f"site-{number}/icmp" for number in range(20)]
    flow.stop()
    await running
    recovery = await journal.recover()
    assert recovery.state is not None
    assert STATE.dump_json(recovery.state) == STATE.dump_json(flow.engine.state)
    await journal.close()


async def test_a_daemon_that_died_in_the_middle_of_a_repair_works_it_off_when_it_is_back(tmp_path: Path) -> None:
    engine, _, at = returned(2 * monitor.engine.SLICE)
    assert engine.unfinished
    clock, journal, hands = VirtualClock(at), await Journal.open(tmp_path), Recorder()
    flow = Flow(journal, clock, Recovery(codec.unpack(codec.squeeze(codec.pack(engine.state))), (), 0, at))
    flow.hands, running = hands, asyncio.create_task(flow.run())
    await flowing(clock, lambda: bool(hands.verified))
    assert len({word.check for word in hands.verified}) == monitor.engine.SLICE
    flow.stop()
    await running
    await journal.close()


def test_when_very_much_is_due_at_once_it_is_taken_bit_by_bit_and_each_once() -> None:
    agenda, of = Agenda(), wide(10)
    agenda.change(of.checks.values(), START)
    for check in of.checks:
        agenda.verify(Verify(check, START))
    taken = [[entry.check.id for entry in agenda.take(START, 4)] for _ in range(4)]
    assert list(map(len, taken)) == [4, 4, 3, 0]
    assert [check for some in taken for check in some] == list(of.checks)


GROUPS = st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=3), max_size=3)


@given(st.lists(GROUPS, min_size=8, max_size=8), st.sets(st.integers(0, 7)))
def test_who_hangs_on_a_node_is_who_has_a_group_without_another_that_forwards(webs: list[list[list[int]]], down: set[int]) -> None:
    """However the groups look; a node may need one below it only, for there are no circles."""
    nodes = {}
    for number, groups in enumerate(webs):
        above = tuple(tuple(str(parent) for parent in group if parent < number) or ("-",) for group in groups)
        nodes[str(number)] = Node(str(number), Kind.TITIK, "", above)
    topology = Topology(nodes, map(str, down))
    for node in nodes:
        assert list(topology.hanging(node)) == [child for child in topology.children(node) if topology.hangs_on(child, node)]
