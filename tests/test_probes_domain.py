"""DOMAIN looks: a registry of our own that is well, mute, lying, gone, sends us on or away; and the list that says where it is."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.inventory import load
from monitor.probes import Vantage, read_options
from monitor.probes import domain_registry as registry
from tests.certificates import PORTAL, authority, server_tls
from tests.webs import Talk, by_path, listening, look_in_time, mute, naming, nobody, resetting, saying, saying_on

NAME = "pasuruankota.go.id"
WHERE = f"/rdap/domain/{NAME}"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\n\r\n"
UNKNOWN, EXPIRED, SOON = Reason.DOMAIN_UNKNOWN, Reason.DOMAIN_EXPIRED, Reason.DOMAIN_EXPIRES_SOON


def day(days: float, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return datetime.fromtimestamp(time.time() + days * 86400, UTC).strftime(form)


def event(action: str, date: object) -> dict[str, object]:
    return {"eventAction": action, "eventDate": date}


def record(*ends: object, **more: object) -> bytes:
    """Return what a registry says of a name that ends then; a key that is None is left out."""
    events = [event("registration", day(-900)), *(event("expiration", end) for end in ends)]
    said: dict[str, object] = {"objectClassName": "domain", "ldhName": NAME, "status": ["active"], "events": events, **more}
    return HEAD + json.dumps({key: value for key, value in said.items() if value is not None}).encode()


def sent(status: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} So", "Content-Length: 0", *headers, "", ""]).encode()


async def look(vantage: Vantage, target: str = NAME, timeout: float = 5.0, /, **options: object) -> Outcome:
    return await look_in_time("domain", target, options, timeout, vantage)


@dataclass(frozen=True)
class Case:
    """What a registry says, and what must come of a look."""

    name: str
    answer: bytes | Talk
    verdict: Verdict = Verdict.UNSURE
    reason: Reason | None = UNKNOWN
    words: str = ""
    options: dict[str, object] = field(default_factory=dict)


OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL
CASES = [
    Case("lasts for a year", record(day(365)), OK, None),
    Case("a fraction of a second, and another zone", record(day(365, "%Y-%m-%dT%H:%M:%S.123456789+07:00")), OK, None),
    Case("a date without a time", record(day(365, "%Y-%m-%d")), OK, None),
    Case("for ever", record("9999-12-31T23:59:59Z"), OK, None),
    Case("the name in capitals, with a last dot", record(day(365), ldhName="PASURUANKOTA.GO.ID."), OK, None),
    Case("the name only in letters of its own", record(day(365), ldhName=None, unicodeName=NAME), OK, None),
    Case("the action in capitals", record(events=[event(" Expiration", day(365))]), OK, None),
    Case("ends in nine days", record(day(9)), WARN, SOON, "ends in 9.0 days"),
    Case("ends in nine days, which is enough", record(day(9)), OK, None, options={"warn_days": 7}),
    Case("ended", record(day(-3)), FAIL, EXPIRED, "ended 3.0 days ago"),
    Case("of two ends the first counts", record(day(365), day(-3)), FAIL, EXPIRED),
    Case(
        "renewed by the registry, not paid for at the registrar",
        record(events=[event("expiration", day(365)), event("registrar expiration", day(-2))]),
        FAIL,
        EXPIRED,
    ),
    Case("about to be deleted", record(day(300), status=["Pending Delete"]), FAIL, EXPIRED, "pending delete"),
    Case("lapsed, among much else, as EPP writes it", record(day(300), status=["ok"] * 30 + ["redemptionPeriod"]), FAIL, EXPIRED),
    Case("a date in small letters", record(day(365, "%Y-%m-%dt%H:%M:%Sz")), OK, None),
    Case("no end", record(), words="does not say when"),
    Case("no events", record(events=None), words="does not say when"),
    Case("events that are none", record(events=[1, None, {"eventAction": 7}, event("expiration", "soon"), event("expiration", None)])),
    Case("of the name above", record(day(365), ldhName="go.id"), words=f"not of {NAME}"),
    Case("of no name", record(day(365), ldhName=None), words=f"not of {NAME}"),
    Case("of a name that cannot be one", record(day(365), ldhName="ftp://[")),
    Case("a list", HEAD + b"[]"),
    Case("nested without end", HEAD + b"[" * 100_000, words="JSON"),
    Case("a page", HEAD + b"<html>", words="not JSON"),
    Case("not found", sent(404), words="is that what was registered?"),
    Case("forbidden", sent(403), words="status 403"),
    Case("broken", sent(500), words="status 500"),
    Case("asked too often", sent(429, "Retry-After: 120"), reason=Reason.TOO_OFTEN, words="120 s"),
    Case("no HTTP", saying(b"SSH-2.0-x\r\n"), words="not HTTP"),
    Case("hangs up", saying(b""), words="closed"),
    Case("throws us out", resetting),
    Case("without end", saying_on(HEAD, b" " * 65536), words="larger than"),
    Case("sent round in circles", sent(302, f"Location: {WHERE}"), words="1 redirect and no page"),
    Case("sent nowhere", sent(302)),
]


@pytest.fixture(name="vantage")
async def vantage_fixture() -> AsyncIterator[Vantage]:
    async with Vantage.of() as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_only_what_the_registry_says_of_the_domain_is_evidence(vantage: Vantage, case: Case) -> None:
    async with listening(by_path({WHERE: case.answer}), read=False) as port:
        outcome = await look(vantage, server=f"http://127.0.0.1:{port}/rdap/", **case.options)
    assert (outcome.verdict, outcome.reason) == (case.verdict, case.reason), outcome
    assert case.words in outcome.detail


async def test_a_registry_that_is_mute_closed_or_has_no_name_is_unsure_at_the_deadline(vantage: Vantage) -> None:
    async with listening(mute, read=False) as port, nobody() as closed, naming() as server, Vantage.of([server]) as named:
        silent = await look(vantage, NAME, 0.2, server=f"http://127.0.0.1:{port}/")
        refused = await look(vantage, server=f"http://127.0.0.1:{closed}/")
        nameless = await look(named, server="http://hilang.pantau.test/")
    assert {(each.verdict, each.reason) for each in (silent, refused, nameless)} == {(Verdict.UNSURE, UNKNOWN)}
    assert "the registry: no end within 0.2 s" in silent.detail
    assert "refused" in refused.detail
    assert "does not exist" in nameless.detail


async def test_the_values_say_when_it_ends_and_who_says_so(vantage: Vantage) -> None:
    heads: list[bytes] = []
    async with listening(by_path({WHERE: record("2099-02-03T04:05:06Z")}, heads), read=False) as port:
        server = f"http://127.0.0.1:{port}/rdap"
        outcome = await look(vantage, f"https://{NAME.upper()}/index.html", server=server)
    assert outcome.values == {"registry": server, "domain_status": ["active"], "domain_end": 4073774706}
    assert {"connect", "answer", "body"} <= set(outcome.phases)
    assert b"Accept: application/rdap+json" in heads[0]


# -- where the registry is


@asynccontextmanager
async def iana(folder: Path, ways: Mapping[str, bytes | Talk], heads: list[bytes] | None = None) -> AsyncIterator[tuple[Vantage, str]]:
    """Run a server of the list and of registries, by TLS; yields a vantage that trusts it and the list's URL."""
    async with (
        naming(portal="127.0.0.1") as names,
        listening(by_path(ways, heads), read=False, tls=server_tls(folder, PORTAL)) as port,
        Vantage.of([names], str(authority(folder))) as vantage,
    ):
        yield vantage, f"https://{PORTAL}:{port}/dns.json"


def services(*entries: object) -> bytes:
    return HEAD + json.dumps({"version": "1.0", "services": entries}).encode()


HERE = f"https://{PORTAL}:{{port}}"
LIST = services([["com", "net"], ["https://hilang.pantau.test/"]], [["ID"], ["http://hilang.pantau.test/", f"{HERE}/rdap/"]])


async def test_the_registry_is_found_in_the_list_which_is_read_once(tmp_path: Path) -> None:
    heads: list[bytes] = []
    async with iana(tmp_path, {"/dns.json": LIST, WHERE: record(day(365))}, heads) as (vantage, url):
        found = [await look(vantage, bootstrap=url) for _ in range(2)]
    assert [outcome.verdict for outcome in found] == [OK, OK], found
    assert [head.split(b" ")[1].decode() for head in heads] == ["/dns.json", WHERE, WHERE]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (services([["com"], [HERE]]), "the registry of .id speaks no RDAP"),
        (services([["id"], ["http://hilang.pantau.test/"]]), "speaks no RDAP by TLS"),
        (services([["id"], []], ["id"], 7, [["id"], "x"], [[7], [HERE]]), "speaks no RDAP"),
        (HEAD + b'{"services": 7}', "the list of registries: that is none"),
        (HEAD + b"<html>", "the list of registries: portal.pantau.test: the body is not JSON"),
        (sent(503), "the list of registries: portal.pantau.test: status 503"),
        (mute, "the list of registries: it does not come in time"),
    ],
)
async def test_who_has_no_registry_to_ask_is_unsure(tmp_path: Path, answer: bytes | Talk, words: str) -> None:
    async with iana(tmp_path, {"/dns.json": answer}) as (vantage, url):
        outcome = await look(vantage, NAME, 0.5 if answer is mute else 5.0, bootstrap=url)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, UNKNOWN), outcome
    assert words in outcome.detail


async def test_the_longest_name_of_the_list_is_the_registry(tmp_path: Path) -> None:
    names = services([["id"], ["https://hilang.pantau.test/"]], [["go.id"], [f"{HERE}/rdap/"]])
    async with iana(tmp_path, {"/dns.json": names, WHERE: record(day(365))}) as (vantage, url):
        outcome = await look(vantage, bootstrap=url)
    assert outcome.verdict is OK, outcome


async def test_a_list_that_cannot_be_had_anew_is_used_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways: dict[str, bytes | Talk] = {"/dns.json": LIST, WHERE: record(day(365))}
    monkeypatch.setattr(registry, "LASTING", 0.0)
    async with iana(tmp_path, ways) as (vantage, url):
        before = await look(vantage, bootstrap=url)
        ways["/dns.json"] = sent(500)
        after = await look(vantage, bootstrap=url)
    assert (before.verdict, after.verdict) == (OK, OK), after


async def test_a_registry_may_send_us_to_another_but_not_out_of_tls(tmp_path: Path) -> None:
    other = f"Location: https://{PORTAL.upper()}:{{port}}/other"
    async with iana(tmp_path, {"/dns.json": LIST, WHERE: sent(302, other), "/other": record(day(365))}) as (vantage, url):
        moved = await look(vantage, bootstrap=url)
    async with iana(tmp_path, {"/dns.json": LIST, WHERE: sent(302, f"Location: http://{PORTAL}/other")}) as (vantage, url):
        insecure = await look(vantage, bootstrap=url)
    async with listening(by_path({"/other": record(day(365))}), read=False, at="127.0.0.2") as elsewhere:
        foreign = sent(302, f"Location: http://127.0.0.2:{elsewhere}/other")
        async with listening(by_path({WHERE: foreign}), read=False) as port, Vantage.of() as plain:
            to_another = await look(plain, server=f"http://127.0.0.1:{port}/rdap/")
    assert (moved.verdict, to_another.verdict) == (OK, OK), (moved, to_another)
    assert (insecure.verdict, insecure.reason) == (Verdict.UNSURE, UNKNOWN)
    assert "out of TLS" in insecure.detail


async def test_a_registry_whose_certificate_does_not_hold_is_not_believed(tmp_path: Path) -> None:
    async with (
        naming(portal="127.0.0.1") as names,
        listening(by_path({WHERE: record(day(-3))}), read=False, tls=server_tls(tmp_path, PORTAL, (-9, -1))) as port,
        Vantage.of([names], str(authority(tmp_path))) as vantage,
    ):
        outcome = await look(vantage, server=f"https://{PORTAL}:{port}/rdap/")
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, UNKNOWN), outcome
    assert "certificate has expired" in outcome.detail


async def test_who_is_sent_on_and_on_stops_after_ten_steps(vantage: Vantage) -> None:
    heads: list[bytes] = []
    ways = {WHERE: sent(302, "Location: /0")} | {f"/{step}": sent(302, f"Location: /{step + 1}") for step in range(20)}
    async with listening(by_path(ways, heads), read=False) as port:
        outcome = await look(vantage, server=f"http://127.0.0.1:{port}/rdap/")
    assert (outcome.verdict, outcome.reason, len(heads)) == (Verdict.UNSURE, UNKNOWN, 11), outcome


def test_a_domain_is_looked_at_once_a_day_unless_the_inventory_says_otherwise(tmp_path: Path) -> None:
    checks = "{kind: domain, target: pasuruankota.go.id}, {kind: domain, id: b, target: b.go.id, interval: 6h}"
    head = "city: {name: Kota}\nhub: {name: Pusat, address: 198.18.0.1}\nsites: {opd-a: {name: A, via: hub, address: 198.18.0.2}}\n"
    app = "apps: {app-a: {name: A, url: 'https://a.go.id/', host: opd-a, owner: opd-a, checks: [%s]}}\n"
    (tmp_path / "inventory.yaml").write_text(head + app % checks, encoding="utf-8")
    found = load(tmp_path / "inventory.yaml").checks
    assert [(found[name].interval, found[name].timeout) for name in ("app-a/domain", "app-a/domain-b")] == [(86400, 30), (21600, 30)]


@pytest.mark.parametrize(
    "target", ["127.0.0.1", "www", "a..id", "a_b.id", "ho st.id", "-a.id", "a.1", "x" * 3000 + ".id", ".".join(["abc"] * 70)]
)
async def test_what_cannot_be_registered_is_asked_of_nobody(vantage: Vantage, target: str) -> None:
    async with listening(saying(b"")) as port:
        outcome = await look_in_time("domain", target, {"server": f"http://127.0.0.1:{port}/"}, 5.0, vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.INTERNAL), outcome


@pytest.mark.parametrize("raw", [{"server": "ftp://x/"}, {"bootstrap": "http://data.example/dns.json"}, {"warn_days": -1}])
def test_wrong_keys_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read_options("domain", raw)
