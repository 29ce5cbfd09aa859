"""Simulate: invented losses are those of the model, skipping changes nothing, and the figures are said honestly."""

import json
import random
from dataclasses import replace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.simulate import BROKEN, CHANCE, HOLDS, UNSURE, verdict
from monitor.cli.simulate import simulate as command
from monitor.core.rules import GRADES, Grade, Noise
from monitor.simulate import Figures, life, lower_limit, simulate, upper_limit
from monitor.simulate.life import Tally
from monitor.simulate.weather import Weather

KINDS = st.lists(st.builds(Noise, st.floats(0.001, 0.3), st.floats(0.1, 60)), min_size=1, max_size=3)


def _chance(seed: int = 1) -> random.Random:
    return random.Random(seed)


@given(KINDS, st.floats(0.1, 100), st.floats(0.1, 100))
def test_the_weather_after_two_spans_is_that_after_both_together(kinds: list[Noise], first: float, second: float) -> None:
    weather = Weather(kinds, _chance().random)
    twice = weather.after(weather.after(weather.answered(), first), second)
    assert twice == pytest.approx(weather.after(weather.answered(), first + second))
    assert sum(twice) == pytest.approx(1)


@given(st.floats(0.001, 0.3), st.floats(0.5, 60), st.floats(0.1, 100))
def test_a_burst_is_lost_again_as_the_rule_believes(p: float, tau: float, gap: float) -> None:
    weather = Weather([Noise(p, tau)], _chance().random)
    again, _ = weather.lost_again((1e6, gap))
    assert weather.loss(1e6) == pytest.approx(p)
    assert again == pytest.approx(p + (1 - p) * 2.718281828459045 ** (-gap / tau))


def test_losses_are_drawn_as_often_as_they_are_due() -> None:
    weather = Weather([Noise(0.02, 0), Noise(0.01, 5)], _chance().random)
    drawn = [weather.looks_until(weather.loss(10)) for _ in range(20_000)]
    assert 1 / weather.loss(10) == pytest.approx(sum(drawn) / len(drawn), rel=0.03)


def test_without_loss_there_is_no_false_alarm_and_every_outage_is_seen_in_time() -> None:
    found = simulate(Grade.FIBRE, GRADES[Grade.FIBRE], [Noise(0, 0)], 50, _chance().random)
    assert (found.tally.false, found.tally.missed) == (0, 0)
    assert len(found.tally.delays) > 150
    assert found.delays["max"] <= found.worst + 0.5


def test_short_episodes_can_be_skipped_for_nothing_changes_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = replace(GRADES[Grade.FIBRE], outages=200, odds=2, span=0)
    skipped = simulate(Grade.FIBRE, rule, [Noise(0.01, 2)], 8, _chance().random)
    monkeypatch.setattr(life, "RELEARN", 10**9)
    played = simulate(Grade.FIBRE, rule, [Noise(0.01, 2)], 2, _chance(2).random)
    assert skipped.tally.played < skipped.tally.episodes / 5
    assert played.tally.played == played.tally.episodes
    assert skipped.tally.episodes / 8 == pytest.approx(played.tally.episodes / 2, rel=0.1)
    assert played.tally.false > 80
    assert skipped.rate == pytest.approx(played.rate, rel=0.3)
    assert skipped.delays["p50"] == pytest.approx(played.delays["p50"], rel=0.1)


def test_the_same_seed_gives_the_same_figures() -> None:
    first, second = (simulate(Grade.CORE, GRADES[Grade.CORE], [Noise(0.05, 2)], 1, _chance().random) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("count", "limit"), [(0, 2.996), (1, 4.744), (10, 16.962), (100, 118.1)])
def test_the_upper_limit_is_that_of_the_poisson_law(count: int, limit: float) -> None:
    assert upper_limit(count) == pytest.approx(limit, rel=1e-3)


def _run(*words: str) -> str:
    result = CliRunner().invoke(command, words, standalone_mode=False)
    assert result.exception is None
    return result.output


def test_the_figures_are_printed_in_the_shape_of_the_contract() -> None:
    found = json.loads(_run("--years", "2", "--class", "fibre", "--loss", "1%", "--burst", "0s", "--format", "json"))
    assert {"target_years", "false_alarms", "per_target_year", "upper_95", "stated_bound", "delay"} <= found.keys()
    assert found["delay"].keys() == {"p50", "p95", "max"}
    assert found["losses"] == [{"loss": 0.01, "burst": 0.0}]
    assert found["stated_bound"] == pytest.approx(4 / 99, abs=1e-6)
    assert found["target_years"] == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(("count", "limit"), [(0, 0.0), (1, 0.0513), (9, 4.695), (100, 84.14)])
def test_the_lower_limit_is_that_of_the_poisson_law(count: int, limit: float) -> None:
    assert lower_limit(count) == pytest.approx(limit, abs=0.01)


def test_what_may_be_chance_is_not_called_broken() -> None:
    """Nine false alarms where eight are promised prove nothing, and neither do seven; one does, and so do ninety."""
    noise = GRADES[Grade.FIBRE].noise
    found = [Figures(Grade.FIBRE, Tally(years=200.0, false=false), 0.0404, 0.0, noise) for false in (1, 7, 9, 90)]
    assert [verdict(each) for each in found] == [HOLDS, UNSURE, CHANCE, BROKEN]


def test_a_promise_that_is_broken_is_said_aloud() -> None:
    text = _run("--years", "10", *("--loss", "1%", "--burst", "0s", "--loss", "0.1%", "--burst", "10s"))
    assert "1 % (acak / random) + 0.1 % (10 s)" in text
    assert "JANJI TIDAK DITEPATI" in text
