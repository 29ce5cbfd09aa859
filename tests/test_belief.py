"""Belief: how sure it is, how long that takes, and what a target is used to."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from monitor.core import belief as beliefs
from monitor.core.belief import CALM, FLAPS, MEMORY, Belief, Status, calm_at
from monitor.core.city import Check, City, Kind, Node
from monitor.core.down import missing
from monitor.core.events import ProbeResult, Why
from monitor.core.habit import Trouble
from monitor.core.promise import fleet, promise
from monitor.core.rules import GRADES, Grade, Noise, Rule
from monitor.core.verdict import Reason, Verdict

START = 1_800_000_000.0
BELIEF = TypeAdapter(Belief)
WORST = {Grade.CORE: 11, Grade.FIBRE: 40, Grade.METRO: 40, Grade.RADIO: 93, Grade.VPN: 93, Grade.APP: 85}


def check_of(grade: Grade, name: str = "x") -> Check:
    rule = GRADES[grade]
    return Check(f"{name}/icmp", name, "icmp", "x", grade, rule.interval, rule.timeout)


def up(**known: object) -> Belief:
    return Belief(Status.UP, last_sent=START - 10, last_ok_sent=START - 10, **known)  # type: ignore[arg-type]


class Target:
    """One target: looks go to its belief, by default at the next moment of its interval."""

    def __init__(self, grade: Grade = Grade.FIBRE, rule: Rule | None = None, name: str = "x") -> None:
        self.rule, self.check = rule or GRADES[grade], check_of(grade, name)
        self.belief, self.at = up(), START

    def look(
        self, verdict: Verdict = Verdict.OK, reason: Reason | None = None, seconds: float | None = None, at: float | None = None
    ) -> Why | None:
        self.at = self.at + self.check.interval if at is None else at
        done = self.at + (self.check.timeout if verdict is Verdict.FAIL else 0.01)
        return beliefs.absorb(self.rule, self.check, self.belief, ProbeResult(self.check.id, self.at, done, verdict, reason, seconds))

    def lose(self, at: float | None = None, reason: Reason = Reason.TIMEOUT) -> Why | None:
        return self.look(Verdict.FAIL, reason, at=at)

    def fall(self) -> float:
        """Lose every look, as it is asked for, until it is DOWN; return the seconds from the first to the verdict."""
        first = self.at + self.check.interval
        self.lose(first)
        while self.belief.status is not Status.DOWN:
            self.lose(max(beliefs.look_again(self.rule, self.check, self.belief), self.at + self.check.timeout))
        return self.belief.since - first

    def rise(self) -> None:
        self.look(at=self.at + 10)
        self.look(at=self.at + 10)


@pytest.mark.parametrize("grade", list(Grade))
@pytest.mark.parametrize("name", ["x", "kel-gentong", "opd-rsud"])
def test_a_fault_is_down_within_five_seconds_of_the_table_of_its_class(grade: Grade, name: str) -> None:
    took = Target(grade, name=name).fall()
    assert took == pytest.approx(beliefs.certain_after(GRADES[grade], check_of(grade, name), up()))
    assert WORST[grade] - 15 <= GRADES[grade].interval + took <= WORST[grade] + 5


@given(st.sampled_from(list(Grade)), st.floats(1e-5, 0.3), st.floats(0.2, 60), st.floats(2, 1e5), st.one_of(st.none(), st.floats(1, 600)))
def test_losses_make_it_down_when_it_was_said_whatever_its_noise(
    grade: Grade, p: float, tau: float, odds: float, cap: float | None
) -> None:
    target = Target(grade, replace(GRADES[grade], odds=odds, cap=cap))
    target.belief.noise = Noise(p, tau)
    said = beliefs.certain_after(target.rule, target.check, target.belief)
    assert target.fall() == pytest.approx(said, abs=1e-3)
    enough = missing(target.rule, target.check, target.belief.nats) <= 0
    assert enough or (cap is not None and target.belief.last_loss - target.belief.first_loss >= cap)


def test_a_target_that_fails_more_often_than_it_is_looked_at_is_judged_all_the_same() -> None:
    target = Target(rule=replace(GRADES[Grade.FIBRE], outages=1000, odds=1))
    target.check = replace(target.check, interval=86400)
    assert target.fall() >= target.rule.span


def test_losses_far_apart_are_stronger_than_losses_close_together() -> None:
    near, far = Target(), Target()
    for gap in range(4):
        near.lose(START + gap * 0.5)
        far.lose(START + gap * 10)
    assert far.belief.nats > near.belief.nats + 10


def test_one_answer_takes_all_suspicion_away_and_what_we_could_not_look_at_says_nothing() -> None:
    target = Target()
    assert target.lose() is Why.FIRST_LOSS
    before = target.belief.nats
    assert target.look(Verdict.UNSURE, Reason.NO_ROUTE) is None
    assert (target.belief.nats, target.belief.status) == (before, Status.SUSPECT)
    assert target.look() is Why.RECOVERED
    assert (target.belief.nats, target.belief.losses) == (0.0, 0)


def test_it_is_up_after_two_answers_ten_seconds_apart() -> None:
    target = Target()
    target.fall()
    end = target.at
    assert target.look(at=end + 10) is None
    assert target.look(at=end + 19.9) is None
    assert target.look(at=end + 20) is Why.RECOVERED


def test_a_cap_makes_it_down_however_noisy_it_is_and_not_before() -> None:
    target = Target(rule=replace(GRADES[Grade.FIBRE], cap=300))
    target.belief.noise = Noise(0.3, 60)
    assert 300 <= target.fall() <= 304
    assert Target(rule=replace(GRADES[Grade.FIBRE], cap=300)).fall() < 40


def test_a_smaller_x_is_quicker_and_its_price_is_said() -> None:
    rule, check = GRADES[Grade.FIBRE], check_of(Grade.FIBRE)
    quick = replace(rule, odds=9.0)
    assert promise(quick, check).worst < promise(rule, check).worst - 3
    assert promise(quick, check).share == pytest.approx(0.1)
    assert promise(rule, check).share == pytest.approx(0.01)


def test_a_cap_costs_nothing_where_it_comes_after_the_odds_and_is_dear_where_it_comes_before() -> None:
    rule, check = GRADES[Grade.FIBRE], check_of(Grade.FIBRE)
    noisy = Belief(noise=Noise(0.01, 10))
    assert promise(replace(rule, cap=300), check, noisy).false == promise(rule, check, noisy).false
    dear = promise(replace(rule, cap=30), check, noisy)
    assert dear.false == pytest.approx(3155760 * 0.01 * math.exp(-3), rel=0.15)
    assert 42 <= dear.worst <= 44


def test_a_wrong_answer_teaches_nothing_of_losses() -> None:
    target = Target(Grade.APP)
    target.lose(reason=Reason.HTTP_STATUS)
    target.look()
    assert target.belief.learned is None
    target.lose()
    target.look()
    assert target.belief.learned is not None


def test_an_outage_teaches_nothing_of_noise() -> None:
    target = Target()
    target.fall()
    target.rise()
    assert (target.belief.learned, target.belief.noise) == (None, None)


def test_it_is_degraded_when_it_is_slower_than_it_is_used_to_and_no_more_only_well_below_that() -> None:
    target = Target()
    for _ in range(1000):
        assert target.look(seconds=0.02) is None
    changes = [target.look(seconds=0.3) for _ in range(60)]
    assert [why for why in changes if why] == [Why.DEGRADED]
    assert target.belief.habit.trouble is Trouble.TIME
    assert [why for why in (target.look(seconds=0.07) for _ in range(60)) if why] == []
    assert [why for why in (target.look(seconds=0.02) for _ in range(60)) if why] == [Why.EASED]


def test_a_target_that_is_slow_for_days_is_used_to_it() -> None:
    target = Target()
    for _ in range(1000):
        target.look(seconds=0.02)
    changes = [target.look(seconds=0.3) for _ in range(40_000)]
    assert [why for why in changes if why] == [Why.DEGRADED, Why.EASED]


def test_it_is_degraded_when_it_loses_more_than_it_is_used_to() -> None:
    target = Target()
    for _ in range(200):
        target.look(seconds=0.02)
    changes = []
    for _ in range(30):
        target.lose()
        changes += [target.look(seconds=0.02), target.look(seconds=0.02)]
    assert target.belief.habit.trouble is Trouble.LOSS
    assert changes.count(Why.DEGRADED) <= 1
    changes = [target.look(seconds=0.02) for _ in range(400)]
    assert [why for why in changes if why] == [Why.EASED]


def test_falls_fade_over_an_hour_and_tell_when_a_target_is_calm_again() -> None:
    target = Target()
    falls = []
    for _ in range(9):
        target.fall()
        falls.append(target.belief.falls)
        target.rise()
    assert falls[0] == 1
    assert next(number for number, each in enumerate(falls, 1) if each >= FLAPS) == 7
    assert calm_at(target.belief) == pytest.approx(target.belief.decided + MEMORY * math.log(falls[-1] / CALM))
    target.look(at=target.at + 10 * MEMORY)
    target.fall()
    assert target.belief.falls == pytest.approx(1, abs=0.001)
    assert calm_at(target.belief) == target.belief.decided


def test_outages_are_counted_and_those_that_were_over_within_a_minute_apart() -> None:
    target = Target()
    target.fall()
    target.rise()
    target.fall()
    target.look(at=target.at + 300)
    target.look(at=target.at + 10)
    assert (target.belief.downs, target.belief.brief) == (2, 1)


def test_a_city_is_promised_one_false_page_in_a_hundred_and_told_how_many_can_have_been() -> None:
    nodes = {name: Node(name, Kind.KELURAHAN, name, checks=(f"{name}/icmp",)) for name in ("a", "b", "c")}
    city = City("Uji", nodes=nodes, checks={f"{name}/icmp": check_of(Grade.FIBRE, name) for name in nodes})
    said = fleet(city, {"a/icmp": up(downs=3, brief=1), "b/icmp": up(downs=2)})
    assert (said.downs, said.brief) == (5, 1)
    assert said.one_in == pytest.approx(100)
    assert said.false == pytest.approx(3 * 4 / 99)


LOOKS = st.lists(
    st.tuples(st.sampled_from(Verdict), st.sampled_from([None, *Reason]), st.floats(0.001, 60), st.one_of(st.none(), st.floats(0, 5))),
    max_size=60,
)


@given(LOOKS, st.sampled_from(list(Grade)))
def test_any_looks_are_taken_in_and_a_restart_between_them_changes_nothing(
    looks: list[tuple[Verdict, Reason | None, float, float | None]], grade: Grade
) -> None:
    straight, restarted = Target(grade), Target(grade)
    for verdict, reason, gap, seconds in looks:
        at = round(straight.at + gap, 3)
        assert straight.look(verdict, reason, seconds, at) is restarted.look(verdict, reason, seconds, at)
        restarted.belief = BELIEF.validate_json(BELIEF.dump_json(restarted.belief))
        assert straight.belief == restarted.belief
        assert (straight.belief.status is Status.SUSPECT) == (straight.belief.losses > 0 and straight.belief.status is not Status.DOWN)
