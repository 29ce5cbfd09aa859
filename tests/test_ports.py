"""What a device says of its ports is evidence for the line plugged into it, beside an own loss and never alone."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from monitor.core.belief import Status
from monitor.core.city import City
from monitor.core.events import Decision, ProbeResult, Severity, Step, Verify, Why
from monitor.core.verdict import Reason, Verdict
from monitor.engine import Condition
from monitor.inventory import load
from tests.play import Play

LONGEST = 10 + 2 + 1 + 5 + 1 + 0.1
"""Interval, time-out, a reading, the confirming one, the question at the gate; nobody is asked more often than once a second."""
SITE, DEVICE, PORT = "kel-gentong", "kec-gadingrejo", "ether3"


@cache
def _city() -> City:
    return load(Path(__file__).parents[1] / "inventory.yaml")


def _play(city: City | None = None, *, seconds: float = 200) -> Play:
    play = Play(city or _city())
    play.run(seconds)
    assert play.pages == []
    return play


def _read(play: Play, oper: str = "down", **other: object) -> list[object]:
    """Let the device above say something of the port, and return what the engine makes of it."""
    play.at += 1
    values: Mapping[str, object] = {"interfaces": [{"name": PORT, "oper": oper}], **other}
    look = ProbeResult(f"{DEVICE}/snmp", play.at - 0.1, play.at, Verdict.OK, None, 0.1, "", values)
    return list(play.engine.apply(look))


def _lose(play: Play) -> None:
    play.at += 1
    play.engine.apply(ProbeResult(f"{SITE}/icmp", play.at, play.at + 2, Verdict.FAIL, Reason.TIMEOUT))
    play.at += 2


@pytest.mark.parametrize("seconds", [200, 202.5, 205, 207.5])
@pytest.mark.parametrize("restart", [False, True])
def test_a_cut_line_is_told_sooner_where_its_port_goes_down_and_the_page_says_so(seconds: float, *, restart: bool) -> None:
    play = _play(seconds=seconds)
    play.dead, play.restart = {SITE}, restart
    play.run(LONGEST)
    first = play.pages[0]
    assert play.causes(Step.OPEN) == [SITE]
    assert (first.reason, first.detail) == (Reason.PORT_DOWN, f"{DEVICE}: {PORT}")
    play.dead, play.restart = set(), False
    play.run(100)
    assert play.engine.open_incidents() == []


def test_without_a_port_the_same_cut_needs_the_odds() -> None:
    city = _city()
    play = _play(replace(city, links={key: replace(link, port="") for key, link in city.links.items()}))
    cut, play.dead = play.at, {SITE}
    play.run(60)
    assert play.pages[0].at - cut > 20
    assert play.pages[0].reason is Reason.TIMEOUT


def test_a_port_that_is_down_says_nothing_of_a_site_that_answers() -> None:
    play = _play()
    for _ in range(20):
        assert _read(play) == []
    assert play.engine.condition(SITE, play.at) is Condition.UP


def test_one_reading_after_the_loss_is_not_enough_and_asks_for_the_confirming_one() -> None:
    play = _play()
    _lose(play)
    effects = _read(play)
    assert [effect for effect in effects if isinstance(effect, Verify)] == [Verify(f"{DEVICE}/snmp", play.at - 0.1 + 5)]
    assert play.engine.state.beliefs[f"{SITE}/icmp"].status is Status.SUSPECT
    assert [effect for effect in _read(play) if isinstance(effect, Decision)] == [], "too soon to confirm anything"
    play.at += 5
    decided = [effect for effect in _read(play) if isinstance(effect, Decision)]
    assert [(each.subject, each.what, each.why) for each in decided] == [(f"{SITE}/icmp", "down", Why.PORT_DOWN)]
    assert decided[0].numbers["reader"] == f"{DEVICE}/snmp"


def test_a_port_that_came_up_meanwhile_begins_anew() -> None:
    play = _play()
    _lose(play)
    for oper in ("down", "up", "down"):
        _read(play, oper)
        play.at += 5
    assert play.engine.state.beliefs[f"{SITE}/icmp"].status is Status.SUSPECT


def test_a_port_that_comes_up_while_the_site_stays_down_is_no_longer_said_to_be_down() -> None:
    play = _play()
    play.dead = {SITE}
    play.run(LONGEST)
    belief = play.engine.state.beliefs[f"{SITE}/icmp"]
    assert (belief.status, belief.told > 0) == (Status.DOWN, True)
    _read(play, "up")
    assert (belief.status, belief.told) == (Status.DOWN, 0)


def test_a_port_that_the_device_does_not_have_is_counted() -> None:
    play = _play()
    assert "unknown_port" not in play.engine.state.counts
    play.engine.apply(ProbeResult(f"{DEVICE}/snmp", play.at, play.at + 1, Verdict.OK, None, 0.1, "", {"interfaces": [{"name": "ether1"}]}))
    assert play.engine.state.counts["unknown_port"] == 1


def test_the_parent_that_died_is_told_and_not_the_lines_that_hang_on_it() -> None:
    play = _play()
    play.dead = {DEVICE, SITE}
    play.run(120)
    assert play.causes(Step.OPEN) == [DEVICE]


def test_a_watched_line_whose_port_is_down_is_lost_redundancy_and_no_outage() -> None:
    city = _city()
    link = next(link for link in city.links.values() if link.address and link.parent == DEVICE)
    links = {**city.links, link.id: replace(link, port="ether99")}
    play = _play(replace(city, links=links))
    cut, play.dead = play.at, {link.id}
    play.run(60)
    assert [(page.cause, page.severity) for page in play.pages[:1]] == [(link.id, Severity.MINOR)]
    assert play.pages[0].at - cut <= LONGEST + 1
    assert play.engine.condition(link.child, play.at) is Condition.UP


@pytest.mark.parametrize(
    "said", [None, "ether3", 7, [None], ["down"], [{}], [{"name": None}], [{"name": PORT}], [{"name": PORT, "oper": 2}]]
)
def test_what_makes_no_sense_of_a_port_is_no_evidence(said: object) -> None:
    play = _play()
    _lose(play)
    for _ in range(3):
        _read(play, interfaces=said)
        play.at += 5
    assert play.engine.state.beliefs[f"{SITE}/icmp"].told == 0
