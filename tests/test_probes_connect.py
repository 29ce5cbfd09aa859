"""Looks at a name with several addresses: IPv6 first, the next when one fails or is late, and what was passed over is said."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Attempt, Vantage
from monitor.probes import names as probed
from monitor.probes.connect import DELAY, connect
from monitor.probes.faults import Fault
from monitor.probes.names import Names
from tests import webs
from tests.webs import crowded, listening, look_in_time, mute, naming, nobody, saying

SEGMENTS_SENT = struct.Struct("136xI")
"""Of `struct tcp_info` of Linux: tcpi_segs_out."""
BOTH = "127.0.0.1 ::1"
PAGE = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


async def look(addresses: str, port: int, timeout: float = 3.0, kind: str = "tcp") -> Outcome:
    """Look at a name that has these addresses."""
    async with naming(portal=addresses) as server, Vantage.of([server]) as vantage:
        if kind == "http":
            return await look_in_time("http", f"http://portal.pantau.test:{port}/", {}, timeout, vantage)
        return await look_in_time("tcp", "portal.pantau.test", {"port": port}, timeout, vantage)


async def test_where_both_let_us_ipv6_is_taken() -> None:
    async with listening(mute, read=False) as port, listening(mute, read=False, at="::1", port=port):
        outcome = await look(BOTH, port)
    assert (outcome.verdict, outcome.values) == (Verdict.OK, {"address": "::1"})


@pytest.mark.parametrize("kind", ["tcp", "http"])
async def test_a_refusal_by_ipv6_is_passed_over_at_once_and_told(kind: str) -> None:
    async with listening(PAGE, read=kind == "http") as port:
        outcomes = [await look(BOTH, port, kind=kind) for _ in range(3)]
    for outcome in outcomes:
        assert (outcome.verdict, outcome.reason) == (Verdict.OK, None), outcome
        assert outcome.values["address"] == "127.0.0.1"
        assert outcome.values["passed_over"] == ["::1: connection refused"]
    assert min(outcome.phases["connect"] for outcome in outcomes) < DELAY


async def test_silence_by_ipv6_costs_a_quarter_of_a_second_and_is_told() -> None:
    async with crowded("::1") as port, listening(mute, read=False, port=port):
        outcome = await look(BOTH, port)
    assert (outcome.verdict, outcome.values["address"]) == (Verdict.OK, "127.0.0.1")
    assert [str(each).partition(" in ")[0] for each in outcome.values["passed_over"]] == ["::1: no answer"]  # type: ignore[attr-defined]
    assert DELAY <= outcome.phases["connect"] < 8 * DELAY


@pytest.mark.parametrize(("speaks", "packets"), [(True, 2), (False, 3)])
async def test_who_speaks_at_once_sends_the_end_of_the_handshake_with_its_first_word(*, speaks: bool, packets: int) -> None:
    async with listening(mute) as port:
        with await connect(["127.0.0.1"], port, Attempt(5.0), speaks=speaks) as made:
            made.send(b"GET / HTTP/1.1\r\n\r\n")
            assert SEGMENTS_SENT.unpack_from(made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192))[0] == packets


async def test_silence_of_another_address_of_the_same_family_is_no_other() -> None:
    attempt = Attempt(5.0)
    async with crowded() as port, listening(mute, read=False, at="127.0.0.2", port=port):
        with await connect(["127.0.0.1", "127.0.0.2"], port, attempt) as made:
            assert made.getpeername()[0] == attempt.values["address"] == "127.0.0.2"


@pytest.mark.parametrize(("addresses", "reason"), [(BOTH, Reason.REFUSED), ("127.0.0.1 127.0.0.2 127.0.0.3", Reason.REFUSED)])
async def test_where_none_lets_us_it_is_the_fault_of_them_all(addresses: str, reason: Reason) -> None:
    async with nobody() as port:
        outcome = await look(addresses, port)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, reason)


async def test_all_of_it_ends_at_the_one_deadline() -> None:
    async with crowded("::1") as port:
        outcome = await look(BOTH, port, 0.4)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.TIMEOUT)


async def test_one_address_takes_no_task_of_its_own_and_has_no_words() -> None:
    attempt, tasks = Attempt(1.0), asyncio.all_tasks()
    async with crowded() as port:
        connecting = connect(["127.0.0.1"], port, attempt)
        connecting.send(None)
        assert asyncio.all_tasks() == tasks
        connecting.close()
    assert attempt.values == {}


async def test_nothing_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probed, "RESOLUTION_DELAY", 0.01)

    def held() -> set[str]:
        return {str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_socket()}

    async with crowded("::1") as port, listening(mute, read=False, port=port):
        before, tasks = held(), asyncio.all_tasks()
        await look("127.0.0.1 ::1", port)
        await look("::1", port, 0.3)
        for _ in range(5):
            await asyncio.sleep(0)
        assert held() == before
        assert {task for task in asyncio.all_tasks() - tasks if "serve" not in str(task.get_coro())} == set()


# -- what is ours


async def test_that_we_have_no_ipv6_is_not_worth_a_word(ground: None) -> None:
    del ground
    async with listening(mute, read=False) as port:
        outcome = await look("127.0.0.1 2001:db8::1", port)
    assert (outcome.verdict, outcome.values) == (Verdict.OK, {"address": "127.0.0.1"})


async def test_without_a_way_by_ipv4_only_an_answer_by_ipv6_counts(ground: None) -> None:
    del ground
    async with crowded("::1") as silent, nobody() as closed, listening(mute, read=False, at="::1") as port:
        outcomes = [await look("198.18.0.1 ::1", at, 0.3) for at in (silent, closed, port)]
        alone = await look("2001:db8::1 2001:db8::2", port)
    unsure = (Verdict.UNSURE, Reason.NO_ROUTE)
    assert [(each.verdict, each.reason) for each in outcomes] == [unsure, unsure, (Verdict.OK, None)], outcomes
    assert (alone.verdict, alone.reason) == unsure


async def test_a_certificate_that_was_found_dead_stays_found(ground: None) -> None:
    del ground
    attempt, dead = Attempt(1.0), Fault(Reason.TLS_EXPIRED)
    attempt.found = dead
    async with listening(mute, read=False, at="::1") as port:
        (await connect(["198.18.0.1", "::1"], port, attempt)).close()
        with pytest.raises(Fault):
            await connect(["198.18.0.1", "198.18.0.2"], port, attempt)
    assert attempt.found is dead


# -- names


class Halting(webs.Names):
    """A name server that treats AAAA in its own way: silent, or with a response code."""

    def __init__(self, names: dict[str, str | dns.rcode.Rcode | None], six: dns.rcode.Rcode | None) -> None:
        super().__init__(names)
        self.six = six

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asked = dns.message.from_wire(data)
        if asked.question[0].rdtype != dns.rdatatype.AAAA:
            super().datagram_received(data, addr)
        elif self.six is not None:
            answer = dns.message.make_response(asked)
            answer.set_rcode(self.six)
            self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def halting(addresses: str, six: dns.rcode.Rcode | None) -> AsyncIterator[Names]:
    known: dict[str, str | dns.rcode.Rcode | None] = {"portal.pantau.test": addresses}
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Halting(known, six), local_addr=("127.0.0.1", 0))
    try:
        async with Vantage.of(["127.0.0.1:{}".format(transport.get_extra_info("sockname")[1])]) as vantage:
            yield vantage.share(Names)
    finally:
        transport.close()


@pytest.mark.parametrize("six", [None, dns.rcode.SERVFAIL, dns.rcode.NXDOMAIN])
async def test_a_name_server_that_fails_at_aaaa_holds_up_nobody_who_has_ipv4(six: dns.rcode.Rcode | None) -> None:
    async with halting("127.0.0.1", six) as names, asyncio.timeout(2.0):
        assert await names.resolve("portal.pantau.test", Attempt(30.0), both=True) == ["127.0.0.1"]


async def test_who_has_neither_hears_why() -> None:
    async with halting("", dns.rcode.SERVFAIL) as names:
        with pytest.raises(Fault, match="SERVFAIL"):
            await names.resolve("portal.pantau.test", Attempt(5.0), both=True)
    async with halting("", dns.rcode.NOERROR) as names:
        with pytest.raises(Fault, match="has no address"):
            await names.resolve("portal.pantau.test", Attempt(5.0), both=True)


async def test_addresses_come_in_turn_ipv6_first_and_no_more_than_four() -> None:
    many = "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5"
    async with naming(portal=f"{many} fd00::1 fd00::2 fd00::3", vier=many) as server, Vantage.of([server]) as vantage:
        names = vantage.share(Names)
        found = {word: await names.resolve(f"{word}.pantau.test", Attempt(5.0), both=True) for word in ("portal", "vier")}
        plain = await names.resolve("portal.pantau.test", Attempt(5.0))
    assert [":" in each for each in found["portal"]] == [True, False, True, False]
    assert [":" in each for each in found["vier"] + plain] == [False] * 8
