"""The tape: every look comes back as it went, in few bytes, and damage stays where it is."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.events import ProbeResult, quantise
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.journal.tape import Block, BlockError, decode, encode

HOUR = 1_795_503_600.0
CHECK = "kec-gadingrejo/icmp"

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | st.integers() | NUMBERS | st.text(max_size=8)
VALUES = st.dictionaries(st.text(max_size=8), PLAIN | st.lists(NUMBERS, max_size=3), max_size=4)
OUTCOMES = st.builds(
    Outcome,
    st.sampled_from(Verdict),
    st.none() | st.sampled_from(Reason),
    st.text(max_size=12),
    st.none() | st.floats(0, 400),
    values=VALUES,
)
QUANTISED = st.builds(quantise, st.just(CHECK), st.floats(0, 4e9), st.floats(0, 4e9), OUTCOMES)
ODD = st.builds(
    ProbeResult, st.just(CHECK), NUMBERS, NUMBERS, st.sampled_from(Verdict), st.none() | st.sampled_from(Reason), st.none() | NUMBERS
)


@given(st.lists(QUANTISED | ODD, min_size=1, max_size=30))
def test_every_look_comes_back_exactly_whatever_it_holds(looks: Sequence[ProbeResult]) -> None:
    assert decode(CHECK, encode(looks)) == looks


@given(QUANTISED)
def test_a_quantised_look_is_what_reading_its_decimals_gives(look: ProbeResult) -> None:
    assert (look.sent, look.at) == (float(f"{look.sent:.3f}"), float(f"{look.at:.3f}"))
    assert look.seconds is None or look.seconds == float(f"{look.seconds:.5f}")


def hour_of(seed: int, count: int, interval: float) -> list[ProbeResult]:
    """An hour as the city has it: late by up to 20 ms, round trips round a usual one, a look in 500 lost and looked at again."""
    chance, looks = random.Random(seed), []
    usual, spread, phase = chance.uniform(0.001, 0.02), chance.choice((0.05, 0.1, 0.3)), chance.uniform(0, interval)
    for number in range(count):
        sent = HOUR + phase + number * interval + chance.uniform(0, 0.02)
        trip = usual * chance.lognormvariate(0, spread)
        if chance.random() < 0.002:
            looks.append(quantise(CHECK, sent, sent + 2.0004, Outcome(Verdict.FAIL, Reason.TIMEOUT)))
            sent += 4 * chance.uniform(0.9, 1.1)
        late = chance.expovariate(1000)
        looks.append(quantise(CHECK, sent, sent + trip + late, Outcome(Verdict.OK, seconds=trip, values={"sent": 2, "received": 2})))
    return looks


@pytest.mark.parametrize(("count", "interval"), [(60, 60), (120, 30), (360, 10), (1200, 3)])
def test_time_verdict_and_round_trip_take_at_most_four_bytes_a_look(count: int, interval: float) -> None:
    for seed in range(20):
        looks = hour_of(seed, count, interval)
        block = encode(looks)
        assert decode(CHECK, block) == looks
        assert len(block.looks) <= 4 * len(looks)


@pytest.mark.parametrize("part", ["looks", "beside"])
def test_a_single_wrong_bit_anywhere_in_a_block_is_found(part: str) -> None:
    block = encode(hour_of(1, 60, 60))
    whole = getattr(block, part)
    for place in range(0, len(whole) * 8, 7):
        broken = bytearray(whole)
        broken[place // 8] ^= 1 << place % 8
        damaged = Block(bytes(broken), block.beside) if part == "looks" else Block(block.looks, bytes(broken))
        with pytest.raises(BlockError):
            decode(CHECK, damaged)


@pytest.mark.parametrize("length", [0, 1, 4, 5, 20])
def test_a_block_that_is_cut_short_is_found(length: int) -> None:
    block = encode(hour_of(1, 60, 60))
    with pytest.raises(BlockError):
        decode(CHECK, Block(block.looks[:length], block.beside))


def test_a_block_of_another_check_is_not_taken_for_ours() -> None:
    with pytest.raises(BlockError):
        decode("kec-purworejo/icmp", encode(hour_of(1, 60, 60)))
