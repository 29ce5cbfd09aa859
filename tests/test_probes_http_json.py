"""What an answer says of itself: headers, and how old its newest record is."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, read_options
from monitor.probes.faults import Fault
from monitor.probes.http_json import judge_age
from monitor.probes.http_options import Fresh
from tests.webs import listening, look_in_time, saying

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC).timestamp()  # 17.00 WIB
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(name="vantage")
async def vantage_fixture() -> AsyncIterator[Vantage]:
    async with Vantage.of() as made:
        yield made


async def fetch(vantage: Vantage, answer: bytes, **options: object) -> Outcome:
    async with listening(saying(b"HTTP/1.1 200 OK\r\n" + answer)) as port:
        return await look_in_time("http", f"http://127.0.0.1:{port}/", options, 5.0, vantage)


@pytest.mark.parametrize(
    ("said", "age"),
    [
        ("2026-11-24T09:00:00Z", HOUR),
        ("2026-11-24T16:00:00+07:00", HOUR),
        ("2026-11-24 16:00:00", HOUR),
        ("2026-11-24 16:00", HOUR),
        ("2026-11-24 17:00:00 WITA", HOUR),
        ("20261124T160000", HOUR),
        ("2026-11-24", 0.0),  # the day is not over: a record of today is of now
        ("2026-11-23", 17 * HOUR),
        (1795510800, HOUR),
        ("1795510800", HOUR),
        (1795510800.5, HOUR - 0.5),
        (1795510800000, HOUR),
        (1795510800000000, HOUR),
        ("2026-11-24T17:05:00", 0.0),  # five minutes ahead: a clock is never quite right
    ],
)
def test_a_time_is_read_as_the_field_writes_it(said: object, age: float) -> None:
    assert judge_age({"at": said}, Fresh(path="at", at_most=DAY), NOW) == pytest.approx(age)


@pytest.mark.parametrize(
    ("document", "path", "reason", "detail"),
    [
        ({"at": "2026-11-23T09:00:00Z"}, "at", Reason.STALE_DATA, "at is 1.04 d old, at most 1 d"),
        ({"at": "2026-11-22"}, "at", Reason.STALE_DATA, "old"),
        ({"at": "2026-11-24T19:00:00+07:00"}, "at", Reason.STALE_DATA, "lies 2 h in the future"),
        ({"at": "2026-11-26"}, "at", Reason.STALE_DATA, "future"),
        ({"at": "kemarin"}, "at", Reason.JSON_MISMATCH, '"kemarin" at at is no time'),
        ({"at": True}, "at", Reason.JSON_MISMATCH, "no time"),
        ({"at": 12}, "at", Reason.JSON_MISMATCH, "no time"),
        ({"at": None}, "at", Reason.JSON_MISMATCH, "no time"),
        ({"at": 10**300}, "at", Reason.JSON_MISMATCH, "no time"),
        ({"at": float("inf")}, "at", Reason.JSON_MISMATCH, "no time"),
        ({"data": []}, "data.*.at", Reason.JSON_MISMATCH, "the JSON has no data.*.at"),
        ({"data": [{"at": "2026-11-01"}, {"at": "2026-11-20"}, {"at": "2062-11-24"}, {}]}, "data.*.at", Reason.STALE_DATA, "3.71 d old"),
    ],
)
def test_what_is_old_or_of_the_future_or_no_time_is_not_fresh(document: object, path: str, reason: Reason, detail: str) -> None:
    with pytest.raises(Fault) as caught:
        judge_age(document, Fresh(path=path, at_most=DAY), NOW)
    assert (caught.value.reason, detail in caught.value.detail) == (reason, True), caught.value.detail


async def test_the_newest_record_of_an_answer_is_judged_by_our_clock(vantage: Vantage) -> None:
    def rows(hours: float) -> bytes:
        when = datetime.now(timezone(timedelta(hours=7))) - timedelta(hours=hours)
        return b"\r\n" + json.dumps({"data": [{"at": "2020-01-01"}, {"at": when.isoformat()}]}).encode()

    fresh = {"path": "data.*.at", "at_most": "1d"}
    new, old = await fetch(vantage, rows(3), fresh=fresh), await fetch(vantage, rows(30), fresh=fresh)
    assert (new.verdict, old.verdict, old.reason) == (Verdict.OK, Verdict.FAIL, Reason.STALE_DATA), (new, old)
    assert [round(float(str(each.values["age"])) / 3600) for each in (new, old)] == [3, 30]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"strict-transport-security": "max-age"}, None),
        ({"X-Frame-Options": "deny"}, None),
        ({"X-Frame-Options": ""}, None),
        ({"X-Frame-Options": "sameorigin"}, Reason.HEADER_MISMATCH),
        ({"Content-Security-Policy": ""}, Reason.HEADER_MISMATCH),
    ],
)
async def test_headers_are_there_and_hold_what_they_should(vantage: Vantage, wanted: dict[str, str], reason: Reason | None) -> None:
    said = b"Strict-Transport-Security: max-age=63072000\r\nX-Frame-Options: DENY\r\n\r\nhello"
    assert (await fetch(vantage, said, expect_header=wanted)).reason is reason


@pytest.mark.parametrize("fresh", [{"path": "at"}, {"at_most": "1d"}, {"path": "at", "at_most": "soon"}, {"path": "at", "at_most": 0}])
def test_wrong_keys_are_refused(fresh: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read_options("http", {"fresh": fresh})
