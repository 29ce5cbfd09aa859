"""The rehearsal city's SNMP agents: what is no request gets no answer, what is one gets what the standard says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.lab.snmp_agent import Agent, Question, View, read, write
from monitor.lab.snmp_recording import load
from monitor.probes import ber
from monitor.probes.ber import Oid

PUBLIC = b"public"
SYS_DESCR, SYS_NAME = (1, 3, 6, 1, 2, 1, 1, 1, 0), (1, 3, 6, 1, 2, 1, 1, 5, 0)
ROWS = [((1, 3, 1), ber.integer(7)), ((1, 3, 2), ber.integer(8, 70)), ((1, 3, 3), ber.integer(9))]
VIEW = View(ROWS, [((1, 4, 0), ber.tlv(ber.OCTETS, b"x" * 300))])
GET, GETNEXT, GETBULK = 0xA0, 0xA1, 0xA5


def ask(kind: int, *names: Oid, version: int = 1, first: int = 0, second: int = 0) -> list[tuple[Oid, bytes]]:
    """Put a question and return the answer's (name, value)s; the first is (error status, error index) when there is one."""
    answer = Agent.answer(Question(version, PUBLIC, kind, 5, first, second, names), VIEW)
    _version, _community, (_tag, pdu) = list(ber.items(ber.sole(answer, ber.SEQUENCE)))
    _number, (_, error), (_, place), (_, bindings) = list(ber.items(pdu))
    if ber.read_integer(error):
        return [((ber.read_integer(error), ber.read_integer(place)), b"")]
    pairs = [list(ber.items(binding)) for _, binding in ber.items(bindings)]
    return [(ber.read_oid(name), bytes((value[0],)) + value[1]) for (_, name), value in pairs]


def test_get_answers_what_is_there_and_says_what_is_not() -> None:
    assert ask(GET, (1, 3, 1), (1, 3, 9)) == [((1, 3, 1), b"\x02\x07"), ((1, 3, 9), b"\x81")]
    assert ask(GET, (1, 3, 1), (1, 3, 9), version=0) == [((2, 2), b"")]


def test_getnext_walks_both_lists_to_the_end_of_the_view() -> None:
    assert [name for name, _ in ask(GETNEXT, (1, 3), (1, 3, 3), (1, 4, 0))] == [(1, 3, 1), (1, 4, 0), (1, 4, 0)]
    assert ask(GETNEXT, (1, 4, 0))[0][1] == b"\x82"


def test_version_1_never_meets_a_counter_that_it_cannot_say() -> None:
    assert [name for name, _ in ask(GETNEXT, (1, 3, 1), version=0)] == [(1, 3, 3)]


def test_getbulk_stops_where_a_datagram_is_full() -> None:
    assert len(ask(GETBULK, (1, 3), second=2)) == 2
    assert len(ask(GETBULK, *[(1, 3, 3)] * 20, second=10)) == 20
    assert ask(GETBULK, (1, 3), second=0) == []


def test_a_set_is_refused() -> None:
    assert ask(0xA3, (1, 3, 1)) == [((17, 1), b"")]


@given(st.binary(max_size=120))
def test_nonsense_is_a_value_error_and_nothing_else(data: bytes) -> None:
    try:
        read(data)
    except ValueError:
        return
    assert data, "a request is not empty"


@given(st.binary(min_size=1), st.integers(0, 60))
@example(b"\0\0", 26)  # a binding that is empty
def test_a_spoilt_request_is_a_value_error_and_nothing_else(noise: bytes, at: int) -> None:
    whole = write(Question(1, PUBLIC, GET, 5, 0, 0, ((1, 3),)), [((1, 3, 6), ber.integer(1))])
    test_nonsense_is_a_value_error_and_nothing_else.hypothesis.inner_test(whole[:at] + noise + whole[at + len(noise) :])  # type: ignore[attr-defined]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=20).map(lambda tail: (1, 3, *tail)))
def test_an_identifier_is_read_as_it_was_written(name: Oid) -> None:
    assert ber.read_oid(ber.sole(ber.oid(name), ber.OID)) == name


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    assert ber.read_integer(ber.sole(ber.integer(value), ber.INTEGER)) == value


@pytest.mark.parametrize("name", ["ruijie-s5750", "mikrotik-chr", "airos-m5"])
def test_a_recording_is_in_order_and_leaves_to_the_agent_what_is_the_agents(name: str) -> None:
    names = [row[0] for row in load(name)]
    assert names == sorted(set(names))
    assert SYS_DESCR in names
    assert SYS_NAME not in names
