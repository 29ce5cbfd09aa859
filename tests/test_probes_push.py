"""PUSH: who calls in time is well; who does not, or says so itself, is not; and a stranger's call changes nothing."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from exporters.web import application
from monitor.core.city import Check
from monitor.core.rules import Grade
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, ready
from monitor.probes.deadline import look
from monitor.probes.faults import Fault
from monitor.probes.push import APART, LONGEST, WORDS, Answer, Call, Mailbox
from tests.town import engine_of, town, view_of

TOKEN, OTHER = "0123456789abcdef", "fedcba9876543210"
WITHIN = 600.0


class Hours:
    """A clock under the test's thumb."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def mailbox(hours: Hours) -> Mailbox:
    found = Mailbox(clock=hours)
    found.expect([TOKEN])
    return found


def judged(mailbox: Mailbox) -> Outcome | Reason:
    try:
        return mailbox.judge(TOKEN, WITHIN)
    except Fault as fault:
        return fault.reason


def test_who_called_in_time_is_well_until_the_next_call_is_late(mailbox: Mailbox, hours: Hours) -> None:
    assert judged(mailbox) is Reason.LISTENING
    assert mailbox.take(TOKEN, Call(words="OK", seconds=0.012)) is Answer.TAKEN
    hours.now += WITHIN
    assert judged(mailbox) == Outcome(Verdict.OK, seconds=0.012, values={"age": WITHIN, "words": "OK"})
    hours.now += 1
    assert judged(mailbox) is Reason.PUSH_MISSING
    assert mailbox.take(TOKEN, Call()) is Answer.TAKEN
    assert judged(mailbox) == Outcome(Verdict.OK, values={"age": 0.0})


def test_who_never_called_is_missed_only_when_we_have_listened_for_long_enough(mailbox: Mailbox, hours: Hours) -> None:
    hours.now += WITHIN - 1
    assert judged(mailbox) is Reason.LISTENING
    hours.now += 1
    assert judged(mailbox) is Reason.PUSH_MISSING


def test_who_says_that_it_is_not_well_is_believed(mailbox: Mailbox) -> None:
    mailbox.take(TOKEN, Call(up=False, words="disk penuh"))
    with pytest.raises(Fault) as caught:
        mailbox.judge(TOKEN, WITHIN)
    assert (caught.value.reason, caught.value.detail) == (Reason.PUSH_DOWN, "disk penuh")


@pytest.mark.parametrize(
    ("status", "well"), [("up", True), ("OK", True), ("down", False), ("DOWN", False), ("fail", False), ("bogus", False)]
)
async def test_whoever_says_anything_but_that_all_is_well_is_not(caller: TestClient, mailbox: Mailbox, status: str, well: bool) -> None:  # type: ignore[type-arg]  # noqa: FBT001
    async with caller.get(f"/push/{TOKEN}", params={"status": status}) as answer:
        assert answer.status == 200
    assert (judged(mailbox) is Reason.PUSH_DOWN) is not well


def test_a_second_call_at_once_is_sent_away_and_changes_nothing(mailbox: Mailbox, hours: Hours) -> None:
    mailbox.take(TOKEN, Call())
    hours.now += APART / 2
    assert mailbox.take(TOKEN, Call(up=False)) is Answer.TOO_OFTEN
    assert judged(mailbox) == Outcome(Verdict.OK, values={"age": APART / 2})


@pytest.mark.parametrize("token", [OTHER, "", TOKEN[:-1], TOKEN + "x" * LONGEST, "ü" * 16])
def test_a_call_that_nobody_waits_for_is_not_kept(mailbox: Mailbox, token: str) -> None:
    assert mailbox.take(token, Call()) is Answer.UNKNOWN
    assert judged(mailbox) is Reason.LISTENING


def test_a_token_that_a_new_inventory_no_longer_names_is_no_key_any_more(mailbox: Mailbox) -> None:
    mailbox.expect([OTHER])
    assert mailbox.take(TOKEN, Call()) is Answer.UNKNOWN
    mailbox.take(OTHER, Call())
    mailbox.expect([OTHER, TOKEN])
    assert mailbox.judge(OTHER, WITHIN).verdict is Verdict.OK


def push(token: str) -> Check:
    return Check("opd-a/push", "opd-a", "push", "", Grade.FIBRE, 10, 2, {"token": token, "within": WITHIN})


async def test_the_look_reads_the_token_by_its_reference_and_names_it_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSH_A", TOKEN)
    monkeypatch.setenv("PUSH_SHORT", "rahasia")
    async with Vantage.of() as vantage:
        ready(vantage, [push("!env PUSH_A"), push("!env PUSH_SHORT"), push("!env NOBODY")])
        assert vantage.share(Mailbox).take(TOKEN, Call()) is Answer.TAKEN
        assert (await look(push("!env PUSH_A"), vantage)).verdict is Verdict.OK
        for reference in ("!env PUSH_SHORT", "!env NOBODY"):
            outcome = await look(push(reference), vantage)
            assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.BAD_SECRET)
            assert "rahasia" not in str(outcome)


@pytest.fixture
async def caller(mailbox: Mailbox) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(application(view_of(engine_of(town())), mailbox.take))) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_call_by_its_address_is_taken(caller: TestClient, mailbox: Mailbox, method: str) -> None:  # type: ignore[type-arg]
    async with caller.request(method, f"/push/{TOKEN}", data=b"x" * 100_000 if method == "POST" else None) as answer:
        assert (answer.status, await answer.text()) == (200, "diterima / taken\n")
    async with caller.request(method, f"/push/{TOKEN}") as answer:
        assert answer.status == 429
    assert judged(mailbox) == Outcome(Verdict.OK, values={"age": 0.0})


async def test_the_clients_of_uptime_kuma_are_understood(caller: TestClient, mailbox: Mailbox) -> None:  # type: ignore[type-arg]
    async with caller.get(f"/api/push/{TOKEN}", params={"status": "up", "msg": "OK\x00\u202e", "ping": "12.5"}) as answer:
        assert json.loads(await answer.text()) == {"ok": True}
    assert judged(mailbox) == Outcome(Verdict.OK, seconds=0.0125, values={"age": 0.0, "words": "OK"})
    async with caller.get(f"/api/push/{OTHER}") as answer:
        assert (answer.status, json.loads(await answer.text())["ok"]) == (404, False)
        assert OTHER not in await answer.text()


@pytest.mark.parametrize("ping", ["", "nan", "inf", "-1", "1e300", "x" * 5000])
async def test_what_nobody_can_have_measured_is_left_out_and_long_words_are_cut(caller: TestClient, mailbox: Mailbox, ping: str) -> None:  # type: ignore[type-arg]
    async with caller.get(f"/push/{TOKEN}", params={"msg": "m" * 3000, "ping": ping}) as answer:
        assert answer.status == 200
    assert judged(mailbox) == Outcome(Verdict.OK, values={"age": 0.0, "words": "m" * WORDS})


async def test_other_ways_of_asking_change_nothing(caller: TestClient, mailbox: Mailbox) -> None:  # type: ignore[type-arg]
    for method in ("HEAD", "PUT", "DELETE"):
        async with caller.request(method, f"/push/{TOKEN}") as answer:
            assert answer.status == 405
    assert judged(mailbox) is Reason.LISTENING
