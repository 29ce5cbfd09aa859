import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.daemon.timeline import Timeline


def test_the_timeline_never_jumps_and_says_when_the_wall_clock_did() -> None:
    clocks = {"wall": 1000.0, "steady": 5.0}
    timeline = Timeline(wall=lambda: clocks["wall"], steady=lambda: clocks["steady"])
    assert (timeline.now(), timeline.step()) == (1000.0, None)
    clocks.update(wall=4610.0, steady=15.0)
    assert timeline.now() == 1010.0
    stepped = timeline.step()
    assert stepped is not None
    assert (stepped.at, stepped.step) == (1010.0, 3600.0)
    assert timeline.step() is None


def test_the_timeline_begins_no_earlier_than_what_the_journal_knows() -> None:
    timeline = Timeline(2000.0, wall=lambda: 1000.0, steady=lambda: 5.0)
    stepped = timeline.step()
    assert stepped is not None
    assert (timeline.now(), stepped.step) == (2000.0, -1000.0)


YEARS = 10 * 365.25 * 86400.0


@pytest.mark.parametrize("reason", [Reason.TLS_EXPIRED, Reason.TLS_NOT_YET_VALID, Reason.STALE_DATA, Reason.DOMAIN_EXPIRED])
@pytest.mark.parametrize("step", [YEARS, -YEARS])
def test_a_clock_that_was_set_by_ten_years_is_no_evidence_against_a_certificate(reason: Reason, step: float) -> None:
    clocks = {"wall": 1000.0, "steady": 5.0}
    timeline = Timeline(wall=lambda: clocks["wall"], steady=lambda: clocks["steady"])
    expired, dead = Outcome(Verdict.FAIL, reason, "since yesterday"), Outcome(Verdict.FAIL, Reason.TIMEOUT)
    assert timeline.excuse(expired) is expired
    clocks["wall"] += step
    excused = timeline.excuse(expired)
    assert (excused.verdict, excused.reason) == (Verdict.UNSURE, Reason.OWN_CLOCK)
    assert excused.detail.startswith(f"{reason}: since yesterday; our clock was set by {step / 86400:+.0f} days")
    assert timeline.excuse(dead) is dead
    clocks["wall"] -= step + 3600.0
    assert timeline.excuse(expired) is expired
