import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from exporters.chain import chain
from exporters.scene import Scene
from exporters.sentences import Speaker
from monitor.core import belief as beliefs
from monitor.core.belief import Belief, Status
from monitor.core.city import Check, City, Kind, Link, Node, Receiver, Route
from monitor.core.events import Decision, Delivered, ProbeResult, Severity, Step, Traced, Why
from monitor.core.rules import GRADES, Grade
from monitor.core.verdict import Reason, Verdict
from monitor.engine import Condition
from monitor.engine.state import Wait
from tests.play import START, STATE, Play


def _node(node: str, kind: Kind, *groups: tuple[str, ...]) -> Node:
    return Node(node, kind, node, groups, (f"{node}/icmp",), kecamatan="kec" if kind is Kind.KELURAHAN else "")


def city(*, without: str = "") -> City:
    """Hub > kec > kel-a, kel-b; opd with two lines (hub, kec), the second one looked at as `line`."""
    nodes = [
        _node("hub", Kind.HUB),
        _node("kec", Kind.KECAMATAN, ("hub",)),
        _node("kel-a", Kind.KELURAHAN, ("kec",)),
        _node("kel-b", Kind.KELURAHAN, ("kec",)),
        _node("opd", Kind.OPD, ("hub", "kec")),
        _node("line", Kind.LINK, ("opd",), ("kec",)),
    ]
    kept = {node.id: node for node in nodes if node.id != without}
    grades = {"hub": Grade.CORE, "kec": Grade.CORE}
    checks = {}
    for node in kept:
        grade = grades.get(node, Grade.FIBRE)
        rule = GRADES[grade]
        checks[f"{node}/icmp"] = Check(f"{node}/icmp", node, "icmp", node, grade, rule.interval, rule.timeout)
    links = {"link-kec": Link("link-kec", "kec", "hub", Grade.FIBRE)}
    receivers = {"piket": Receiver("piket", "webhook", "Piket"), "layar": Receiver("layar", "webhook", "Layar")}
    routes = (Route(("layar",)), Route(("piket",), severities=("critical", "major")))
    return City("Uji", nodes=kept, checks=checks, links=links, receivers=receivers, routes=routes)


def _play(*, restart: bool = False) -> Play:
    return Play(city(), restart=restart)


@pytest.mark.parametrize("restart", [False, True])
def test_a_dead_kecamatan_is_one_page_a_receiver_and_one_end_and_a_restart_at_every_event_changes_nothing(*, restart: bool) -> None:
    play = _play(restart=restart)
    play.run(60)
    play.dead = {"kec"}
    play.run(20)
    assert play.told(Step.OPEN) == [("kec", "layar"), ("kec", "piket")]
    assert set(play.pages[0].behind) == {"kel-a", "kel-b"}
    assert play.pages[0].alike == ("kec", "link-kec")
    assert play.pages[0].why is Why.ROOT_VERIFIED
    play.run(200)
    assert play.engine.condition("kel-a", play.at) is Condition.SHADOWED
    assert play.engine.condition("opd", play.at) is Condition.UP
    play.dead = set()
    play.run(120)
    assert len(play.told(Step.OPEN)) == 2
    assert play.told(Step.END) == [("kec", "layar"), ("kec", "piket")]


def test_a_lost_second_line_is_a_minor_notice_and_no_outage() -> None:
    play = _play()
    play.run(60)
    play.dead = {"line"}
    play.run(60)
    assert [(page.cause, page.severity, page.receiver) for page in play.pages] == [("line", Severity.MINOR, "layar")]


def test_a_site_that_fell_first_gets_the_better_cause_when_its_parent_falls_too() -> None:
    play = _play()
    play.run(60)
    play.dead = {"kel-a"}
    play.run(60)
    play.dead = {"kel-a", "kec"}
    play.run(60)
    assert {page.incident for page in play.pages} == {"g1"}
    assert play.told(Step.UPDATE) == [("kec", "layar"), ("kec", "piket")]
    assert play.pages[-1].previous_cause == "kel-a"


def test_what_was_hidden_behind_a_repaired_parent_is_paged_then() -> None:
    play = _play()
    play.run(60)
    play.dead = {"kec", "kel-b"}
    play.run(100)
    play.dead = {"kel-b"}
    play.run(100)
    assert play.told(Step.OPEN) == [("kec", "layar"), ("kec", "piket"), ("kel-b", "layar"), ("kel-b", "piket")]
    assert len(play.told(Step.END)) == 2


def test_a_check_that_never_answered_is_new_and_never_a_cause() -> None:
    play = _play()
    play.dead = {"kel-a"}
    play.run(300)
    assert play.pages == []
    assert play.engine.condition("kel-a", play.at) is Condition.NEW


def test_unsure_is_never_evidence_and_leaves_the_target_unknown() -> None:
    play = _play()
    play.run(60)
    for number in range(50):
        at = play.at + number
        play.take(ProbeResult("kec/icmp", at, at, Verdict.UNSURE, Reason.NO_ROUTE))
    assert play.pages == []
    assert play.engine.condition("kec", play.at + 50) is Condition.UNKNOWN


def test_a_target_that_goes_while_its_incident_is_open_ends_it_and_the_same_people_hear() -> None:
    play = _play()
    play.run(60)
    play.dead = {"kel-a"}
    play.run(60)
    play.change(city(without="kel-a"))
    assert [(page.step, page.receiver, page.why) for page in play.pages[2:]] == [
        (Step.END, "layar", Why.TARGET_REMOVED),
        (Step.END, "piket", Why.TARGET_REMOVED),
    ]
    assert play.engine.condition("kec", play.at) is Condition.UP


def test_a_page_is_owed_until_it_is_delivered() -> None:
    play = _play()
    play.run(60)
    play.dead = {"kel-a"}
    play.run(60)
    owed = play.engine.owed()
    assert [page.key for page in owed] == ["g1/1/layar", "g1/1/piket"]
    play.take(Delivered(play.at, owed[0].key, ok=True))
    assert [page.key for page in play.engine.owed()] == ["g1/1/piket"]


def test_a_root_whose_parent_cannot_be_asked_is_paged_as_not_verified_after_a_bounded_wait() -> None:
    play = _play()
    play.run(60)
    play.unasked = {"kec/icmp"}
    play.dead = {"kel-a"}
    play.run(120)
    assert {page.why for page in play.pages} == {Why.ROOT_UNVERIFIED}


def test_the_way_to_a_cause_is_kept_with_its_incident_and_judges_nothing() -> None:
    play = _play()
    play.run(60)
    play.dead = {"kec"}
    play.run(20)
    told = len(play.pages)
    kept = play.take(Traced(play.at, "g1", "kec", ("hub", ""), reached=False, end="hub says: host unreachable"))
    assert kept == [
        Decision(
            play.at, "g1", "traced", Why.WAY_TRACED, {"node": "kec", "way": "hub *", "reached": 0.0, "end": "hub says: host unreachable"}
        )
    ]
    assert play.take(Traced(play.at, "g9", "kec", (), reached=False)) == []
    assert play.engine.state.counts == {"unknown_incident": 1}
    assert len(play.pages) == told


def test_looks_that_are_old_doubled_or_of_nobody_are_counted_and_change_nothing() -> None:
    play = _play()
    play.run(30)
    before = STATE.dump_json(play.engine.state)
    look = ProbeResult("kec/icmp", START - 5, START - 4, Verdict.FAIL, Reason.TIMEOUT)
    assert play.engine.apply(look) == []
    assert play.engine.apply(ProbeResult("nobody/icmp", play.at, play.at, Verdict.OK)) == []
    assert play.engine.state.counts == {"stale_look": 1, "unknown_check": 1}
    play.engine.state.counts.clear()
    assert STATE.dump_json(play.engine.state) == before


@pytest.mark.parametrize(
    ("sent", "at", "seconds"),
    [
        *((sent, at, 0.1) for sent, at in ((math.nan, START), (START + 60, math.nan), (START + 61, START + 60), (math.inf, math.inf))),
        *((START + 60, START + 61, seconds) for seconds in (math.nan, math.inf, -0.1)),
    ],
)
def test_a_look_with_nonsense_numbers_is_counted_and_changes_nothing(sent: float, at: float, seconds: float) -> None:
    play = _play()
    play.run(30)
    before = STATE.dump_json(play.engine.state)
    assert play.engine.apply(ProbeResult("kec/icmp", sent, at, Verdict.OK, seconds=seconds)) == []
    assert play.engine.state.counts == {"nonsense_look": 1}
    play.engine.state.counts.clear()
    assert STATE.dump_json(play.engine.state) == before


@pytest.mark.parametrize(("grade", "worst"), [(Grade.CORE, 16), (Grade.FIBRE, 45), (Grade.METRO, 45), (Grade.RADIO, 98), (Grade.APP, 90)])
def test_a_fault_is_down_within_five_seconds_of_the_time_of_its_grade(grade: Grade, worst: float) -> None:
    rule = GRADES[grade]
    check = Check("x/icmp", "x", "icmp", "x", grade, rule.interval, rule.timeout)
    known, at = Belief(Status.UP), START
    while known.status is not Status.DOWN:
        beliefs.absorb(rule, check, known, ProbeResult(check.id, at, at + rule.timeout, Verdict.FAIL, Reason.TIMEOUT))
        at = beliefs.look_again(rule, check, known)
    assert rule.interval + known.since - START <= worst


def test_a_reload_that_takes_away_whose_answer_was_heard_leaves_the_engine_at_work() -> None:
    play = _play()
    play.run(60)
    play.dead = {"kec"}
    play.run(20)
    play.take(ProbeResult("kel-a/icmp", play.at + 0.1, play.at + 0.11, Verdict.OK, seconds=0.01))
    assert play.engine.state.heard["kec"].child == "kel-a"
    play.change(city(without="kel-a"))
    play.run(60)
    assert play.causes(Step.OPEN) == ["kec"]


def test_after_a_repair_every_check_of_what_was_cut_off_is_looked_at_again() -> None:
    known = city()
    snmp = Check("kel-a/snmp", "kel-a", "snmp", "kel-a", Grade.FIBRE, 60, 5)
    node = replace(known.nodes["kel-a"], checks=("kel-a/icmp", "kel-a/snmp"))
    play = Play(replace(known, nodes={**known.nodes, "kel-a": node}, checks={**known.checks, snmp.id: snmp}))
    play.run(200)
    play.dead = {"kec"}
    play.run(200)
    play.dead = set()
    play.run(30)
    assert play.engine.condition("kel-a", play.at) is Condition.UP


def test_an_answer_to_a_question_that_was_asked_again_after_the_repair_does_not_vouch_for_the_time_before_it() -> None:
    """SNMP asks again within one look: what began before the repair is answered after it, while a ping that began later is lost."""
    play = _play()
    play.run(60)
    play.dead = {"kec"}
    play.run(20)
    assert play.causes(Step.OPEN) == ["kec"]
    at = play.at
    play.take(ProbeResult("kel-a/icmp", at + 0.1, at + 2.1, Verdict.OK, seconds=2.0))
    play.take(ProbeResult("kec/icmp", at + 1.2, at + 2.2, Verdict.FAIL, Reason.TIMEOUT))
    play.at = at + 2.2
    play.dead = set()
    play.run(60)
    assert {page.why for page in play.pages if page.step is Step.END} == {Why.RECOVERED}


def _dense(layers: int, width: int) -> City:
    """Layers in which each node has all of the layer above for parents: more ways from the top to the bottom than anybody can walk."""
    nodes, above = [Node("hub", Kind.HUB, "hub", (), ("hub/icmp",))], ["hub"]
    for layer in range(layers):
        names = [f"n{layer}-{number}" for number in range(width)]
        nodes += [Node(name, Kind.KECAMATAN, name, (tuple(above),), (f"{name}/icmp",)) for name in names]
        above = names
    checks = {node.checks[0]: Check(node.checks[0], node.id, "icmp", node.id, Grade.CORE, 3, 1) for node in nodes}
    receiver = Receiver("layar", "webhook", "Layar")
    return City("", nodes={node.id: node for node in nodes}, checks=checks, receivers={"layar": receiver}, routes=(Route(("layar",)),))


@pytest.mark.parametrize("mute", [set(), {"hub", *(f"n{layer}-{number}" for layer in range(19) for number in range(4))}])
def test_a_graph_with_more_ways_than_anybody_can_walk_is_judged_and_told_of_once(mute: set[str]) -> None:
    play = Play(_dense(20, 4))
    play.run(60)
    play.mute = mute
    play.run(60)
    play.dead = {"hub"}
    play.run(120)
    assert play.causes(Step.OPEN)[-1:] == ["hub"]
    play.dead, play.mute = set(), set()
    play.run(120)
    assert play.engine.open_incidents() == []


def _until(play: Play, seen: Callable[[], bool]) -> None:
    """Let time pass, a minute at most, until it is seen."""
    for _ in range(600):
        if seen():
            return
        play.run(0.1)
    pytest.fail("it did not come to that")


def test_what_a_root_waits_for_goes_with_a_check_that_a_new_inventory_no_longer_has() -> None:
    play = _play()
    play.run(60)
    play.dead = {"kec"}
    _until(play, lambda: "kel-a/icmp" in play.engine.state.gate.get("kec", Wait(0, 0)).asked)
    play.change(city(without="kel-a"))
    assert "kel-a/icmp" not in play.engine.state.gate["kec"].asked
    assert any(ring.name == "gate" for ring in chain(Scene(play.engine, play.at), "kec"))
    play.run(60)
    assert play.causes(Step.OPEN) == ["kec"]


@pytest.mark.parametrize("back", [False, True])
def test_what_was_lost_while_its_parent_was_away_is_told_only_when_it_is_lost_once_more(*, back: bool) -> None:
    known, (quick, slow) = city(), (GRADES[Grade.CORE], GRADES[Grade.FIBRE])
    checks = {
        **known.checks,
        "kec/icmp": replace(known.checks["kec/icmp"], grade=Grade.FIBRE, interval=slow.interval, timeout=slow.timeout),
        "kel-a/icmp": replace(known.checks["kel-a/icmp"], grade=Grade.CORE, interval=quick.interval, timeout=quick.timeout),
    }
    play = Play(replace(known, checks=checks))
    play.run(60)
    play.lost = dict.fromkeys(("kec/icmp", "kel-a/icmp"), Reason.TIMEOUT)
    _until(play, lambda: "kel-a" in play.engine.state.gate)
    play.lost = {} if back else {"kel-a/icmp": Reason.TIMEOUT}
    _until(play, lambda: bool(play.engine.gate.away("kel-a")))
    assert play.pages == []
    scene = Scene(play.engine, play.at)
    assert any("ikut hilang: kec" in Speaker(play.city, "id", play.at).say(ring) for ring in chain(scene, "kel-a") if ring.name == "gate")
    play.run(30)
    assert play.causes(Step.OPEN) == ([] if back else ["kel-a"])
