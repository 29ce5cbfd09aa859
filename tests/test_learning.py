"""Learning: what healed losses teach of a target's own noise."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.learning import KEPT, QUIETEST, Learned, healed, heavy, noise
from monitor.core.rules import GRADES, Grade

FIBRE = GRADES[Grade.FIBRE]
EPISODES = st.lists(st.tuples(st.integers(1, 40), st.floats(0.1, 30), st.integers(1, 5000)), min_size=1, max_size=300)


def taught(episodes: Iterable[tuple[int, float, int]], grade: Grade = Grade.FIBRE) -> tuple[Learned, int]:
    """Return what these episodes teach: so many losses at this gap, after so many answers."""
    known, answers = None, 0
    for losses, gap, quiet in episodes:
        answers += quiet
        known = healed(GRADES[grade], known, answers, losses, (losses - 1) * gap, gap)
    assert known is not None
    return known, answers


@given(EPISODES, st.sampled_from(list(Grade)))
def test_whatever_it_is_taught_the_noise_stays_within_bounds(episodes: list[tuple[int, float, int]], grade: Grade) -> None:
    found = noise(GRADES[grade], *taught(episodes, grade))
    assert GRADES[grade].noise.p * QUIETEST <= found.p <= 0.5
    assert GRADES[grade].noise.tau * QUIETEST <= found.tau <= 60


@given(EPISODES)
def test_one_more_loss_of_the_same_kind_never_makes_it_believe_in_less(episodes: list[tuple[int, float, int]]) -> None:
    known, answers = taught(episodes[:100])
    longer = healed(FIBRE, known, answers, 12, 11 * 30.0, 30.0)
    assert noise(FIBRE, longer, answers).tau >= noise(FIBRE, known, answers).tau - 1e-6
    assert noise(FIBRE, longer, answers).p >= min(noise(FIBRE, known, answers).p, 0.5) - 1e-3


def test_one_long_row_of_losses_moves_the_noise_of_the_class_but_little() -> None:
    found = noise(FIBRE, *taught([(4, 4.0, 5000)]))
    assert found.p == pytest.approx(FIBRE.noise.p, rel=0.05)
    assert FIBRE.noise.tau < found.tau < FIBRE.noise.tau * 1.3


def test_single_losses_in_plenty_teach_that_they_do_not_hang_together() -> None:
    found = noise(FIBRE, *taught([(1, 4.0, 100)] * 1000))
    assert found.p == pytest.approx(0.01, rel=0.15)
    assert found.tau == FIBRE.noise.tau * QUIETEST


def test_bursts_teach_how_long_they_last_a_little_rounded_up() -> None:
    share = math.exp(-10 / 8)
    row = [(number, 10.0, 200) for number in range(1, 12) for _ in range(round(1000 * share ** (number - 1) * (1 - share)))]
    assert 8 < noise(FIBRE, *taught(row)).tau < 9.5
    assert not heavy(FIBRE, *taught(row))
    assert not heavy(FIBRE, None, 0)


def test_rare_long_bursts_among_many_single_losses_are_not_averaged_away() -> None:
    mixed = [(1, 4.0, 100)] * 18 + [(6, 4.0, 100), (9, 4.0, 100)]
    assert noise(FIBRE, *taught(mixed * 30)).tau > 8
    assert heavy(FIBRE, *taught(mixed * 30))


def test_it_forgets_so_that_a_line_that_was_mended_is_believed_again() -> None:
    known, answers = taught([(5, 4.0, 100)] * 3000)
    bad = noise(FIBRE, known, answers)
    for _ in range(6 * KEPT):
        answers += 1000
        known = healed(FIBRE, known, answers, 1, 0.0, 4.0)
    good = noise(FIBRE, known, answers)
    assert known.episodes <= KEPT
    assert bad.tau > 10
    assert good.tau == FIBRE.noise.tau * QUIETEST
    assert good.p == pytest.approx(0.001, rel=0.2)
