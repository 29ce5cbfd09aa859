import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from monitor.core.city import Check
from monitor.core.events import ProbeResult, Verify
from monitor.core.rules import Grade
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.schedule import SPACING, Agenda, Lateness, Schedule
from monitor.schedule.agenda import GRID, next_phase
from monitor.schedule.looking import Told
from monitor.schedule.turns import AT_ONE_HOST
from tests.virtual import VirtualClock, settle


def check(number: int = 1, kind: str = "icmp", interval: float = 10.0, timeout: float = 2.0) -> Check:
    return Check(f"site-{number}/{kind}", f"site-{number}", kind, f"127.0.0.{number % 250 + 1}", Grade.FIBRE, interval, timeout)


@dataclass
class Bench:
    """A schedule on a virtual clock, with looks that take `takes` seconds each, and everything that it did."""

    takes: Callable[[Check], float] = lambda _check: 0.01
    outcome: Outcome = field(default_factory=lambda: Outcome(Verdict.OK, seconds=0.0012345678))
    together: Callable[[Check], bool] = lambda _check: False
    limits: dict[str, int] = field(default_factory=lambda: {"icmp": 1000})
    others: dict[str, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.sent: list[tuple[float, str]] = []
        self.results: list[ProbeResult] = []
        self.flying = self.most = 0
        self.batches: list[list[str]] = []
        self.schedule = Schedule(self.clock, self.look, self.results.append, self.limits, self.look_many)

    def look_many(self, checks: Sequence[Check], told: Told) -> Sequence[Check]:
        """Look at those that can be looked at together; all their outcomes are there at the same time."""
        many = [one for one in checks if self.together(one)]
        if many:
            self.batches.append([one.id for one in many])
            self.sent += [(self.clock.now(), one.id) for one in many]
            self.flying += len(many)
            self.most = max(self.most, self.flying)
            self.clock.call_at(self.clock.now() + self.takes(many[0]), lambda: self.back(many, told))
        return [one for one in checks if one not in many]

    def back(self, many: Sequence[Check], told: Told) -> None:
        self.flying -= len(many)
        told([(one, self.outcome) for one in many])

    async def look(self, looked: Check) -> Outcome:
        self.sent.append((self.clock.now(), looked.id))
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await self.clock.pass_by(self.takes(looked))
        finally:
            self.flying -= 1
        return self.others.get(looked.id, self.outcome)

    def times(self, check_id: str) -> list[float]:
        return [at for at, name in self.sent if name == check_id]


async def test_looks_come_at_the_interval_and_keep_their_phase() -> None:
    bench, one = Bench(), check()
    bench.schedule.start([one])
    await bench.clock.go(100)
    times = bench.times(one.id)
    assert len(times) == 10
    assert {round(after - before, 6) for before, after in itertools.pairwise(times)} == {10.0}
    assert next_phase(one, 1_000_000.0) == times[0]


async def test_the_first_looks_are_spread_over_the_first_interval() -> None:
    """400 sites at 10 s: in no second more than twice the mean, and each is looked at once in the first 10 s."""
    bench = Bench()
    checks = [check(number) for number in range(400)]
    bench.schedule.start(checks)
    await bench.clock.go(10)
    assert Counter(name for _, name in bench.sent) == {one.id: 1 for one in checks}
    assert max(Counter(int(at) for at, _ in bench.sent).values()) < 80


async def test_results_are_quantised_and_carry_the_time_of_sending() -> None:
    bench = Bench()
    bench.schedule.start([check()])
    await bench.clock.go(10)
    (look,) = bench.results
    assert look.seconds == 0.00123
    assert look.sent == round(bench.sent[0][0], 3)
    assert look.at == pytest.approx(look.sent + 0.01, abs=0.0011)


async def test_no_more_of_a_kind_are_in_flight_than_its_limit_and_all_get_their_turn() -> None:
    bench = Bench(takes=lambda _: 2.0, limits={"http": 5})
    checks = [check(number, "http", interval=60) for number in range(100)]
    bench.schedule.start(checks)
    await bench.clock.go(62)
    assert bench.most == 5
    assert {name for _, name in bench.sent} == {one.id for one in checks}


async def test_no_more_than_few_are_in_flight_at_one_host_and_all_get_their_turn() -> None:
    bench = Bench(takes=lambda _: 2.0, limits={"http": 50, "snmp": 20})
    crowd = [replace(check(number, "http", interval=60), target=f"https://satu.example/{number}") for number in range(40)]
    lone = [replace(check(number, "http", interval=60), target=f"https://{number}.example/") for number in range(100, 110)]
    agents = [replace(check(number, "snmp", interval=60), target="198.18.0.1") for number in range(3)]
    bench.schedule.start([*crowd, *lone, *agents])
    for one in (*crowd, *lone, *agents):
        bench.schedule.verify([Verify(one.id, 1_000_000.0)])
    await bench.clock.go(1)
    began = Counter(name.partition("-")[0] + name[name.index("/") :] for _, name in bench.sent if name in {one.id for one in crowd})
    assert began == {"site/http": AT_ONE_HOST["http"]}
    assert {name for _, name in bench.sent} >= {one.id for one in lone}
    assert sum(name.endswith("snmp") for _, name in bench.sent) == 1
    await bench.clock.go(21)
    assert {name for _, name in bench.sent} == {one.id for one in (*crowd, *lone, *agents)}


async def test_who_waits_for_a_host_gets_its_turn_though_who_came_before_it_has_gone() -> None:
    bench = Bench(takes=lambda _: 2.0, limits={"snmp": 20})
    agents = [replace(check(number, "snmp", interval=60), target="198.18.0.1") for number in range(3)]
    bench.schedule.start(agents)
    bench.schedule.verify([Verify(one.id, 1_000_000.0) for one in agents])
    await bench.clock.go(1)
    bench.schedule.change([agents[0], agents[2]])
    await bench.clock.go(5)
    assert [name for _, name in bench.sent] == [agents[0].id, agents[2].id]


async def test_a_target_that_wants_to_be_left_alone_is_and_no_other() -> None:
    tired, well = check(1, "http"), check(2, "http")
    too_often = Outcome(Verdict.UNSURE, Reason.TOO_OFTEN, values={"retry_after": 95})
    bench = Bench(limits={"http": 5}, others={tired.id: too_often})
    bench.schedule.start([tired, well])
    await bench.clock.go(11)
    bench.schedule.verify([Verify(tired.id, bench.clock.now())])
    await bench.clock.go(120)
    first, second, *_ = bench.times(tired.id)
    assert 95 <= second - first <= 95 + 10.1
    assert len(bench.times(well.id)) >= 12


@pytest.mark.parametrize("wanted", [1e12, float("inf")])
async def test_nobody_is_left_alone_for_longer_than_ten_minutes(wanted: float) -> None:
    one = check(1, "http")
    bench = Bench(limits={"http": 5}, outcome=Outcome(Verdict.UNSURE, Reason.TOO_OFTEN, values={"retry_after": wanted}))
    bench.schedule.start([one])
    await bench.clock.go(1240)
    assert len(bench.times(one.id)) == 3


async def test_a_verification_moves_a_look_forward_and_leaves_the_phase_alone() -> None:
    bench, one = Bench(), check(interval=60)
    bench.schedule.start([one])
    await bench.clock.go(60)
    (first,) = bench.times(one.id)
    now = bench.clock.now()
    bench.schedule.verify([Verify(one.id, now)])
    await bench.clock.go(0.1)
    assert bench.times(one.id) == [first, now]
    await bench.clock.go(60)
    assert bench.times(one.id) == [first, now, first + 60]


async def test_a_verification_never_makes_a_look_later() -> None:
    bench, one = Bench(), check()
    bench.schedule.start([one])
    bench.schedule.verify([Verify(one.id, bench.clock.now() + 1000)])
    await bench.clock.go(10)
    assert len(bench.times(one.id)) == 1


async def test_a_look_in_flight_does_not_count_as_verification_and_two_sendings_keep_their_distance() -> None:
    bench, one = Bench(takes=lambda _: 1.5), check(interval=60)
    bench.schedule.start([one])
    due = next_phase(one, bench.clock.now())
    await bench.clock.go(due - bench.clock.now() + 0.1)
    bench.schedule.verify([Verify(one.id, bench.clock.now())])
    await bench.clock.go(3)
    assert bench.times(one.id) == [due, pytest.approx(due + SPACING)]


async def test_a_verification_asked_for_while_two_are_in_flight_is_sent_when_one_is_back() -> None:
    bench, one = Bench(takes=lambda _: 1.5), check(interval=60)
    bench.schedule.start([one])
    due = next_phase(one, bench.clock.now())
    await bench.clock.go(due - bench.clock.now())
    for _ in range(4):
        await bench.clock.go(0.35)
        bench.schedule.verify([Verify(one.id, bench.clock.now())])
    await bench.clock.go(5)
    times = bench.times(one.id)
    assert bench.most == 2
    assert times[2] == pytest.approx(due + 1.5)
    assert min(after - before for before, after in itertools.pairwise(times)) >= SPACING - 1e-6


async def test_a_verification_of_an_unknown_check_is_nothing() -> None:
    bench = Bench()
    bench.schedule.start([])
    bench.schedule.verify([Verify("nobody/icmp", 0)])
    await bench.clock.go(10)
    assert bench.sent == []


async def test_a_reload_keeps_the_phase_of_what_did_not_change_and_stops_what_is_gone() -> None:
    bench = Bench()
    stays, goes, changes = check(1), check(2), check(3)
    bench.schedule.start([stays, goes, changes])
    await bench.clock.go(25)
    before = bench.times(stays.id)[-1]
    bench.sent.clear()
    bench.schedule.change([stays, replace(changes, interval=5.0), check(4)])
    await bench.clock.go(20)
    assert bench.times(stays.id) == [before + 10, before + 20]
    assert bench.times(goes.id) == []
    assert len(bench.times(changes.id)) == 4
    assert len(bench.times("site-4/icmp")) == 2


async def test_a_look_in_flight_at_a_target_that_went_or_changed_is_dropped() -> None:
    bench, one = Bench(takes=lambda _: 1.0), check()
    bench.schedule.start([one])
    await bench.clock.go(next_phase(one, bench.clock.now()) - bench.clock.now() + 0.5)
    assert bench.flying == 1
    bench.schedule.change([replace(one, target="127.0.0.99")])
    await bench.clock.go(1)
    assert bench.results == []


FAIL = Outcome(Verdict.FAIL, Reason.TIMEOUT, "2 s")


async def stalled(outcome: Outcome) -> ProbeResult:
    """One look during which the loop stood still for a second of the two that it had."""
    bench, one = Bench(takes=lambda _: 2.0, outcome=outcome), check()
    bench.schedule.start([one])
    await bench.clock.go(next_phase(one, bench.clock.now()) - bench.clock.now() + 0.5)
    bench.clock.jump(1.0)
    await bench.clock.go(0.7)
    (look,) = bench.results
    return look


async def test_a_failure_while_the_loop_was_late_is_unsure_and_says_what_it_was() -> None:
    look = await stalled(FAIL)
    assert (look.verdict, look.reason, look.detail) == (Verdict.UNSURE, Reason.LOOP_LATE, "timeout: 2 s")


async def test_an_answer_while_the_loop_was_late_is_still_an_answer() -> None:
    assert (await stalled(Outcome(Verdict.OK))).verdict is Verdict.OK


async def test_a_failure_on_time_is_a_failure() -> None:
    bench, one = Bench(takes=lambda _: 2.0, outcome=FAIL), check()
    bench.schedule.start([one])
    await bench.clock.go(20)
    assert {look.verdict for look in bench.results} == {Verdict.FAIL}


async def test_after_a_long_sleep_of_the_machine_each_check_is_looked_at_once() -> None:
    bench = Bench()
    checks = [check(number) for number in range(20)]
    bench.schedule.start(checks)
    await bench.clock.go(10)
    bench.sent.clear()
    bench.clock.jump(3600)
    await bench.clock.go(0.2)
    assert max(Counter(name for _, name in bench.sent).values()) == 1


async def test_how_late_looks_were_sent_is_counted() -> None:
    bench = Bench(takes=lambda _: 1.0, limits={"icmp": 1})
    one, other = check(1, interval=1000.0), check(2, interval=1000.0)
    bench.schedule.start([one, other])
    bench.schedule.verify([Verify(one.id, bench.clock.at + 1), Verify(other.id, bench.clock.at + 1)])
    await bench.clock.go(5)
    delays = bench.schedule.delays
    assert delays.sum == pytest.approx(1.0), "the second waited until the first was back"
    assert [looks for bound, looks in delays.sums() if bound in (0.005, 0.5, 1.0, math.inf)] == [1, 1, 2, 2]


async def test_stopping_sends_nothing_more_and_waits_for_nothing() -> None:
    bench, one = Bench(takes=lambda _: 1e9), check()
    bench.schedule.start([one])
    await bench.clock.go(11)
    assert bench.flying > 0
    await bench.schedule.stop()
    assert bench.flying == 0
    bench.sent.clear()
    await bench.clock.go(100)
    assert (bench.sent, bench.results) == ([], [])


async def test_a_look_that_raises_does_not_stop_the_others() -> None:
    """Looks never raise; if one does it is a bug, which the loop's handler gets to see."""
    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(context["exception"]))
    bench = Bench()

    async def broken(looked: Check) -> Outcome:
        if looked.node == "site-1":
            raise ZeroDivisionError
        return await bench.look(looked)

    schedule = Schedule(bench.clock, broken, bench.results.append)
    schedule.start([check(1), check(2)])
    await bench.clock.go(30)
    await settle()
    assert len(bench.results) == 3
    assert {type(error) for error in seen} == {ZeroDivisionError}


async def test_what_is_due_almost_together_is_due_together_and_sent_together() -> None:
    """5,000 checks at 10 s: one sending each hundredth of a second, and each look at its own phase."""
    bench, checks = Bench(together=lambda _: True), [check(number) for number in range(5000)]
    phases = {one.id: next_phase(one, bench.clock.now()) for one in checks}
    bench.schedule.start(checks)
    await bench.clock.go(10)
    assert {name: at for at, name in bench.sent} == phases
    assert len(bench.sent) == 5000
    assert len(bench.batches) == len(set(phases.values())) <= 10 / GRID
    await bench.clock.go(0.01)
    assert {look.check for look in bench.results[:5000]} == phases.keys()


async def test_those_that_cannot_be_looked_at_together_are_looked_at_alone() -> None:
    bench, checks = Bench(together=lambda one: one.node != "site-1"), [check(number) for number in range(3)]
    bench.schedule.start(checks)
    await bench.clock.go(10.01)
    assert sorted(name for batch in bench.batches for name in batch) == ["site-0/icmp", "site-2/icmp"]
    assert sorted(look.check for look in bench.results) == [one.id for one in checks]


async def test_looks_that_are_sent_together_keep_to_the_limit_and_all_get_their_turn() -> None:
    bench = Bench(takes=lambda _: 2.0, together=lambda _: True, limits={"icmp": 5})
    checks = [check(number, interval=60) for number in range(100)]
    bench.schedule.start(checks)
    await bench.clock.go(62)
    assert bench.most == 5
    assert {name for _, name in bench.sent} == {one.id for one in checks}


@pytest.mark.parametrize("leave", ["reload", "stop"])
async def test_looks_that_were_sent_together_are_dropped_when_they_are_not_wanted_any_more(leave: str) -> None:
    bench, one = Bench(takes=lambda _: 1.0, together=lambda _: True), check()
    bench.schedule.start([one])
    await bench.clock.go(next_phase(one, bench.clock.now()) - bench.clock.now() + 0.5)
    assert bench.flying == 1
    if leave == "stop":
        await bench.schedule.stop()
    else:
        bench.schedule.change([replace(one, target="127.0.0.99")])
    await bench.clock.go(1)
    assert (bench.flying, bench.results) == (0, [])


def test_many_changes_do_not_make_the_heap_grow() -> None:
    agenda = Agenda()
    for round_ in range(100):
        agenda.change([check(number, interval=10 + round_ % 2) for number in range(10)], float(round_))
    assert len(agenda._heap) == 10  # noqa: SLF001 - what is promised is its size


@pytest.mark.parametrize("interval", [0.3, 1.0, 3.0, 7.7, 10.0, 86400.0])
def test_the_next_phase_is_later_than_now_and_at_most_an_interval_away(interval: float) -> None:
    one = check(5, interval=interval)
    at = 1_764_000_000.0
    for _ in range(1000):
        due = next_phase(one, at)
        assert at < due <= at + interval + 1e-6
        at = due


def test_a_stall_is_counted_for_the_part_that_a_look_was_in_flight() -> None:
    late = Lateness(100.0)
    assert late.beat(100.1) == pytest.approx(100.2)
    late.beat(103.2)
    assert late.latest == pytest.approx(3.0)
    assert late.stolen(101.2, 103.2) == pytest.approx(2.0)
    assert late.stolen(103.2, 103.25) == pytest.approx(0.0)
    assert late.spoils(101.0, 103.2, 5.0)
    assert not late.spoils(103.2, 103.3, 1.0)
