"""What an HTTP look says, byte by byte, and what it reads of a head."""

from pathlib import Path

import pytest
from yarl import URL

from monitor.core.verdict import Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.http_head import Request
from tests.certificates import PORTAL, authority, server_tls
from tests.webs import by_path, hanging_up, listening, look_in_time, saying

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request.of("GET", URL("http://a.test")), b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"),
        (
            Request.of("HEAD", URL("https://[fd00::1]:8443/a b/\xe4?x=1&y=\xfc#below")),
            b"HEAD /a%20b/%C3%A4?x=1&y=%C3%BC HTTP/1.1\r\nHost: [fd00::1]:8443\r\nConnection: close\r\n\r\n",
        ),
        (Request.of("GET", URL("http://b\xfccher.test:80/")), b"GET / HTTP/1.1\r\nHost: xn--bcher-kva.test\r\nConnection: close\r\n\r\n"),
        (
            Request.of("GET", URL("http://a.test/"), {"Accept": "*/*"}, {"accept": "x", "host": "b.test", "connection": "keep-alive"}),
            b"GET / HTTP/1.1\r\nhost: b.test\r\naccept: x\r\nconnection: keep-alive\r\n\r\n",
        ),
        (
            Request.of("POST", URL("http://a.test/x")),
            b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
        (
            Request.of("POST", URL("http://a.test/"), form={"user": "p\xe4&x=", "p w": "a+b;c\r\n"}),
            (
                b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 39\r\n"
                b"Connection: close\r\n\r\nuser=p%C3%A4%26x%3D&p+w=a%2Bb%3Bc%0D%0A"
            ),
        ),
    ],
)
def test_a_question_is_written_as_http_wants_it(request_: Request, said: bytes) -> None:
    assert request_.written() == said


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\nb", "a\rb", "a\0b"])
def test_no_header_becomes_two(value: str) -> None:
    for headers in ({"X-Y": value}, {value: "x"}):
        with pytest.raises(ValueError, match="the end of a line"):
            Request.of("GET", URL("http://a.test/"), headers).written()


async def test_a_header_that_would_be_two_is_our_own_fault_and_is_not_sent() -> None:
    heads: list[bytes] = []
    async with listening(by_path({"/": PAGE}, heads), read=False) as port, Vantage.of() as vantage:
        outcome = await look_in_time("http", f"http://127.0.0.1:{port}/", {"headers": {"X": "hunter2\r\nY: z"}}, 2.0, vantage)
    assert (outcome.verdict, outcome.reason, heads) == (Verdict.UNSURE, Reason.INTERNAL, [])
    assert "hunter2" not in outcome.detail


async def test_who_stands_in_the_url_is_said_to_the_first_host_only() -> None:
    heads: list[bytes] = []
    async with listening(by_path({"/": PAGE}, heads), read=False, at="127.0.0.2") as other, Vantage.of() as vantage:
        here = by_path({"/": b"HTTP/1.1 302 To\r\nLocation: http://127.0.0.2:%d/\r\n\r\n" % other}, heads)
        async with listening(here, read=False) as port:
            url = f"http://pantau:rahasia@127.0.0.1:{port}/"
            outcome = await look_in_time("http", url, {"hosts_allowed": "127.0.0.2"}, 2.0, vantage)
    assert outcome.verdict is Verdict.OK, outcome
    assert [b"Authorization: Basic cGFudGF1OnJhaGFzaWE=" in head for head in heads] == [True, False]


async def test_who_stands_in_the_url_is_not_said_behind_a_dead_certificate(tmp_path: Path) -> None:
    heads: list[bytes] = []
    tls = server_tls(tmp_path, PORTAL, (-9, -1))
    async with listening(by_path({"/": PAGE}, heads), read=False, tls=tls) as port, Vantage.of(ca=str(authority(tmp_path))) as vantage:
        outcome = await look_in_time("http", f"https://pantau:rahasia@{PORTAL}:{port}/", {"address": "127.0.0.1"}, 2.0, vantage)
    assert (outcome.reason, outcome.values["alive"]) == (Reason.TLS_EXPIRED, True)
    assert [b"Authorization" in head for head in heads] == [False]


async def test_who_hangs_up_after_the_handshake_says_nothing(tmp_path: Path) -> None:
    ca = str(authority(tmp_path))
    async with listening(hanging_up, read=False, tls=server_tls(tmp_path, PORTAL)) as port, Vantage.of(ca=ca) as vantage:
        outcome = await look_in_time("http", f"https://{PORTAL}:{port}/", {"address": "127.0.0.1"}, 2.0, vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.RESET), outcome


async def test_a_post_that_meets_a_closed_door_says_how_it_closed() -> None:
    async with listening(saying(b"")) as port, Vantage.of() as vantage:
        outcome = await look_in_time("http", f"http://127.0.0.1:{port}/", {"method": "POST"}, 2.0, vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.RESET)


@pytest.mark.parametrize(("kind", "text"), [('text/html; Charset="iso-8859-1"', "caf\xe9"), ("text/html", "caf\ufffd"), ("", "caf\ufffd")])
async def test_the_charset_of_the_head_is_that_of_the_page(kind: str, text: str) -> None:
    page = f"HTTP/1.1 200 OK\r\ncontent-TYPE: {kind}\r\ncontent-length: 4\r\n\r\n".encode() + b"caf\xe9"
    async with listening(saying(page)) as port, Vantage.of() as vantage:
        outcome = await look_in_time("http", f"http://127.0.0.1:{port}/", {"expect_text": text}, 2.0, vantage)
    assert outcome.verdict is Verdict.OK, outcome
