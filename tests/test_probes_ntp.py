"""NTP looks: a real server on loopback that is well, mute, lying, unsynchronised, replayed or sends us away."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.faults import Fault
from monitor.probes.ntp_packet import Said, measure, stamp
from tests.ground import free_port, stand_still
from tests.timeservers import Voice, answer, saying, serving
from tests.webs import look_in_time


def kiss(code: bytes) -> Voice:
    return saying(stratum=0, leap=3, reference=code)


def replayed() -> Voice:
    """Answer the first question rightly once, and with the same packet ever after."""
    kept: list[bytes] = []

    def voice(asked: bytes) -> list[bytes]:
        kept.append(answer(asked))
        return kept[:1] if len(kept) > 1 else []

    return voice


async def look(port: int, timeout: float = 0.4, address: str = "127.0.0.1", /, **options: object) -> Outcome:
    async with Vantage.of() as vantage:
        return await look_in_time("ntp", address, {"port": port, **options}, timeout, vantage)


@dataclass(frozen=True)
class Case:
    """A server, and what must come of a look at it."""

    name: str
    voice: Voice
    verdict: Verdict = Verdict.FAIL
    reason: Reason | None = None
    words: str = ""
    mouth: str = ""
    options: dict[str, object] = field(default_factory=dict)


UNSYNCHRONISED, OFFSET, DENIED = Reason.NTP_UNSYNCHRONISED, Reason.NTP_OFFSET, Reason.NTP_DENIED
CASES = [
    Case("well", saying(), Verdict.OK),
    Case("well, of stratum 1", saying(stratum=1, reference=b"GPS\0"), Verdict.OK),
    Case("well, before a leap second", saying(leap=1), Verdict.OK),
    Case("well, with more behind the packet", lambda asked: [answer(asked) + bytes(20)], Verdict.OK),
    Case("within what is allowed", saying(ahead=0.8), Verdict.OK),
    Case("ahead", saying(ahead=100), Verdict.WARN, OFFSET, "s ahead of ours; at most 1 s are allowed"),
    Case("behind", saying(ahead=-100), Verdict.WARN, OFFSET, "s behind ours"),
    Case("a little off, where that is too much", saying(ahead=0.8), Verdict.WARN, OFFSET, "0.8", options={"max_offset": 0.1}),
    Case("mute", lambda _: [], reason=Reason.TIMEOUT),
    Case("too short", lambda asked: [answer(asked)[:47]], reason=Reason.TIMEOUT),
    Case("an empty packet, then the answer", lambda asked: [b"", b"\xff" * 48, answer(asked)], Verdict.OK),
    Case("another origin", saying(origin=bytes(8)), reason=Reason.TIMEOUT),
    Case("our own packet comes back", lambda asked: [asked], reason=Reason.TIMEOUT),
    Case("a broadcast", lambda asked: [b"\x25" + answer(asked)[1:]], reason=Reason.TIMEOUT),
    Case("from another port", saying(), reason=Reason.TIMEOUT, mouth="127.0.0.1"),
    Case("from another address", saying(), reason=Reason.TIMEOUT, mouth="127.0.0.88"),
    Case("noise without end", lambda _: [b"\xff" * 48] * 99, reason=Reason.TIMEOUT, words="no answer to our question"),
    Case("kiss: come less often", kiss(b"RATE"), Verdict.UNSURE, Reason.TOO_OFTEN, "longer interval"),
    Case("kiss: denied", kiss(b"DENY"), reason=DENIED, words="DENY"),
    Case("kiss: restricted", kiss(b"RSTR"), reason=DENIED, words="RSTR"),
    Case("kiss with another's origin", saying(stratum=0, reference=b"DENY", origin=bytes(8)), reason=Reason.TIMEOUT),
    Case("starting", kiss(b"INIT"), reason=UNSYNCHRONISED),
    Case("leap 3", saying(leap=3), reason=UNSYNCHRONISED, words="leap 3, stratum 2"),
    Case("stratum 16", saying(stratum=16), reason=UNSYNCHRONISED, words="stratum 16"),
    Case("stratum 0 without a code", saying(stratum=0, reference=bytes(4)), reason=UNSYNCHRONISED, words="stratum 0"),
    Case("20 s of doubt about itself", saying(dispersion=20), reason=UNSYNCHRONISED, words="may be 20 s off"),
    Case("no time in it", lambda asked: [answer(asked)[:32] + bytes(16)], reason=UNSYNCHRONISED, words="gives no time"),
    Case("sent before it was received", saying(held=-3.0), reason=UNSYNCHRONISED, words="contradict"),
    Case("held for longer than we waited", saying(held=3.0), reason=UNSYNCHRONISED, words="contradict"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_time_server_is_judged_by_what_it_says_and_what_is_no_answer_is_not_heard(case: Case) -> None:
    with serving(case.voice, mouth=case.mouth) as port:
        outcome = await look(port, 0.4 if case.reason is Reason.TIMEOUT else 3.0, **case.options)
    assert (outcome.verdict, outcome.reason) == (case.verdict, case.reason), outcome
    assert case.words in outcome.detail


@pytest.mark.parametrize(("address", "ahead"), [("127.0.0.1", 0.0), ("::1", 0.0), ("127.0.0.1", 0.75)])
async def test_the_values_say_how_far_it_is_off_and_what_it_follows(address: str, ahead: float) -> None:
    with serving(saying(ahead=ahead), address) as port:
        outcome = await look(port, 2.0, address)
    values = outcome.values
    assert values["offset"] == pytest.approx(ahead, abs=0.1)
    assert {key: values[key] for key in ("stratum", "leap", "reference")} == {"stratum": 2, "leap": 0, "reference": "198.18.0.2"}
    assert 0 <= float(str(values["delay"])) < 0.5
    assert values["root_distance"] == pytest.approx(0.01, abs=0.001)


async def test_an_answer_to_an_earlier_question_is_none_to_this() -> None:
    with serving(replayed()) as port:
        for _ in range(2):
            outcome = await look(port)
            assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.TIMEOUT)


async def test_where_nobody_listens_it_is_refused() -> None:
    outcome = await look(free_port())
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.REFUSED)


async def test_a_loop_that_stands_still_does_not_bend_the_offset() -> None:
    with serving(saying()) as port:
        looking = asyncio.create_task(look(port, 5.0))
        for _ in range(5):  # so that it is sent
            await asyncio.sleep(0)
        stand_still(0.4)
        outcome = await looking
    assert outcome.verdict is Verdict.OK
    assert abs(float(str(outcome.values["offset"]))) < 0.1


async def test_a_clock_of_ours_that_is_set_during_the_look_makes_it_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steps = time.time, iter([0.0])

    def stepping() -> float:
        return wall() + next(steps, 3600.0)

    with serving(lambda asked: [asked[:24] + asked[40:48] + bytes(16)]) as port:
        monkeypatch.setattr(time, "time", stepping)
        outcome = await look(port)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.OWN_CLOCK)


@pytest.mark.parametrize("now", [1_800_000_000.0, 2_085_978_495.9, 2_085_978_496.1, 4_000_000_000.0])
@pytest.mark.parametrize("ahead", [0.0, 0.5, -0.5, 86400.0])
def test_offset_and_delay_are_right_before_and_after_the_seconds_of_ntp_run_over(now: float, ahead: float) -> None:
    said = Said(0, 2, b"\0\0\0\0", 0.0, stamp(now + 0.1 + ahead), stamp(now + 0.3 + ahead))
    assert measure(said, now, now + 0.4) == pytest.approx((ahead, 0.2), abs=1e-5)


def test_half_an_era_ahead_is_not_right() -> None:
    said = Said(0, 2, b"\0\0\0\0", 0.0, stamp(1_800_000_000.1 + 2**31), stamp(1_800_000_000.1 + 2**31))
    assert abs(measure(said, 1_800_000_000.0, 1_800_000_000.2)[0]) == pytest.approx(2**31, abs=1)


def test_half_of_the_delay_is_doubt_and_no_offset() -> None:
    said = Said(0, 2, b"\0\0\0\0", 0.0, stamp(1000.0), stamp(1000.0))
    assert measure(said, 1000.0, 1002.0) == pytest.approx((-1.0, 2.0), abs=1e-6)


def test_times_that_contradict_each_other_are_not_measured() -> None:
    with pytest.raises(Fault):
        measure(Said(0, 2, b"\0\0\0\0", 0.0, stamp(1000.0), stamp(999.0)), 1000.0, 1002.0)
