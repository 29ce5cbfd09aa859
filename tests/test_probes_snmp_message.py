"""Messages of SNMP 1 and 2c: what was written is read, nonsense is a ValueError and nothing else."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.lab.snmp_agent import Question, read, write
from monitor.probes import ber
from monitor.probes.ber import Oid
from monitor.probes.snmp_message import Answer, Kind, Rows, answer, question, rows, value

NAME: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1, 10, 2_000_000_001)
WHOLE = write(Question(1, b"public", 0xA5, 77, 0, 10, (NAME,)), [(NAME, ber.integer(2**40, 70)), ((*NAME, 5), b"\x82\x00")])


@given(st.sampled_from(["1", "2c"]), st.sampled_from(["get", "next", "bulk"]), st.integers(0, 99), st.integers(1, 2**31 - 1))
def test_a_question_is_read_by_an_agent_as_it_was_meant(version: str, kind: Kind, repetitions: int, number: int) -> None:
    if (version, kind) == ("1", "bulk"):
        return
    asked = read(question(version, "kota", kind, [NAME, NAME[:5]], repetitions, number))
    assert (asked.version, asked.community, asked.number, asked.names) == (int(version != "1"), b"kota", number, (NAME, NAME[:5]))
    assert (asked.first, asked.second) == (0, repetitions if kind == "bulk" else 0)


def test_an_answer_is_read_as_it_was_written() -> None:
    assert answer(WHOLE) == Answer("2c", 77, 0, [(NAME, 2**40), ((*NAME, 5), None)], len(WHOLE))
    assert answer(WHOLE + b"\x30") == Answer("2c", 77, 0, [(NAME, 2**40), ((*NAME, 5), None)], len(WHOLE) + 1)


@pytest.mark.parametrize(
    ("tag", "content", "meant"),
    [
        (0x41, b"\xff\xff\xff\xfb", 2**32 - 5),  # Counter32 without its zero byte
        (0x41, b"\x01\x00\x00\x00\x09", 9),  # over 2^32: it runs over, as a counter of 32 bits does
        (0x46, b"\x00" + b"\xff" * 8, 2**64 - 1),
        (0x46, b"\xff" * 8, 2**64 - 1),
        (0x02, b"\xff", -1),
        (0x06, b"\x2b\x06\x01", (1, 3, 6, 1)),
        (0x40, b"\n\x14\x00\x01", (10, 20, 0, 1)),
        (0x81, b"", None),
    ],
)
def test_a_value_is_taken_as_it_is_meant(tag: int, content: bytes, meant: object) -> None:
    assert value(tag, content) == meant


@pytest.mark.parametrize(("tag", "content"), [(0x41, b""), (0x02, b"\x01" * 9), (0x46, b"\x01" * 9), (0x06, b""), (0x06, b"\x2b\x81")])
def test_a_value_without_sense_is_refused(tag: int, content: bytes) -> None:
    with pytest.raises(ValueError, match="of no use"):
        value(tag, content)


@given(st.binary(max_size=200))
def test_nonsense_is_refused_and_nothing_else_happens(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        answer(data)


@given(st.binary(min_size=1, max_size=9), st.integers(0, len(WHOLE)))
def test_a_spoilt_answer_is_read_or_refused_and_nothing_else_happens(noise: bytes, at: int) -> None:
    with suppress(ValueError):
        answer(WHOLE[:at] + noise + WHOLE[at + len(noise) :])


@given(st.lists(st.tuples(st.sampled_from([NAME, NAME[:3]]), st.binary(max_size=140)), min_size=1, max_size=3), st.data())
def test_what_is_read_at_a_glance_is_what_is_read_with_care(values: list[tuple[Oid, bytes]], data: st.DataObject) -> None:
    whole = bytearray(b"".join(ber.tlv(ber.SEQUENCE, ber.oid(name) + ber.tlv(ber.OCTETS, text)) for name, text in values))
    for place in data.draw(st.lists(st.integers(0, min(16, len(whole) - 1)), max_size=2)):
        whole[place] = data.draw(st.integers(0, 255))
    spoilt = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    assert _outcome(rows, spoilt) == _outcome(_with_care, spoilt)


def _with_care(names: bytes) -> Rows:
    """Item by item, as X.690 has it."""
    found: Rows = []
    for _, binding in ber.items(names):
        kind, name, middle = ber.item(binding, 0)
        tag, content, _ = ber.item(binding, middle)
        if kind != ber.OID:
            raise ValueError("no list of values")
        found.append((ber.read_oid(name), value(tag, content)))
    return found


def _outcome(read: Callable[[bytes], Rows], names: bytes) -> Rows | None:
    with suppress(ValueError):
        return read(names)
    return None
