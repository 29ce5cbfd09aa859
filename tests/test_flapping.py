"""What falls again and again: each fall is paged until it flaps; then one message, a digest by the hour, and one end."""

from dataclasses import replace
from pathlib import Path

import pytest

from alerts.incidents import DIGEST
from alerts.message import compose
from monitor.core.events import InventoryLoaded, Step, Why
from monitor.engine import Condition
from monitor.engine.desk import SPLIT
from monitor.inventory import load
from tests.play import Play

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


@pytest.fixture(name="play", params=[False, True], ids=["at a stretch", "restarted at every event"])
def play_fixture(request: pytest.FixtureRequest) -> Play:
    """A city of which a kecamatan has fallen and come back six times, each told; and once more, which is too often."""
    play = Play(CITY)
    play.run(200)
    _fall(play, 6)
    assert [page.step for page in play.pages if page.receiver == play.pages[0].receiver] == [Step.OPEN, Step.END] * 6
    play.pages.clear()
    _fall(play, 1)
    play.restart = request.param
    return play


def test_what_falls_too_often_is_one_message_and_stays_open_while_it_answers(play: Play) -> None:
    who = play.pages[0].receiver
    assert _steps(play, who) == [(Step.OPEN, Why.ROOT_VERIFIED), (Step.UPDATE, Why.FLAPPING)]
    play.pages.clear()
    _fall(play, 5)
    assert play.pages == []
    assert play.engine.condition(SITE, play.at) is Condition.UP
    (incident,) = play.engine.open_incidents()
    assert (incident.cause.node, incident.falls) == (SITE, 12)


def test_its_falls_are_told_in_a_digest_by_the_hour(play: Play) -> None:
    play.restart = False
    who, began = play.pages[0].receiver, play.at
    play.pages.clear()
    while play.at < began + 2.5 * DIGEST:
        _fall(play, 1)
        play.run(500)
    assert _steps(play, who) == [(Step.UPDATE, Why.FLAPPING)] * 2
    assert [page.falls for page in play.pages if page.receiver == who] == [13, 19]


def test_what_stays_down_at_last_is_told_once_and_ends_when_it_is_calm(play: Play) -> None:
    play.restart = False
    who = play.pages[0].receiver
    play.pages.clear()
    play.dead = {SITE}
    play.run(SPLIT + SOON)
    assert _steps(play, who) == [(Step.UPDATE, Why.STAYS_DOWN)]
    play.run(1800)
    play.dead = set()
    play.run(4 * DIGEST)
    assert _steps(play, who)[-1] == (Step.END, Why.CALM)
    assert [step for step, _ in _steps(play, who)].count(Step.END) == 1
    assert play.engine.open_incidents() == []


def test_a_calm_end_comes_without_another_fall_and_the_next_fall_is_a_page_again(play: Play) -> None:
    play.restart = False
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
    play.restart = False
    play.pages.clear()
    play.run(DIGEST)
    text = compose(play.pages[0], CITY, "id+en").text
    assert text.startswith("✅ PULIH")
    assert "Tenang: 7 kali jatuh dan pulih, lalu lama tidak lagi." in text
    assert "Calm: fell and came back 7 times, then no more for long." in text
