"""Which page comes of what: whole faults of the committed city, in virtual time."""

from functools import cache
from pathlib import Path

import pytest

from alerts.message import compose
from monitor.core.city import SITES, City, Kind
from monitor.core.events import ProbeResult, Severity, Step, Why
from monitor.core.topology import Topology
from monitor.core.verdict import Reason, Verdict
from monitor.engine import Condition
from monitor.inventory import load
from tests.play import Play


@cache
def committed() -> City:
    """Return the committed city, once."""
    return load(Path(__file__).parents[1] / "inventory.yaml")


def _play(*, restart: bool = False) -> Play:
    play = Play(committed(), restart=restart)
    play.run(200)
    assert play.pages == []
    return play


def _healed(play: Play, seconds: float = 200) -> None:
    play.dead, play.mute, play.lost = set(), set(), {}
    play.run(seconds)
    assert play.engine.open_incidents() == []
    ended = {(page.incident, page.receiver) for page in play.pages if page.step is Step.END}
    assert ended == {(page.incident, page.receiver) for page in play.pages if page.step is Step.OPEN}


def test_a_router_that_does_not_answer_while_its_sites_do_is_a_ticket_and_no_page() -> None:
    play = _play()
    play.mute = {"kec-gadingrejo"}
    play.run(300)
    assert play.pages == []
    assert play.engine.condition("kec-gadingrejo", play.at) is Condition.NO_REPLY
    assert play.engine.condition("kel-gentong", play.at) is Condition.UP
    _healed(play)
    assert play.engine.condition("kec-gadingrejo", play.at) is Condition.UP
    assert play.engine.state.silent == {}


def test_a_site_behind_a_silent_router_is_paged_by_itself_and_the_router_when_all_are_gone() -> None:
    play = _play()
    play.mute = {"kec-gadingrejo"}
    play.run(100)
    play.dead = {"kel-gentong"}
    play.run(100)
    assert play.causes(Step.OPEN) == ["kel-gentong"]
    play.dead = {"kec-gadingrejo"}
    play.run(200)
    assert play.engine.condition("kec-gadingrejo", play.at) is Condition.DOWN
    assert [incident.cause.node for incident in play.engine.open_incidents()] == ["kec-gadingrejo"]
    _healed(play)


def test_a_router_whose_sites_come_back_before_it_answers_ends_its_outage() -> None:
    play = _play()
    play.dead = {"kec-gadingrejo"}
    play.run(60)
    play.dead, play.mute = set(), {"kec-gadingrejo"}
    play.run(200)
    assert play.engine.open_incidents() == []
    assert {page.why for page in play.pages if page.step is Step.END} == {Why.VOUCHED_FOR}
    assert play.causes(Step.OPEN) == ["kec-gadingrejo"]


@pytest.mark.parametrize("restart", [False, True])
def test_both_uplinks_lost_at_once_are_one_page_the_internet_is_lost(*, restart: bool) -> None:
    play = _play()
    play.restart = restart
    play.dead = {"isp-utama", "isp-cadangan"}
    play.run(40)
    play.restart = False
    assert play.causes(Step.OPEN) == ["internet"]
    play.run(80)
    assert play.causes(Step.OPEN) == ["internet"]
    assert play.causes(Step.UPDATE) == []
    assert play.pages[0].severity is Severity.CRITICAL
    assert set(play.pages[0].members) == {"isp-utama", "isp-cadangan"}
    _healed(play)


def test_the_second_uplink_lost_later_turns_the_first_into_the_loss_of_the_internet() -> None:
    play = _play()
    play.dead = {"isp-utama"}
    play.run(600)
    play.dead = {"isp-utama", "isp-cadangan"}
    play.run(120)
    assert play.causes(Step.OPEN) == ["isp-utama", "internet"]  # an opening for those who are hit only now
    assert play.causes(Step.UPDATE) == ["internet"]
    assert len({page.incident for page in play.pages}) == 1
    _healed(play)


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.NO_ROUTE])
def test_our_own_way_to_the_city_lost_is_one_page_and_all_else_is_unknown(reason: Reason) -> None:
    play = _play()
    play.lost = dict.fromkeys(play.city.checks, reason)
    play.run(400)
    assert play.causes(Step.OPEN) == ["hub"]
    assert play.causes(Step.UPDATE) == []
    conditions = {play.engine.condition(node.id, play.at) for node in play.city.nodes.values() if node.id != "hub" and node.checks}
    assert conditions == {Condition.UNKNOWN}
    _healed(play)


def test_what_we_cannot_see_is_unknown_from_the_moment_at_which_we_are_cut_off() -> None:
    """Also what is seldom looked at, and was well the last time."""
    play = _play()
    play.lost = dict.fromkeys(play.city.checks, Reason.NO_ROUTE)
    while not play.pages:
        play.run(1)
    seen = {node.id: play.engine.condition(node.id, play.at) for node in play.city.nodes.values() if node.checks}
    assert {node for node, condition in seen.items() if condition is not Condition.UNKNOWN} == {"hub"}


@pytest.mark.parametrize(("dead", "seconds"), [("hub", 42), ("kec-gadingrejo", 42), ("kec-gadingrejo", 200)])
def test_what_was_lost_behind_a_dead_way_teaches_nothing_of_those_behind_it(dead: str, seconds: float) -> None:
    """Learned as noise of their own it would make them slow to believe dead, all at once."""
    play = _play()
    play.dead = {dead}
    play.run(seconds)
    _healed(play)
    behind = {
        check.id
        for node in play.engine.topology.children(dead)
        for check in map(play.city.checks.get, play.city.nodes[node].checks)
        if check
    }
    assert [check for check in sorted(behind) if play.engine.state.beliefs[check].learned] == []


def test_our_own_cable_cut_is_one_page_although_our_gateway_never_answers_pings() -> None:
    play = _play()
    play.mute = {"hub"}
    play.run(60)
    assert play.pages == []
    play.lost = dict.fromkeys(play.city.checks, Reason.NO_ROUTE)
    play.run(90)
    assert play.causes(Step.OPEN) == ["hub"]
    assert play.engine.blind
    play.lost = {}
    play.run(60)
    assert play.engine.open_incidents() == []
    assert play.engine.condition("hub", play.at) is Condition.NO_REPLY
    _healed(play)


def test_a_route_that_our_own_machine_lost_is_one_page_that_says_so() -> None:
    """Our gateway lies next to us: it answers when no way leads on from it."""
    play = _play()
    play.lost = {check.id: Reason.NO_ROUTE for check in play.city.checks.values() if check.node != "hub"}
    play.run(200)
    assert play.causes(Step.OPEN) == ["kota"]
    assert play.pages[0].reason is Reason.NO_ROUTE
    assert play.engine.condition("kec-gadingrejo", play.at) is Condition.DOWN
    play.lost = {}
    play.run(120)
    assert play.engine.open_incidents() == []
    _healed(play)


def test_the_whole_city_dark_while_the_hub_answers_is_one_page() -> None:
    play = _play()
    play.dead = {
        node.id for node in play.city.nodes.values() if node.kind in {*SITES, Kind.LINK} and any("hub" in group for group in node.groups)
    }
    play.run(300)
    assert play.causes(Step.OPEN) == ["kota"]
    _healed(play)


def test_a_feeder_is_named_as_soon_as_two_of_its_sites_are_gone_and_one_incident_holds_them_all() -> None:
    play = _play()
    members = set(play.city.risks["pln-gadingrejo"].members) - {"kec-gadingrejo"}
    play.dead = members
    play.run(300)
    incidents = play.engine.open_incidents()
    assert [(incident.cause.node, set(incident.members)) for incident in incidents] == [("pln-gadingrejo", members)]
    assert len({page.step for page in play.pages if page.receiver == play.pages[0].receiver}) == 2
    _healed(play)


def test_a_river_that_takes_its_sites_over_forty_minutes_is_one_opening_and_its_updates() -> None:
    play = _play()
    for site in ("kel-tapaan", "kel-blandongan", "kel-bakalan"):
        play.dead = play.dead | {site}
        play.run(1200)
    assert play.causes(Step.OPEN)[0] == "kel-tapaan"
    assert play.causes(Step.UPDATE) == ["sungai-petung"]
    assert len({page.incident for page in play.pages}) == 1
    assert play.pages[-1].members == ("kel-tapaan", "kel-blandongan", "kel-bakalan")
    play.dead = {"kel-bakalan"}
    play.run(900)
    assert play.causes(Step.UPDATE) == ["sungai-petung", "kel-bakalan"]
    assert play.pages[-1].why is Why.SPLIT
    _healed(play)


def test_a_page_of_a_shared_cause_names_it_those_that_fell_and_what_else_it_could_be() -> None:
    play = _play()
    play.dead = {"kel-tapaan", "kel-blandongan"}
    play.run(200)
    lines = compose(play.pages[-1], play.city, "id").text.splitlines()
    assert lines[0] == "🔄 PERKEMBANGAN g1 · Sungai Petung [sungai-petung]"
    assert "Kemungkinan sebab bersama: Sungai Petung (semula disangka Kelurahan Tapa'an)." in lines
    assert not any(line.startswith("Sebab diperbarui") for line in lines)
    assert any(line.startswith("Gejala pertama ") and line.endswith("): tidak menjawab.") for line in lines)
    assert "Kemungkinan lain: gangguan sendiri-sendiri" in lines
    (fallen,) = [line for line in lines if line.startswith("Yang jatuh (2): ")]
    assert {"Kelurahan Tapa'an", "Kelurahan Blandongan"} == set(fallen.removeprefix("Yang jatuh (2): ").split(", "))


def test_a_dead_name_server_is_one_page_and_what_has_a_name_is_unknown_but_not_down() -> None:
    play = _play()
    play.lost = dict.fromkeys((check.id for check in play.city.checks.values() if check.kind == "http"), Reason.OWN_RESOLVER)
    play.dead = {"resolver"}
    play.run(300)
    assert play.causes(Step.OPEN) == ["resolver"]
    assert play.engine.condition("app-portal", play.at) is Condition.UNKNOWN
    assert play.engine.condition("kel-gentong", play.at) is Condition.UP
    _healed(play)


def test_a_look_that_was_lost_before_the_repair_does_not_make_a_router_silent_that_comes_back() -> None:
    play = _play()
    play.dead = {"kec-gadingrejo"}
    play.run(60)
    at = play.at
    play.take(ProbeResult("kel-sebani/icmp", at + 0.2, at + 0.21, Verdict.OK, seconds=0.01))
    play.take(ProbeResult("kec-gadingrejo/icmp", at + 0.1, at + 1.1, Verdict.FAIL, Reason.TIMEOUT))
    assert play.causes(Step.END) == []
    play.take(ProbeResult("kec-gadingrejo/icmp", at + 1.2, at + 2.2, Verdict.FAIL, Reason.TIMEOUT))
    assert play.causes(Step.END) == ["kec-gadingrejo"]


def test_an_application_that_answers_is_neither_hit_by_nor_a_voice_for_the_one_that_it_needs() -> None:
    play = _play()
    play.lost = {"app-simpus/http": Reason.KEYWORD_FORBIDDEN}
    play.run(300)
    assert (play.causes(Step.OPEN), play.causes(Step.END)) == (["app-simpus"], [])
    assert play.pages[0].behind == ()
    play.lost["app-jdih/http"] = Reason.TLS_EXPIRED
    play.run(200)
    assert play.causes(Step.OPEN) == ["app-simpus", "app-jdih"]
    assert len(play.engine.open_incidents()) == 2
    _healed(play)


def test_a_cause_below_a_router_that_never_answered_is_told_as_not_verified() -> None:
    play = Play(committed())
    play.mute = {"kec-gadingrejo"}
    play.run(200)
    play.dead = {"kel-gentong"}
    play.run(100)
    assert [(page.cause, page.why) for page in play.pages[:1]] == [("kel-gentong", Why.ROOT_UNVERIFIED)]


def test_what_answers_without_its_need_does_not_hide_what_hangs_on_another_need() -> None:
    """Perizinan needs the queue of Dukcapil and PBB, which needs the queue, too, and here answers without it."""
    topology = Topology(committed().nodes, ["opd-dispendukcapil", "app-perizinan"])
    behind = topology.behind("opd-dispendukcapil", spared={"app-pbb-bphtb"})
    assert "app-perizinan" in behind
    assert "app-pbb-bphtb" not in behind
    assert "app-simrs" not in topology.behind("opd-dispendukcapil", spared={"app-siak-antrean"})
