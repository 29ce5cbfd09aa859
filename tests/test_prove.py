"""`pantau prove`: what it tries, what it demands, and that it finds what is broken."""

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor import inventory
from monitor.cli import prove as command
from monitor.core.events import Page, Step
from monitor.engine import Engine
from monitor.prove.cases import Plan, Task, faults, tasks
from monitor.prove.crew import Found, try_out
from monitor.prove.invented import LARGEST, SMALLEST, invented
from monitor.prove.judging import Judge
from monitor.prove.relations import Relations
from monitor.prove.run import Ground, Play
from monitor.prove.story import Fault
from monitor.prove.timeline import START, Case
from monitor.prove.world import Manner
from tests import mutants

ROOT = Path(__file__).resolve().parent.parent
GROUND = Ground(invented(7))


def _kinds(found: Found) -> set[Fault]:
    return {each.fault for _, wrong in found.wrong for each in wrong}


def _told(pages: Iterable[Page]) -> list[tuple[str, Step, str, str]]:
    return sorted((page.incident, page.step, page.receiver, page.cause) for page in pages)


def _judged(play: Play, pages: list[Page]) -> set[Fault]:
    stretches = GROUND.oracle.stretches(play.timeline)
    return {each.fault for each in Judge(GROUND.oracle, stretches, pages).wrong(play.end)}


@pytest.fixture(scope="module")
def right() -> Play:
    """A run in which all is told rightly: a kecamatan dies and comes back."""
    play = Play(GROUND, Case(("node:kec-0",)))
    assert play.wrong() == []
    return play


@pytest.mark.parametrize("seed", [1, 2, 4, 5])
def test_no_single_fault_of_an_invented_city_brings_a_wrong_page(seed: int) -> None:
    ground = Ground(invented(seed))
    found = try_out(ground, (case for task in tasks(ground.city, ground.oracle, also_pairs=False) for case in task.cases(Plan(phases=2))))
    assert found.wrong == []
    assert found.openings > 20


@pytest.mark.parametrize(
    "case", ["node:kec-0/phase=3", "node:kec-0+node:hub/gap=150/phase=2", "silent:app-0+link:link-isp-0/phase=4/gap=9/swap=1"]
)
def test_looks_that_are_left_out_change_no_page(case: str) -> None:
    quick, whole = Play(GROUND, Case.read(case)), Play(GROUND, Case.read(case), full=True)
    assert _told(quick.run()) == _told(whole.run())
    assert all(abs(one.at - other.at) < 12 for one, other in zip(quick.pages, whole.pages, strict=True))
    assert quick.looks < whole.looks / 3


def test_the_oracle_sees_as_many_causes_as_the_fewest_deaths_that_explain_what_is_seen() -> None:
    world, oracle = GROUND.world, GROUND.oracle
    nodes = [node.id for node in GROUND.city.nodes.values() if node.id not in {world.top, *oracle.uplinks, *oracle.internet}]
    seen = {frozenset(world.sight(frozenset({f"node:{one}"}), Manner.ALIKE).failing) for one in nodes}
    for pair in list(combinations(nodes, 2))[::7]:
        sight = world.sight(frozenset(f"node:{node}" for node in pair), Manner.ALIKE)
        fewest = 1 if frozenset(sight.failing) in seen else 2
        assert len(oracle.visible(sight)) == fewest, pair


def test_a_class_holds_what_looks_the_same_from_here() -> None:
    links = [link for link in GROUND.city.links.values() if link.child == "kec-0"]
    assert GROUND.oracle.classes["kec-0"] == {"kec-0", links[0].id}


def test_a_page_for_what_is_not_so_is_found(right: Play) -> None:
    assert _judged(right, [*right.pages, replace(right.pages[0], cause="internet", incident="g9", at=right.pages[-1].at)]) >= {Fault.FALSE}


def test_a_cause_that_is_not_told_is_found(right: Play) -> None:
    assert _judged(right, []) == {Fault.NOT_TOLD}


def test_the_deadline_that_was_missed_is_told_in_seconds_since_the_start_of_the_case(right: Play) -> None:
    missed = Judge(GROUND.oracle, GROUND.oracle.stretches(right.timeline), []).wrong(right.end)[0]
    assert missed.words == f"visible, should have been told by {missed.at - START:.1f} s"


def test_a_second_incident_of_the_same_cause_is_found(right: Play) -> None:
    assert Fault.TWICE in _judged(right, [*right.pages, *(replace(page, incident="g9") for page in right.pages)])


def test_an_end_that_does_not_come_is_found(right: Play) -> None:
    assert _judged(right, [page for page in right.pages if page.step is not Step.END]) == {Fault.LATE_END}


def test_an_end_that_one_receiver_does_not_hear_is_found(right: Play) -> None:
    assert _judged(right, right.pages[:-1]) == {Fault.RECEIVERS}


def test_an_end_before_the_end_is_found(right: Play) -> None:
    early = [replace(page, at=right.pages[0].at + 30) if page.step is Step.END else page for page in right.pages]
    assert Fault.EARLY_END in _judged(right, early)


def test_an_opening_told_twice_to_one_receiver_is_found(right: Play) -> None:
    assert Fault.FORM in _judged(right, [right.pages[0], *right.pages])


@pytest.mark.parametrize(("engine", "fault"), [(mutants.NoGate, "node:"), (mutants.NoVouching, "mute:"), (mutants.NoRecovery, "node:kec")])
def test_an_engine_that_is_broken_on_purpose_brings_wrong_pages(engine: type[Engine], fault: str) -> None:
    ground = Ground(invented(7), engine)
    wanted = [each for each in faults(ground.city, ground.oracle) if each.startswith(fault)]
    found = try_out(ground, (case for each in wanted for case in Task((each,)).cases(Plan(phases=6))))
    print(engine.__name__, "wrong", len(found.wrong), "of", found.runs)  # noqa: T201 - the count is what one wants to know
    assert Fault.FALSE in _kinds(found)


def test_a_router_that_comes_back_without_a_voice_is_found_so_whenever_those_behind_it_answer() -> None:
    """In this city some answer is always on its way while the router is being asked."""
    play = Play(Ground(invented(4)), Case(("node:kec-0", "mute:kec-0")), full=True)
    assert play.wrong() == []


@pytest.mark.parametrize(
    ("number", "faults", "gap"),
    [
        (3, ("mute:kec-1", "risk:pln-0"), 172.6),  # a router that is silent already dies with its feeder
        (0, ("risk:sungai-0", "link:link-opd-25-hub"), 240),  # a river takes a site of which a line was told before
        (0, ("node:opd-39", "own:resolver"), 0),  # what would speak for a site cannot be asked, for it has a name
        (1, ("own:resolver", "mute:opd-30"), 155.8),
        (2, ("node:isp-0", "risk:pln-1"), 0),  # what carries the one address family dies, and most of the other with it
        (2, ("link:link-isp-0", "risk:pln-1"), 0),
        (2, ("mute:kec-0", "risk:pln-1"), 227.6),  # a feeder takes most sites of a family, of which a provider still answers
        (8, ("mute:opd-11", "own:resolver"), 0),  # whose application cannot be looked at for want of its name
        (14, ("risk:pln-0", "risk:pln-2"), 0),  # two feeders at once, of which two sites share a third
        (14, ("link:link-kec-0", "link:link-kec-1"), 0),
        (14, ("node:hub", "node:kec-2"), 0),  # what a port says of a node while the way to it is just coming back
        (18, ("silent:app-0", "mute:opd-49"), 0),  # an application that one needs is back before it is down itself
        (22, ("risk:sungai-0", "node:kel-17"), 188.3),  # a river takes what fell by itself and now lies behind what it took
        (34, ("risk:pln-0", "mute:kec-0"), 0),  # a feeder takes the quickest of those that would speak for a silent router
        (25, ("node:hub", "risk:pln-0"), 0),  # a feeder that struck while nothing could be seen
        (18, ("node:hub", "risk:pln-2"), 0),
    ],
)
def test_what_was_wrong_in_an_invented_city_is_right(number: int, faults: tuple[str, ...], gap: float) -> None:
    assert Play(Ground(invented(number)), Case(faults, gap=gap)).wrong() == []


@pytest.mark.parametrize(
    ("number", "case"),
    [
        (9, "mute:opd-14+own:cable/gap=178/swap=1"),  # to what is silent we lose our route: nobody is told while we are cut off
        (20, "node:kec-1+risk:pln-1/gap=185.3/swap=1"),  # who has another way, which just comes back, does not vouch for a dead router
    ],
)
def test_what_was_wrong_under_loss_is_right(number: int, case: str) -> None:
    assert Play(Ground(invented(number)), Case.read(f"{case}/loss=0.03")).wrong() == []


def test_what_a_false_page_hides_is_wrong_once() -> None:
    """One answer that was lost made a silent site dead, and the line that was told of before lie behind it."""
    wrong = Play(Ground(invented(40)), Case.read("link:link-opd-15+mute:opd-15/gap=153.2/swap=1/loss=0.03")).wrong()
    assert [(each.fault, each.subject) for each in wrong] == [(Fault.FALSE, "opd-15")]


@pytest.mark.parametrize("phase", [0, 1, 2])
@pytest.mark.parametrize("gap", [0, 50])
@pytest.mark.parametrize("second", ["mute:kec-2", "node:kec-2"])
def test_two_routers_in_a_row_that_only_are_silent_bring_no_page_and_one_that_dies_behind_such_a_one_does(
    second: str, gap: float, phase: int
) -> None:
    assert Play(Ground(invented(7)), Case(("mute:kec-0", second), phase=phase, gap=gap)).wrong() == []


def test_under_loss_no_more_is_false_than_the_odds_allow() -> None:
    wanted = [each for each in faults(GROUND.city, GROUND.oracle) if each.startswith(("node:kec", "node:isp", "silent:"))]
    found = try_out(GROUND, (case for each in wanted for case in Task((each,)).cases(Plan(phases=2, loss=0.03))))
    assert found.false <= found.allowed
    assert found.wrong == []


def test_every_fault_of_the_inventory_is_tried_alone_and_in_every_pair() -> None:
    city = inventory.load(ROOT / "inventory.yaml")
    oracle = Ground(city).oracle
    found = faults(city, oracle)
    done = tasks(city, oracle, also_pairs=True)
    assert {each.partition(":")[2] for each in found} >= city.nodes.keys() | city.links.keys() | city.risks.keys()
    paired = len(found) - 1  # the city that went dark at once leaves nothing to tell of a second fault
    assert len(done) == len(found) + paired * (paired - 1) // 2
    assert sum(len(task.faults) == 2 for task in done) >= 5000


def test_pairs_that_look_the_same_share_all_phases_and_orders() -> None:
    relations = Relations(GROUND.world)
    phases: dict[frozenset[object], set[int]] = {}
    for task in tasks(GROUND.city, GROUND.oracle, also_pairs=True):
        if task.touching:
            phases.setdefault(frozenset(map(relations.likeness, task.faults)), set()).update(task.phases(20))
    assert all(each == set(range(20)) for each in phases.values())
    orders = {(case.faults[0], case.gap > 0, case.swap) for case in Task(("node:kec-0", "node:hub"), touching=True).cases(Plan())}
    assert len(orders) == 6


def test_a_case_is_read_back_as_it_was_written() -> None:
    case = Case(("node:a", "risk:b"), 3, 41.5, swap=True, loss=0.03, seed=4)
    assert Case.read(str(case)) == case


def test_an_invented_city_is_the_same_every_time_and_within_its_bounds() -> None:
    cities = [invented(seed) for seed in range(50)]
    assert invented(3) == cities[3]
    assert all(SMALLEST <= len(city.nodes) <= LARGEST + 2 for city in cities)
    assert any(len(node.groups[0]) > 1 for city in cities for node in city.nodes.values() if node.groups)


@pytest.mark.parametrize(
    ("case", "says"), [("node:nobody", "node:nobody: no such fault"), ("node:hub/pace=1", "pace: not a part of a case")]
)
def test_a_case_that_cannot_be_is_refused_in_one_line(case: str, says: str) -> None:
    result = CliRunner().invoke(command.prove, ["--random", "1", "--case", case])
    assert result.exit_code == 2
    assert says in result.output


def test_one_case_is_told_second_by_second() -> None:
    result = CliRunner().invoke(command.prove, ["--random", "1", "--seed", "7", "--case", "node:kec-0"], standalone_mode=False)
    assert result.return_value == 0
    assert "** OPEN g1 kec-0" in result.output
    assert result.output.rstrip().endswith("benar / right")


def test_the_figures_of_a_proof_have_the_shape_that_scripts_rely_on() -> None:
    options = ["--random", "1", "--seed", "7", "--phases", "1", "--loss", "0", "--processes", "1", "--format", "json"]
    result = CliRunner().invoke(command.prove, options, standalone_mode=False)
    found = json.loads(result.output)
    assert result.return_value == 0
    assert found["wrong"] == 0
    assert found.keys() >= {"singles", "pairs", "phases", "runs", "false_under_loss", "allowed_under_loss", "ambiguous_classes", "seconds"}
    assert found["singles"] == found["runs"] == len(faults(GROUND.city, GROUND.oracle))


def test_times_of_a_case_lie_after_the_start() -> None:
    assert all(Case(("node:a",), phase).onset > START + 60 for phase in range(40))
