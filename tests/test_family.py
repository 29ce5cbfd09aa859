"""One address family lost from here: told apart from dead sites, a dead hub and a dark city; the rest is judged on."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest

from alerts.message import compose
from monitor.core.city import SITES, City, Kind, Node
from monitor.core.events import Severity, Step
from monitor.core.family import families, family
from monitor.core.topology import Topology
from monitor.core.verdict import Reason
from monitor.engine import Condition
from tests.play import Play
from tests.test_causes import committed
from tests.test_engine import city as engine_city

PILOT = ("kel-gentong", "kel-tapaan", "kel-sebani", "kel-bakalan", "kel-blandongan", "pkm-gadingrejo")
GADINGREJO = Topology(committed().nodes, ["kec-gadingrejo"]).behind("kec-gadingrejo")


@cache
def _city(nodes: tuple[str, ...]) -> City:
    """Return the committed city with these nodes looked at over IPv6."""
    city = committed()
    moved = {check: f"2001:db8::{number:x}" for number, node in enumerate(nodes, 1) for check in city.nodes[node].checks}
    checks = {check.id: replace(check, target=moved.get(check.id, check.target)) for check in city.checks.values()}
    return replace(city, checks=checks)


def _play(nodes: Iterable[str] = PILOT, *, restart: bool = False) -> Play:
    play = Play(_city(tuple(nodes)))
    play.run(200)
    play.restart = restart
    return play


def _lost(play: Play, name: str = "ipv6") -> None:
    """The hub's own address is next to us, unless it is of the family that has fewer."""
    lost = [check for check in play.city.checks.values() if family(check.target) == name]
    play.lost = {check.id: Reason.TIMEOUT for check in lost if check.node != "hub" or name == "ipv6"}


def _named(play: Play) -> set[str]:
    """Return what was named as the cause of the one incident that there was."""
    assert {page.incident for page in play.pages} == {"g1"}
    return {page.cause for page in play.pages}


def _healed(play: Play) -> None:
    play.restart, play.dead, play.lost = False, set(), {}
    play.run(300)
    assert play.engine.open_incidents() == []


def _small() -> City:
    """Hub and kec over IPv4, three sites of each family behind them."""
    city, parents = engine_city(), {"new-a": "hub", "new-b": "kec", "new-c": "kec", "old-c": "hub"}
    new = {node: Node(node, Kind.OPD, node, ((parent,),), (f"{node}/icmp",)) for node, parent in parents.items()}
    checks = {each: replace(city.checks["opd/icmp"], id=f"{each}/icmp", node=each) for each in new}
    everything = {**city.checks, **{check.id: check for check in checks.values()}}
    aimed = {
        check.id: replace(check, target=f"2001:db8::{number}" if check.node.startswith("new") else f"198.51.100.{number}")
        for number, check in enumerate(everything.values())
    }
    return replace(city, nodes={**city.nodes, **new}, checks=aimed)


@pytest.mark.parametrize("restart", [False, True])
def test_ipv6_lost_from_here_is_one_critical_page_by_its_own_name_whatever_restarts(*, restart: bool) -> None:
    play = Play(_small())
    play.run(60)
    play.restart = restart
    _lost(play)
    play.run(60)
    assert [(page.cause, page.step, page.severity, page.members) for page in play.pages if page.receiver == "piket"] == [
        ("ipv6", Step.OPEN, Severity.CRITICAL, ("new-a", "new-b"))
    ]
    _healed(play)


@pytest.mark.parametrize("nodes", [PILOT, ("hub", "kec-gadingrejo", *PILOT)])
def test_no_route_from_here_to_any_of_a_family_is_its_loss(nodes: tuple[str, ...]) -> None:
    play = _play(nodes)
    _lost(play)
    play.lost = dict.fromkeys(play.lost, Reason.NO_ROUTE)
    play.run(250)
    assert _named(play) == {"ipv6"}
    assert play.pages[0].reason is Reason.NO_ROUTE
    _healed(play)


def test_no_route_to_some_of_a_family_is_our_own_fault_and_no_evidence() -> None:
    play = _play()
    _lost(play)
    play.lost = dict.fromkeys(list(play.lost)[2:], Reason.NO_ROUTE)
    play.run(300)
    assert play.pages == []


def test_while_a_family_is_lost_the_other_one_is_judged_on() -> None:
    play = _play()
    _lost(play)
    play.run(150)
    play.dead = {"kel-karangketug"}
    play.run(100)
    assert play.causes(Step.OPEN) == ["ipv6", "kel-karangketug"]
    assert len(play.engine.open_incidents()) == 2
    _healed(play)


def test_ipv4_lost_from_here_while_the_pilot_sites_answer_over_ipv6_is_one_page_too() -> None:
    play = _play()
    _lost(play, "ipv4")
    play.run(200)
    assert _named(play) == {"ipv4"}
    assert play.engine.condition("kel-gentong", play.at) is Condition.UP
    _healed(play)


def test_a_hub_and_a_kecamatan_that_answer_over_ipv6_only_are_silent_and_not_the_cause() -> None:
    play = _play(("hub", "kec-gadingrejo", *PILOT))
    _lost(play)
    play.run(300)
    assert _named(play) == {"ipv6"}
    silent = {play.engine.condition(node, play.at) for node in ("hub", "kec-gadingrejo")}
    assert silent == {Condition.NO_REPLY}
    _healed(play)


def test_of_a_kecamatan_that_is_wholly_ipv6_the_router_is_among_the_fallen_and_its_sites_are_behind() -> None:
    play = _play(("kec-gadingrejo", *GADINGREJO, "kel-tapaan", "kel-bakalan"))
    _lost(play)
    play.run(200)
    assert _named(play) == {"ipv6"}
    assert set(play.pages[-1].members) == {"kec-gadingrejo", "kel-tapaan", "kel-bakalan"}
    assert {node for node in GADINGREJO if play.city.nodes[node].kind is not Kind.LINK} <= set(play.pages[-1].behind)
    _healed(play)


def test_a_dead_kecamatan_of_which_all_is_ipv6_is_itself_the_cause_and_told_as_soon_as_ever() -> None:
    play, usual = _play(("kec-gadingrejo", *GADINGREJO, "kel-tapaan", "kel-bakalan")), _play(())
    for each in (play, usual):
        each.dead = {"kec-gadingrejo"}
        each.run(100)
    assert play.causes(Step.OPEN) == ["kec-gadingrejo"]
    assert play.pages[0].at < usual.pages[0].at + 3
    _healed(play)


def test_a_site_that_dies_alone_is_told_as_soon_as_in_a_city_of_one_family() -> None:
    play, usual = _play(), _play(())
    for each in (play, usual):
        each.dead = {"kel-gentong"}
        each.run(100)
    assert play.causes(Step.OPEN) == ["kel-gentong"]
    assert play.pages[0].at < usual.pages[0].at + 3
    _healed(play)


def test_a_dead_kecamatan_that_hides_all_of_ipv6_is_no_loss_of_ipv6() -> None:
    play = _play(GADINGREJO)
    play.dead = {"kec-gadingrejo"}
    play.run(200)
    assert (play.causes(Step.OPEN), play.causes(Step.UPDATE)) == (["kec-gadingrejo"], [])
    _healed(play)


@pytest.mark.parametrize("nodes", [PILOT, ("kec-gadingrejo", "kec-bugul-kidul", "opd-bpbd", *PILOT)])
def test_a_dark_city_of_two_families_is_the_city(nodes: tuple[str, ...]) -> None:
    play = _play(nodes)
    play.dead = {
        node.id for node in play.city.nodes.values() if node.kind in {*SITES, Kind.LINK} and any("hub" in group for group in node.groups)
    }
    play.run(300)
    assert play.causes(Step.OPEN) == ["kota"]
    _healed(play)


def test_our_own_cable_cut_in_a_city_of_two_families_is_that_we_are_cut_off() -> None:
    play = _play(("hub", *PILOT))
    play.lost = dict.fromkeys(play.city.checks, Reason.TIMEOUT)
    play.run(300)
    assert (play.causes(Step.OPEN), play.causes(Step.UPDATE)) == (["hub"], [])
    _healed(play)


def test_a_city_of_one_family_has_none_and_a_name_counts_for_neither() -> None:
    assert families(committed()) == {}
    assert [family(each) for each in ("198.18.0.1", "2001:db8::1", "https://[2001:db8::1]/", "https://portal.pantau.test", "kel-a")] == [
        "ipv4", "ipv6", "ipv6", "", "",
    ]  # fmt: skip
    assert families(_city(PILOT[:2])) == {}


def test_the_page_says_what_it_means_and_what_to_look_at_first() -> None:
    play = _play()
    _lost(play)
    play.run(130)
    lines = compose(play.pages[0], play.city, "id+en").text.splitlines()
    assert lines[0] == "🔴 GANGGUAN g1 · IPv6 dari sini [ipv6]"
    assert lines[1].startswith("IPv6 tidak jalan dari sini: yang diperiksa lewat IPv6 tidak menjawab, yang lewat IPv4 menjawab.")
    assert lines[2].endswith("Periksa dulu rute dan gerbang IPv6 milik Pantau, lalu router pusat.")
    assert any(line.startswith("IPv6 is lost from here: ") for line in lines)
    assert any("First check the IPv6 route" in line for line in lines)
