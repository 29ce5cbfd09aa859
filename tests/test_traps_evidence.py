"""What a trap is worth: a cut line is told sooner, by looks and readings as ever, and a forged trap is worth nothing."""

from pathlib import Path

import pytest

from monitor.core.city import City
from monitor.core.events import Step
from monitor.core.verdict import Reason
from monitor.engine import Condition
from monitor.inventory import load
from monitor.traps.asking import Asking
from tests.play import Play

SITE, DEVICE, PORT = "kel-gentong", "kec-gadingrejo", "ether3"
SOONEST = 2 + 0.1 + 5 + 1 + 0.1
"""The time-out of the look that the trap brings, a reading, the confirming one, the question at the gate."""


@pytest.fixture(name="city", scope="module")
def city_fixture() -> City:
    return load(Path(__file__).parents[1] / "inventory.yaml")


def told_after(city: City, seconds: float, *, trap: bool) -> float:
    """Cut a line whose port is known, at that second of its life; return how long it takes until it is paged as that."""
    play, asking = Play(city), Asking(city)
    play.run(seconds)
    cut, play.dead = play.at, {SITE}
    if trap:
        play.ask(asking.looks(asking.of(city.nodes[DEVICE].address), play.at, lines=True))
    play.run(60)
    first = play.pages[0]
    assert (play.causes(Step.OPEN), first.reason, first.detail) == ([SITE], Reason.PORT_DOWN, f"{DEVICE}: {PORT}")
    return first.at - cut


def test_a_cut_line_is_told_within_eight_seconds_of_the_trap_whatever_its_turn_was(city: City) -> None:
    seconds = [200 + 1.7 * number for number in range(6)]
    by_trap = [told_after(city, each, trap=True) for each in seconds]
    in_turn = [told_after(city, each, trap=False) for each in seconds]
    assert max(by_trap) <= SOONEST
    assert max(in_turn) > max(by_trap) + 5
    assert all(sooner <= later + 0.01 for sooner, later in zip(by_trap, in_turn, strict=True))


def test_forged_traps_make_us_look_and_page_nobody(city: City) -> None:
    play, asking = Play(city), Asking(city)
    play.run(200)
    for _ in range(30):
        play.ask(asking.looks(asking.of(city.nodes[DEVICE].address), play.at, lines=True))
        play.run(1)
    assert play.pages == []
    assert {play.engine.condition(node, play.at) for node in (SITE, DEVICE)} == {Condition.UP}
