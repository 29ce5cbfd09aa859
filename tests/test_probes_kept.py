"""Looks at names when no name server answers: the last address speaks for a target, and never against it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.rcode
import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, kept, names
from monitor.probes.kept import Kept
from tests import webs
from tests.webs import listening, look_in_time, mute, nobody, saying

PAGE = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
BROKEN = saying(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
NAME = "portal.pantau.test"
Known = dict[str, str | dns.rcode.Rcode | None]
WELL: Known = {NAME: "127.0.0.1", ".": dns.rcode.REFUSED}
MUTE: Known = {NAME: None, ".": None}
SILENT_FOR_IT: Known = {NAME: None, ".": dns.rcode.REFUSED}
FAILING: Known = {NAME: dns.rcode.SERVFAIL}
GONE: Known = {}


@asynccontextmanager
async def city() -> AsyncIterator[tuple[Vantage, Known]]:
    """Run a name server that may change its mind, and look by it."""
    async with webs.naming_as(dict(WELL)) as (server, known), Vantage.of([server]) as vantage:
        yield vantage, known


async def look(vantage: Vantage, port: int, timeout: float = 0.6, **options: object) -> Outcome:
    return await look_in_time("http", f"http://{NAME}:{port}/", options, timeout, vantage)


def now(known: Known, others: Known) -> None:
    known.clear()
    known.update(others)


@pytest.mark.parametrize(
    ("later", "words"),
    [(MUTE, "no name server answers"), (SILENT_FOR_IT, "does not answer for this name"), (FAILING, "says SERVFAIL")],
)
async def test_who_answers_at_the_last_address_is_alive_and_dns_is_named(later: Known, words: str) -> None:
    async with city() as (vantage, known), listening(PAGE) as port:
        before = await look(vantage, port)
        now(known, later)
        after = await look(vantage, port, 1.5)
        now(known, WELL)
        again = await look(vantage, port)
    assert (before.verdict, again.verdict) == (Verdict.OK, Verdict.OK), (before, again)
    assert (after.verdict, after.reason, after.seconds) == (Verdict.WARN, Reason.DNS_KEPT, None), after
    assert after.values["status"] == 200
    assert "it answers at its last address" in after.detail
    assert words in after.detail


@pytest.mark.parametrize(
    ("later", "verdict", "reason"),
    [
        (MUTE, Verdict.UNSURE, Reason.OWN_RESOLVER),
        (SILENT_FOR_IT, Verdict.FAIL, Reason.DNS_TIMEOUT),
        (FAILING, Verdict.FAIL, Reason.DNS_SERVFAIL),
        (GONE, Verdict.FAIL, Reason.DNS_NXDOMAIN),
    ],
)
async def test_who_does_not_answer_there_is_told_as_without_that_address(later: Known, verdict: Verdict, reason: Reason) -> None:
    async with city() as (vantage, known), listening(BROKEN) as broken, listening(mute) as silent, nobody() as closed:
        await look(vantage, broken)
        now(known, later)
        async with Vantage.of(vantage.resolver) as fresh:
            *met, without = await asyncio.gather(*(look(vantage, port) for port in (broken, silent, closed)), look(fresh, broken))
    assert {(each.verdict, each.reason) for each in (*met, without)} == {(verdict, reason)}, met
    for words, outcome in zip(("status 500", "no end", "refused"), met, strict=True):
        assert ("at its last address: " in outcome.detail, words in outcome.detail) == (later is not GONE,) * 2


async def test_a_name_that_is_gone_is_gone_though_there_was_an_address() -> None:
    async with city() as (vantage, known), listening(PAGE) as port:
        await look(vantage, port)
        now(known, GONE)
        outcome = await look(vantage, port)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.DNS_NXDOMAIN)


async def test_an_address_that_is_too_old_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "LASTING", -1.0)
    async with city() as (vantage, known), listening(PAGE) as port:
        await look(vantage, port)
        now(known, FAILING)
        outcome = await look(vantage, port)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.DNS_SERVFAIL)


async def test_what_is_warned_of_besides_is_still_said() -> None:
    async with city() as (vantage, known), listening(PAGE) as port:
        await look(vantage, port)
        now(known, FAILING)
        outcome = await look(vantage, port, slow=1e-9)
    assert (outcome.verdict, outcome.reason) == (Verdict.WARN, Reason.DNS_KEPT)
    assert "slow is 1e-09 s" in outcome.detail


async def test_it_is_so_for_every_kind_that_looks_at_names() -> None:
    async with city() as (vantage, known), listening(mute, read=False) as port:
        await look_in_time("tcp", NAME, {"port": port}, 0.6, vantage)
        now(known, FAILING)
        outcome = await look_in_time("tcp", NAME, {"port": port}, 0.6, vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.WARN, Reason.DNS_KEPT)


def test_what_is_kept_is_bounded_in_number_and_in_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 2)
    clock = [0.0]
    known: Kept[str, int] = Kept(10.0, lambda: clock[0])
    for number, key in enumerate("aba"):
        known.keep(key, number)
    known.keep("c", 3)
    assert [known.last(key) for key in "abcd"] == [2, None, 3, None]
    clock[0] = 10.0
    assert known.last("c") == 3
    clock[0] = 10.1
    assert known.last("c") is None
    known.keep("a", 4)
    known.only({"c"})
    assert known.last("a") is None
