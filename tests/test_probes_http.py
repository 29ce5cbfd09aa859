"""HTTP looks: each way to misbehave ends at the deadline at the latest, with its own reason, in bounded memory."""

import asyncio
import gzip
import resource
import socket
import ssl
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import dns.rcode
import pytest
from pydantic import ValidationError

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, read_options, secret_keys
from tests.certificates import authority, server_tls
from tests.webs import listening, look_in_time, mute, naming, resetting, saying, saying_apart, saying_on

FULL = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
OPEN = b"HTTP/1.1 200 OK\r\n\r\n"
PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
BARE = zlib.compressobj(wbits=-15)
DEFLATED = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + BARE.compress(b"hello") + BARE.flush()


@pytest.fixture(name="vantage")
async def vantage_fixture() -> AsyncIterator[Vantage]:
    async with Vantage.of() as made:
        yield made


async def fetch(vantage: Vantage, url: str, timeout: float = 5.0, /, **options: object) -> Outcome:
    return await look_in_time("http", url, options, timeout, vantage)


@pytest.mark.parametrize(
    ("answer", "options", "reason"),
    [
        (FULL, {}, None),
        (FULL, {"expect_text": "HELLO"}, None),
        (FULL, {"expect_text": ["hello", "bye"]}, Reason.KEYWORD_MISSING),
        (FULL, {"forbid_text": ["slot gacor", "ell"]}, Reason.KEYWORD_FORBIDDEN),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", {}, Reason.HTTP_STATUS),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", {"expect_status": 500}, None),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", {"expect_status": "2xx, 404"}, None),
        (b"HTTP/1.1 302 To\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", {"follow": False, "expect_status": [302]}, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", {}, Reason.BODY_INCOMPLETE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", {}, Reason.BODY_INCOMPLETE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n", {}, Reason.HTTP_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", {}, Reason.BODY_TOO_LARGE),
        (b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi", {}, None),
        (b"HTTP/1.1 304 As Was\r\nContent-Length: 99999999999\r\n\r\n", {"expect_status": 304}, None),
        (bytes(range(256)) * 8, {}, Reason.HTTP_PROTOCOL),
        (b"", {}, Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nConten", {}, Reason.RESET),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000 + b"\r\n\r\n", {}, Reason.HEADER_TOO_LARGE),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 2000 + b"\r\n", {}, Reason.HEADER_TOO_LARGE),
        (PACKED + gzip.compress(b"hello", mtime=0), {"expect_text": "hello"}, None),
        (DEFLATED, {"expect_text": "hello"}, None),
        (PACKED + gzip.compress(bytes(50_000_000), mtime=0), {}, Reason.BODY_TOO_LARGE),
        (PACKED + b"hello, not packed", {}, Reason.DECODE_ERROR),
        (PACKED + gzip.compress(b"hello" * 100, mtime=0)[:-9], {}, Reason.DECODE_ERROR),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nxx", {"expect_text": "x"}, Reason.DECODE_ERROR),
        (OPEN + b'{"db":{"ok":true,"n":[1,2]}}', {"expect_json": {"db.ok": True, "db.n.1": 2}}, None),
        (OPEN + b'{"db":{"ok":1}}', {"expect_json": {"db.ok": True}}, Reason.JSON_MISMATCH),
        (OPEN + b"{}", {"expect_json": {"db.ok": True}}, Reason.JSON_MISMATCH),
        (OPEN + b"[" * 100_000, {"expect_json": {"db.ok": True}}, Reason.JSON_MISMATCH),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=nonsense\r\n\r\n\xff caf\xc3\xa9", {"expect_text": "CAFÉ"}, None),
        (b"HTTP/1.1 302 To\r\nLocation: http://judi.pantau.test/\r\n\r\n", {}, Reason.REDIRECT_FOREIGN),
        (b"HTTP/1.1 302 To\r\nLocation: http://127.0.0.1.judi.test/\r\n\r\n", {}, Reason.REDIRECT_FOREIGN),
        (b"HTTP/1.1 302 To\r\nLocation: /\r\n\r\n", {}, Reason.REDIRECT_LOOP),
        (b"HTTP/1.1 302 To\r\n\r\n", {}, Reason.REDIRECT_INVALID),
        (b"HTTP/1.1 302 To\r\nLocation: ftp://x/\r\n\r\n", {}, Reason.REDIRECT_INVALID),
        (b"HTTP/1.1 302 To\r\nLocation: http://[/\r\n\r\n", {}, Reason.REDIRECT_INVALID),
    ],
)
async def test_every_answer_has_its_reason(vantage: Vantage, answer: bytes, options: dict[str, object], reason: Reason | None) -> None:
    async with listening(saying(answer)) as port:
        outcome = await fetch(vantage, f"http://127.0.0.1:{port}/", **options)
    assert (outcome.reason, outcome.verdict) == (reason, Verdict.FAIL if reason else Verdict.OK), outcome.detail


@pytest.mark.parametrize(
    ("said", "pause"), [(b"120", 120.0), (b"Fri, 31 Dec 1999 23:59:59 GMT", 0.0), (b"soon", 60.0), (b"-5", 60.0), (b"9" * 200, 1e40)]
)
async def test_who_is_asked_too_often_says_for_how_long_and_that_is_no_outage(vantage: Vantage, said: bytes, pause: float) -> None:
    async with listening(saying(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nRetry-After: " + said + b"\r\n\r\n")) as port:
        url = f"http://127.0.0.1:{port}/"
        outcome = await look_in_time("http", url, {}, 2.0, vantage)
        expected = await look_in_time("http", url, {"expect_status": "4xx"}, 2.0, vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.TOO_OFTEN)
    assert outcome.values["retry_after"] == pytest.approx(pause)
    assert expected.verdict is Verdict.OK


@pytest.mark.parametrize(
    "answer",
    [
        FULL + b" and more",
        b"HTTP/1.1 100 Continue\r\n\r\n" + FULL,
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nx",
        b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"he", mtime=0) + gzip.compress(b"llo", mtime=0),
    ],
)
async def test_an_answer_is_the_same_wherever_the_network_cuts_it(vantage: Vantage, answer: bytes) -> None:
    async def said(*pieces: bytes) -> tuple[object, ...]:
        async with listening(saying_apart(*pieces)) as port:
            outcome = await fetch(vantage, f"http://127.0.0.1:{port}/", max_body=100)
        return outcome.verdict, outcome.reason, outcome.values

    whole = await said(answer)
    assert {place: found for place in range(1, len(answer)) if (found := await said(answer[:place], answer[place:])) != whole} == {}


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (mute, Reason.HTTP_TIMEOUT),
        (saying_on(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"), Reason.HEADER_TOO_LARGE),
        (saying_on(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b""), Reason.HTTP_TIMEOUT),
        (resetting, Reason.RESET),
        (saying_on(OPEN, b"x" * 65536), Reason.BODY_TOO_LARGE),
        (saying_on(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), Reason.HEADER_TOO_LARGE),
        (saying_on(b"HTTP/1.1 200 ", b"O" * 4096), Reason.HEADER_TOO_LARGE),
    ],
)
async def test_mute_endless_and_rude_peers_end_at_the_deadline(vantage: Vantage, talk: object, reason: Reason) -> None:
    start = time.monotonic()
    async with listening(talk) as port:  # type: ignore[arg-type]
        outcome = await fetch(vantage, f"http://127.0.0.1:{port}/", 0.4 if reason is Reason.HTTP_TIMEOUT else 5)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, reason), outcome.detail
    assert time.monotonic() - start < 4


async def test_an_endless_body_and_a_bomb_take_no_memory(vantage: Vantage) -> None:
    bomb = PACKED + gzip.compress(bytes(200_000_000), 9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for talk in (saying(bomb), saying_on(OPEN, b"x" * 65536)):
        async with listening(talk) as port:
            outcome = await fetch(vantage, f"http://127.0.0.1:{port}/", 3, expect_text="y")
        assert outcome.reason is Reason.BODY_TOO_LARGE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


async def test_a_refused_connection_is_refused(vantage: Vantage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = await fetch(vantage, f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.REFUSED)


async def test_redirects_are_followed_with_cookies_and_without_secrets_for_strangers(
    vantage: Vantage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANTAU_TEST_KEY", "rahasia")
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        ways = {b"/": b"/a", b"/a": f"http://localhost:{port}/b".encode()}
        to = ways.get(head.split()[1])
        said = b"HTTP/1.1 302 To\r\nSet-Cookie: a=1\r\nLocation: " + to + b"\r\n\r\n" if to else FULL
        await saying(said)(reader, writer)

    async with listening(talk, read=False) as port:
        outcome = await fetch(
            vantage,
            f"http://127.0.0.1:{port}/",
            headers={"Authorization": "!env PANTAU_TEST_KEY"},
            hosts_allowed="localhost",
            expect_text="hello",
        )
    assert outcome.verdict is Verdict.OK, outcome
    assert [b"rahasia" in head for head in heads] == [True, True, False]
    assert b"a=1" in heads[1]


async def test_phases_and_values_say_where_the_time_went(vantage: Vantage) -> None:
    async with listening(saying(FULL)) as port:
        outcome = await fetch(vantage, f"http://127.0.0.1:{port}/")
    assert set(outcome.phases) == {"connect", "answer", "body"}
    assert outcome.values == {"status": 200, "content_length": 5}
    assert outcome.seconds is not None
    assert sum(outcome.phases.values()) <= outcome.seconds


async def test_slower_than_slow_is_slow(vantage: Vantage) -> None:
    async with listening(saying(FULL)) as port:
        outcome = await fetch(vantage, f"http://127.0.0.1:{port}/", slow=1e-9)
    assert (outcome.verdict, outcome.reason) == (Verdict.SLOW, Reason.SLOW_ANSWER)


@pytest.mark.parametrize(
    ("name", "days", "options", "verdict", "reason"),
    [
        ("portal.pantau.test", (-1, 90), {}, Verdict.OK, None),
        ("portal.pantau.test", (-1, 9), {}, Verdict.WARN, Reason.TLS_EXPIRES_SOON),
        ("portal.pantau.test", (-1, 9), {"warn_days": 5}, Verdict.OK, None),
        ("portal.pantau.test", (-9, -1), {}, Verdict.FAIL, Reason.TLS_EXPIRED),
        ("portal.pantau.test", (1, 9), {}, Verdict.FAIL, Reason.TLS_NOT_YET_VALID),
        ("lain.pantau.test", (-1, 90), {}, Verdict.FAIL, Reason.TLS_HOSTNAME),
        ("lain.pantau.test", (-1, 90), {"server_name": "lain.pantau.test"}, Verdict.OK, None),
        ("portal.pantau.test", (-1, 90), {"ca": "/etc/ssl/certs/ca-certificates.crt"}, Verdict.FAIL, Reason.TLS_UNTRUSTED),
        ("lain.pantau.test", (-9, -1), {"verify": False}, Verdict.OK, None),
        ("portal.pantau.test", (-1, 90), {"ca": "/nowhere.pem"}, Verdict.UNSURE, Reason.BAD_SECRET),
    ],
)
async def test_a_certificate_is_judged_by_time_name_and_trust(
    vantage: Vantage,
    tmp_path: Path,
    name: str,
    days: tuple[float, float],
    options: dict[str, object],
    verdict: Verdict,
    reason: Reason | None,
) -> None:
    ca = {"ca": str(authority(tmp_path))}
    if str(options.get("ca", "")).startswith("/etc") and not Path(str(options["ca"])).exists():
        options = {**options, "ca": str(authority(tmp_path, "Otoritas Lain"))}
    async with listening(saying(FULL), tls=server_tls(tmp_path, name, days)) as port:
        outcome = await fetch(vantage, f"https://portal.pantau.test:{port}/", address="127.0.0.1", **{**ca, **options})
    assert (outcome.verdict, outcome.reason) == (verdict, reason), outcome.detail
    if verdict in {Verdict.OK, Verdict.WARN}:
        end = outcome.values["certificate_end"]
        assert isinstance(end, int)
        assert abs(end - time.time() - days[1] * 86400) < 60
        assert "tls" in outcome.phases


async def test_the_verified_chain_counts_and_not_an_expired_certificate_sent_beside_it(vantage: Vantage, tmp_path: Path) -> None:
    ca = authority(tmp_path)
    stale = authority(tmp_path / "..", "Otoritas Basi", (-900, -5)).read_bytes()
    async with listening(saying(FULL), tls=server_tls(tmp_path, "portal.pantau.test", extra=stale)) as port:
        outcome = await fetch(vantage, f"https://portal.pantau.test:{port}/", address="127.0.0.1", ca=str(ca))
    assert outcome.verdict is Verdict.OK, outcome.detail


@pytest.mark.parametrize(
    ("talk", "reasons"),
    [
        (mute, {Reason.TLS_TIMEOUT}),
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), {Reason.TLS_PROTOCOL}),
        (saying(b"\x15\x03\x01\0\x02\x02\x46"), {Reason.TLS_PROTOCOL}),
        (saying(b"\x15\x03\x01\0\x02\x02\x28"), {Reason.TLS_HANDSHAKE}),
        (saying(b""), {Reason.TLS_HANDSHAKE}),
        (resetting, {Reason.RESET}),
    ],
)
async def test_a_broken_handshake_has_its_reason(vantage: Vantage, talk: object, reasons: set[Reason]) -> None:
    async with listening(talk, read=False) as port:  # type: ignore[arg-type]
        outcome = await fetch(vantage, f"https://127.0.0.1:{port}/", 0.4 if Reason.TLS_TIMEOUT in reasons else 5)
    assert outcome.reason in reasons, outcome.detail
    assert outcome.verdict is Verdict.FAIL


async def test_a_server_of_old_protocols_is_looked_at_without_verify(vantage: Vantage, tmp_path: Path) -> None:
    old = server_tls(tmp_path, "portal.pantau.test")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    async with listening(saying(FULL), tls=old) as port:
        outcome = await fetch(vantage, f"https://portal.pantau.test:{port}/", address="127.0.0.1", verify=False)
    assert (outcome.verdict, outcome.values["tls_version"]) == (Verdict.OK, "TLSv1"), outcome.detail


async def test_a_renewed_authority_is_trusted_without_a_restart(vantage: Vantage, tmp_path: Path) -> None:
    ca = authority(tmp_path)
    right = ca.read_bytes()
    ca.write_bytes(authority(tmp_path, "Otoritas Lain").read_bytes())
    async with listening(saying(FULL), tls=server_tls(tmp_path, "portal.pantau.test")) as port:
        url = f"https://portal.pantau.test:{port}/"
        before = await fetch(vantage, url, address="127.0.0.1", ca=str(ca))
        ca.write_bytes(right + b"\n")
        after = await fetch(vantage, url, address="127.0.0.1", ca=str(ca))
    assert (before.reason, after.verdict) == (Reason.TLS_UNTRUSTED, Verdict.OK)


async def test_names_come_from_the_resolver_of_the_vantage() -> None:
    answers: dict[str, str | dns.rcode.Rcode | None] = {
        "portal": "127.0.0.1",
        "enam": "::1",
        "hilang": dns.rcode.NXDOMAIN,
        "rusak": dns.rcode.SERVFAIL,
        "diam": None,
        "root": dns.rcode.REFUSED,
    }
    wanted = {
        "portal": None,
        "hilang": Reason.DNS_NXDOMAIN,
        "rusak": Reason.DNS_SERVFAIL,
        "diam": Reason.DNS_TIMEOUT,
    }
    async with naming(**answers) as server, listening(saying(FULL)) as port, Vantage.of([server]) as vantage:
        looks = [fetch(vantage, f"http://{name}.pantau.test:{port}/", 0.6) for name in wanted]
        outcomes = await asyncio.gather(*looks)
    assert [outcome.reason for outcome in outcomes] == list(wanted.values())
    assert outcomes[3].verdict is Verdict.FAIL


async def test_a_resolver_that_does_not_answer_at_all_is_our_own_fault() -> None:
    async with naming(diam=None, root=None) as server, Vantage.of([server]) as vantage:
        outcome = await fetch(vantage, "http://diam.pantau.test/", 0.3)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.OWN_RESOLVER)


async def test_hanging_names_do_not_hold_up_the_others() -> None:
    async with (
        naming(portal="127.0.0.1", diam=None, root=dns.rcode.REFUSED) as server,
        listening(saying(FULL)) as port,
        Vantage.of([server]) as vantage,
    ):
        hanging = [asyncio.create_task(fetch(vantage, "http://diam.pantau.test/", 30)) for _ in range(40)]
        healthy = await asyncio.gather(*(fetch(vantage, f"http://portal.pantau.test:{port}/") for _ in range(12)))
        held_up = [each for each in hanging if each.done()]
        for each in hanging:
            each.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert {outcome.verdict for outcome in healthy} == {Verdict.OK}
    assert held_up == []


async def test_no_error_holds_the_url_or_a_secret(vantage: Vantage) -> None:
    async with listening(saying(b"nonsense")) as port:
        outcome = await fetch(
            vantage, f"http://user:hunter2@127.0.0.1:{port}/bot-hunter2/x?key=hunter2", headers={"Authorization": "hunter2"}
        )
    assert "hunter2" not in repr(outcome)


async def test_a_secret_that_cannot_be_read_makes_the_look_unsure(vantage: Vantage) -> None:
    outcome = await fetch(vantage, "http://127.0.0.1:1/", headers={"Authorization": "!env PANTAU_NOT_SET"})
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.BAD_SECRET)


@pytest.mark.parametrize(
    "raw",
    [
        {"expected_status": 200},
        {"expect_status": "20x"},
        {"url": "ftp://x/"},
        {"url": "http://"},
        {"method": "BREW"},
        {"max_body": -1},
        {"expect_text": ""},
        {"headers": {"A": "b\r\nC: d"}},
        {"headers": {"A b": "c"}},
        {"server_name": "a..b"},
        {"server_name": "a" * 300},
        {"address": "not an address"},
    ],
)
def test_wrong_keys_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read_options("http", raw)


@pytest.mark.parametrize(("given", "address"), [("[::1]", "::1"), ("127.0.0.1", "127.0.0.1"), ("simpus.pantau.test", "simpus.pantau.test")])
def test_an_address_to_connect_to_is_one_or_a_name(given: str, address: str) -> None:
    assert read_options("http", {"address": given}).address == address


def test_headers_that_carry_secrets_are_named() -> None:
    assert "headers.authorization" in secret_keys("http")
