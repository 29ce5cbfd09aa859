"""What falls again and again: each fall is paged until it flaps; then one message, a digest by the hour, and one end."""

from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from alerts.incidents import DIGEST
from alerts.message import compose
from exporters.page import Glance
from exporters.view import Bell, View
from monitor.core.events import InventoryLoaded, Step, Why
from monitor.core.verdict import Reason
from monitor.engine import Condition, Engine
from monitor.engine.desk import SPLIT
from monitor.inventory import load
from tests.play import STATE, Play

CITY = load(Path(__file__).parents[1] / "inventory.yaml")
SITE = "kec-gadingrejo"
SOON, SOME = 60.0, 40.0


def _fall(play: Play, times: int) -> None:
    for _ in range(times):
        play.dead = {SITE}
        play.run(SOON)
        play.dead = set()
        play.run(SOME)


def _steps(play: Play, receiver: str) -> list[tuple[Step, Why]]:
    return [(page.step, page.why) for page in play.pages if page.receiver == receiver]


@cache
def _flapping() -> Play:
    """A city of which a kecamatan has fallen and come back six times, each told; and once more, which is too often."""
    play = Play(CITY)
    play.run(200)
    _fall(play, 6)
    assert [page.step for page in play.pages if page.receiver == play.pages[0].receiver] == [Step.OPEN, Step.END] * 6
    play.pages.clear()
    _fall(play, 1)
    return play


@pytest.fixture(name="play")
def play_fixture() -> Play:
    """What has just begun to flap."""
    return deepcopy(_flapping())


def test_what_falls_too_often_is_one_message_and_stays_open_while_it_answers(play: Play) -> None:
    who = play.pages[0].receiver
    assert _steps(play, who) == [(Step.OPEN, Why.ROOT_VERIFIED), (Step.UPDATE, Why.FLAPPING)]
    play.pages.clear()
    _fall(play, 5)
    assert play.pages == []
    assert play.engine.condition(SITE, play.at) is Condition.UP
    (incident,) = play.engine.open_incidents()
    assert (incident.cause.node, incident.falls) == (SITE, 12)
    (card,) = Glance(View(lambda: play.engine, lambda: play.at, Bell()), "id").cards()
    assert card.wrong == "menjawab lagi, tetapi sudah 12 kali jatuh dan pulih"


def test_a_restart_while_it_is_down_and_while_it_answers_changes_nothing(play: Play) -> None:
    play.pages.clear()
    for play.dead in ({SITE}, set()):
        play.engine = Engine(STATE.validate_json(STATE.dump_json(play.engine.state)))
        play.run(SOON)
    assert play.pages == []
    assert [(incident.cause.node, incident.falls) for incident in play.engine.open_incidents()] == [(SITE, 8)]


def test_its_falls_are_told_in_a_digest_by_the_hour(play: Play) -> None:
    who, began = play.pages[0].receiver, play.at
    play.pages.clear()
    while play.at < began + 2.5 * DIGEST:
        _fall(play, 1)
        play.run(470)
    assert _steps(play, who) == [(Step.UPDATE, Why.FLAPPING)] * 2
    assert [page.falls for page in play.pages if page.receiver == who] == [14, 21]


def test_what_stays_down_at_last_is_told_once_and_ends_when_it_is_calm(play: Play) -> None:
    who = play.pages[0].receiver
    play.pages.clear()
    play.dead = {SITE}
    play.run(SPLIT + SOON)
    assert _steps(play, who) == [(Step.UPDATE, Why.STAYS_DOWN)]
    play.run(1800)
    play.dead = set()
    play.run(SOME)
    assert _steps(play, who)[1:] == [(Step.UPDATE, Why.FLAPPING)]  # whoever heard that it stays down must hear at once that it does not
    play.run(2 * DIGEST)
    assert _steps(play, who)[2:] == [(Step.END, Why.CALM)]
    assert play.engine.open_incidents() == []


def test_what_flapped_and_was_down_for_hours_has_simply_recovered(play: Play) -> None:
    who = play.pages[0].receiver
    play.pages.clear()
    play.dead = {SITE}
    play.run(2 * DIGEST)
    play.dead = set()
    play.run(SOME)
    assert _steps(play, who) == [(Step.UPDATE, Why.STAYS_DOWN), (Step.END, Why.RECOVERED)]


def test_nothing_is_called_calm_while_nobody_can_look(play: Play) -> None:
    who = play.pages[0].receiver
    play.pages.clear()
    play.lost = dict.fromkeys(CITY.checks, Reason.TIMEOUT)
    play.run(2 * DIGEST)
    assert {page.cause for page in play.pages} == {"hub"}
    play.lost = {}
    play.run(2 * SOON)
    assert [page.why for page in play.pages if page.receiver == who and page.step is Step.END] == [Why.RECOVERED, Why.CALM]


def test_what_fell_behind_it_meanwhile_becomes_part_of_it(play: Play) -> None:
    play.pages.clear()
    play.dead = {"kel-gentong"}
    play.run(2 * SOON)
    assert {(page.step, page.cause) for page in play.pages} == {(Step.OPEN, "kel-gentong")}
    play.pages.clear()
    play.dead = {SITE}
    play.run(SOON)
    assert {(page.step, page.cause, page.why) for page in play.pages} == {(Step.END, "kel-gentong", Why.MERGED)}


def test_another_that_falls_with_it_is_told_and_ends_the_silence(play: Play) -> None:
    other = next(node.id for node in CITY.nodes.values() if node.id != SITE and set(node.risks) & set(CITY.nodes[SITE].risks))
    play.pages.clear()
    (resting,) = play.engine.open_incidents()
    play.engine.desk.take_in([SITE, other], Why.ROOT_VERIFIED, play.at)
    assert [incident.id for incident in play.engine.open_incidents()] == [resting.id]
    assert set(resting.members) == {SITE, other}
    assert (resting.calm_at, resting.falls) == (0, 0)
    assert resting.deadline < play.at + DIGEST


def test_a_calm_end_comes_without_another_fall_and_the_next_fall_is_a_page_again(play: Play) -> None:
    who = play.pages[0].receiver
    play.pages.clear()
    play.run(DIGEST)
    assert _steps(play, who) == [(Step.END, Why.CALM)]
    play.run(2 * DIGEST)
    _fall(play, 1)
    assert _steps(play, who)[1:] == [(Step.OPEN, Why.ROOT_VERIFIED), (Step.END, Why.RECOVERED)]


def test_a_flapping_site_that_leaves_the_inventory_ends_its_incident_with_that_reason(play: Play) -> None:
    nodes = {name: node for name, node in CITY.nodes.items() if name != SITE}
    checks = {name: check for name, check in CITY.checks.items() if check.node != SITE}
    play.pages.clear()
    play.take(InventoryLoaded(play.at, replace(CITY, nodes=nodes, checks=checks)))
    assert {(page.step, page.cause, page.why) for page in play.pages} == {(Step.END, SITE, Why.TARGET_REMOVED)}
    assert play.engine.open_incidents() == []


def test_its_messages_say_how_often_and_what_comes_next(play: Play) -> None:
    flapping = next(page for page in play.pages if page.why is Why.FLAPPING)
    text = compose(flapping, CITY, "id").text
    assert "Jatuh dan pulih berulang kali; kabar berikutnya paling sering sejam sekali" in text
    assert "Belakangan ini jatuh dan pulih: 7 kali\n" in text
    play.pages.clear()
    play.run(DIGEST)
    text = compose(play.pages[0], CITY, "id+en").text
    assert text.startswith("✅ PULIH")
    assert "Tenang: 7 kali jatuh dan pulih, lalu lama tidak lagi." in text
    assert "Calm: fell and came back 7 times, then no more for long." in text
