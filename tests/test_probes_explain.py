"""`pantau probe --explain`: what was sent and received, in the words of each protocol, and no secret of anybody."""

import json
import random
from pathlib import Path

import pytest

from monitor import cli
from monitor.probes import wiretap
from monitor.probes.batch import probe_once
from monitor.probes.discreet import address, head
from monitor.probes.explained import UNREADABLE, WIDEST, Told, told
from monitor.probes.snmp_message import question
from monitor.probes.wiretap import MOST, TAPE, Tape
from tests.agents import agent, system
from tests.agents_v3 import AUTH, agent3
from tests.certificates import authority, server_tls
from tests.nameservers import NAME, cut, framed, reply, serving
from tests.test_probes_http_login import Application
from tests.timeservers import saying as telling
from tests.timeservers import serving as time_server
from tests.webs import by_path, listening, saying

HOME, PORTAL = "127.0.0.1", "portal.pantau.test"
A = f"{NAME} 60 IN A 198.18.0.9"


async def look(kind: str, target: str, **keys: object) -> list[Told]:
    lines: list[Told] = []
    await probe_once(kind, target, {"timeout": 2, **keys}, lines.append)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    return lines


def said(lines: list[Told]) -> list[str]:
    return [f"{line.way} {line.what}" for line in lines]


async def test_a_connection_is_told_whether_it_was_made_or_not() -> None:
    async with listening(saying()) as port:
        lines = await look("tcp", HOME, port=port)
        assert said(lines) == ["> TCP: connect", "· TCP: connected"]
        assert lines[0].peer == f"{HOME}:{port}"
    assert said(await look("tcp", "::1", port=port)) == ["> TCP: connect", "· TCP: connection refused"]


@pytest.mark.usefixtures("ground")
async def test_a_ping_is_told_by_its_id_and_sequence_and_what_came_back() -> None:
    first, second = await look("icmp", HOME, size=9)
    assert second.what.startswith(first.what.replace("request", "reply").removesuffix("9 bytes of data") + "after ")
    assert (first.way, second.way, first.peer) == (">", "<", HOME)
    assert said(await look("icmp", HOME, backend="icmplib")) == ["· ICMP by icmplib, which tells of no single packet"]
    assert said(await look("icmp", "198.18.0.1"))[-1].endswith("no route from here: network is unreachable")


async def test_a_name_server_is_told_by_question_and_answer_over_udp_and_tcp() -> None:
    async with serving(cut, lambda asked: [framed(reply(asked, A))]) as server:
        lines = said(await look("dns", server, name=NAME))
    number = lines[0].rpartition(":")[0].rpartition(" ")[2]
    asked = f"{NAME} IN A"
    assert lines == [
        f"> DNS question {number}: {asked}",
        f"< DNS answer {number}, NOERROR, qr tc rd: {asked}: no records",
        f"> DNS question {number}: {asked} (over TCP)",
        f"< DNS answer {number}, NOERROR, qr rd: {asked}: {NAME} 60 198.18.0.9 (over TCP)",
    ]


async def test_a_time_server_is_told_by_the_fields_of_its_packet() -> None:
    with time_server(telling(stratum=3, leap=1)) as port:
        asked, came = await look("ntp", HOME, port=port)
    token = asked.what.removeprefix("NTP version 4, mode 3 (client), token ")
    assert (asked.size, came.size) == (48, 48)
    assert "mode 4 (server), leap 1, stratum 3, poll 2^6 s, precision 2^-20 s, root delay 0.000000 s, dispersion 0.0" in came.what
    assert f"reference c6120002, origin {token}, received 20" in came.what


async def test_an_agent_is_told_by_kind_number_names_and_status_and_not_by_its_community() -> None:
    async with agent(system()) as (port, peer):
        asked, came = said(await look("snmp", HOME, port=port, read="system", community="a-community"))
    number = peer.heard[0].number
    names = "1.3.6.1.2.1.1.1.0, 1.3.6.1.2.1.1.3.0, 1.3.6.1.2.1.1.5.0"
    assert asked == f"> SNMP v2c GetRequest {number}: {names}"
    assert came == f"< SNMP v2c Response {number}, error-status 0 (noError): 3 names -> 3 values: {names}"


@pytest.mark.parametrize("backend", ["pysnmp", "auto"])
async def test_an_agent_of_version_3_is_told_without_its_key(backend: str) -> None:
    async with agent3(system()) as (port, peer):
        lines = said(await look("snmp", HOME, port=port, read="system", user="aman", auth=AUTH, backend=backend, timeout=5))
    engine = f"engine {peer.who.engine.hex()}, boots {peer.who.boots}"
    assert lines[0].startswith("> SNMP v3 message ")
    assert any("Report" in line and engine in line for line in lines)
    assert any("GetRequest" in line and f"of 'aman', signed, {engine}" in line for line in lines)
    assert "3 names -> 3 values" in lines[-1]
    assert AUTH not in "".join(lines)


async def test_shaken_hands_are_told_with_the_chain_and_why_they_were_not(tmp_path: Path) -> None:
    keys: dict[str, object] = {"address": HOME, "ca": str(authority(tmp_path))}
    async with listening(saying(b"HTTP/1.1 200 OK\r\n\r\nhi"), tls=server_tls(tmp_path, PORTAL)) as port:
        lines = said(await look("http", f"https://{PORTAL}:{port}/", **keys))
    assert lines[2].startswith("· TLSv1.3, TLS_")
    assert lines[2].endswith(f"; verified chain: {PORTAL} <- Otoritas Uji")
    async with listening(saying(b"HTTP/1.1 200 OK\r\n\r\nhi"), tls=server_tls(tmp_path, PORTAL, (-9, -1))) as port:
        lines = said(await look("http", f"https://{PORTAL}:{port}/", **keys))
    assert "· TLS: no hands shaken: certificate has expired" in lines
    assert any("chain as it was sent, not verified" in line for line in lines)


SECRETS = ("kata-sandi", "kunci/rahasia", "sidik", "dari-kueri", "jejak", "a0b1c2d3e4f5a6b7c8d9", "pemilik", "isi halaman")
WAYS = {
    "/a0b1c2d3e4f5a6b7c8d9/a?k=dari-kueri": b"HTTP/1.1 302 Found\r\nLocation: /b;jsessionid=sidik?s=dari-kueri#jejak\r\n"
    b"Set-Cookie: sid=sidik; Path=/\r\nX-Auth: sidik\r\nContent-Length: 0\r\n\r\n",
    "/b;jsessionid=sidik?s=dari-kueri": b"HTTP/1.1 200 OK\r\nServer: saw kata-sandi and kunci%2Frahasia\r\n"
    b"WWW-Authenticate: Basic realm=sidik\r\n\r\nisi halaman",
}


@pytest.mark.parametrize("form", ["text", "json"])
async def test_of_the_web_heads_are_told_hop_by_hop_and_no_secret(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEY", "kata-sandi")
    keys: dict[str, object] = {"basic": {"user": "pemilik", "password": "!env KEY"}, "headers": {"x-api-key": "kunci/rahasia"}}
    async with listening(by_path(WAYS), read=False) as port:
        lines = await look("http", f"http://{HOME}:{port}/a0b1c2d3e4f5a6b7c8d9/a?k=dari-kueri", **keys)
    heads = [line.what for line in lines if "HTTP" in line.what]
    assert [words.partition(" | ")[0] for words in heads] == [
        "GET /***/a?k=*** HTTP/1.1",
        "HTTP/1.1 302 Found",
        "GET /b;***?s=*** HTTP/1.1",
        "HTTP/1.1 200 OK",
    ]
    assert "Location: /b;***?s=***#***" in heads[1]
    assert "Authorization: ***" in heads[2]
    assert "Cookie: ***" in heads[2]
    assert heads[3].endswith("Server: saw *** and *** | WWW-Authenticate: Basic *** | and 11 bytes of the body, which are not told")
    written = "".join(json.dumps(line.as_json()) if form == "json" else str(line) for line in lines)
    assert [secret for secret in SECRETS if secret in written] == []
    assert capsys.readouterr().out == ""


async def test_of_a_login_the_form_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_TEST_KEY", "rahasia")
    application = Application()
    async with listening(application.talk, read=False) as port:
        login = {"user": "pantau", "password": "!env PANTAU_TEST_KEY"}
        lines = said(await look("http", f"http://{HOME}:{port}/beranda", login=login))
    assert application.sent[0]["password"] == ["rahasia"]
    assert any(line.startswith("> POST /masuk?a=*** HTTP/1.1") for line in lines)
    assert not [line for line in lines if "rahasia" in line or "a%26b" in line or "session=" in line]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://a:b@x.test/kabar/2026", "https://***@x.test/kabar/2026"),
        ("//u@x.test/", "//***@x.test/"),
        ("https://api.telegram.org/bot123456:ABC-DEF_ghi/getMe", "https://api.telegram.org/***/getMe"),
        ("/push/0123456789abcdef?status=up&x", "/push/***?status=***&***"),
        ("/masuk;jsessionid=1#t=2", "/masuk;***#***"),
        ("/a/abcdefghijklmnopqrstuvwxyz", "/a/***"),
        ("/0123456789abcdef/http://x.test/0123456789abcdef", "/***/http://x.test/***"),
        ("/a?dG9rZW4xMjM0NTY3OA==&k=", "/a?***&k=***"),
        ("http://[", "http://["),
        ("*", "*"),
    ],
)
def test_an_address_is_told_without_who_asks_values_and_tokens(given: str, shown: str) -> None:
    assert address(given) == shown


def test_a_head_that_is_cut_off_is_told_up_to_its_last_whole_line() -> None:
    assert head(b"HTTP/1.1 200 OK\r\nServer: x\r\nDate: hal") == "HTTP/1.1 200 OK | Server: x | the head goes on"
    assert head(b"HTTP/1.1 20") == "the head goes on"
    assert head(b"HTTP/1.1 200 OK\nServer: x\n\nrahasia") == "HTTP/1.1 200 OK | Server: x | and 7 bytes of the body, which are not told"
    assert head(b"HTTP/1.1 200 OK\r\n rahasia\r\n\r\n") == "HTTP/1.1 200 OK | ***"
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert head(interim * 2 + b"HTTP/1.1 204 No\r\n\r\n") == "HTTP/1.1 100 Continue | HTTP/1.1 100 Continue | HTTP/1.1 204 No"
    assert head(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 rahasia") == "HTTP/1.1 200 OK | and 16 bytes of the body, which are not told"
    assert head(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 40 + b"\r\n").endswith("A: *** | 8 more")


def test_what_is_told_is_bounded_and_pieces_of_a_body_are_one_line() -> None:
    tape = Tape()
    for _ in range(MOST):
        tape.keep("<", "http/body", (HOME, 80), b"HTTP/1.1 rahasia\r\n\r\n")
    assert [(line.size, line.what) for line in told(tape)] == [(20 * MOST, "of the body, which is not told")]
    tape.keep("<", "http", (HOME, 80), b"HTTP/1.1 302 To\r\nLoca")
    tape.keep("<", "http", (HOME, 80), b"tion: /a\r\n\r\n")
    assert [(line.size, line.what) for line in told(tape)][1:] == [(33, "HTTP/1.1 302 To | Location: /a")]
    for _ in range(MOST + 9):
        tape.keep("<", "http", (HOME, 80), b"HTTP/1.1 200 " + b"x" * 1000 + b"\r\n\r\n" + b"x" * 1_000_000)
    lines = list(told(tape))
    assert len(lines) == MOST + 1
    assert lines[-1].what == "11 more exchanges are left out"
    assert max(len(line.what) for line in lines) <= WIDEST


@pytest.mark.parametrize("protocol", ["dns", "dns/tcp", "ntp", "snmp", "http"])
def test_nothing_that_a_peer_says_breaks_the_telling(protocol: str) -> None:
    chance, tape = random.Random(protocol), Tape()
    right = question("2c", "public", "bulk", [(1, 3, 6, 1)], 10, 77) + bytes(40)
    for turn in range(MOST):
        data = bytearray(right if turn % 2 else chance.randbytes(chance.randrange(200)))
        for _ in range(turn % 5 if data else 0):
            data[chance.randrange(len(data))] = chance.randrange(256)
        tape.keep("<", protocol, (HOME, 1), bytes(data))
    lines = list(told(tape))
    assert lines
    assert protocol in ("http", "ntp") or any(UNREADABLE in line.what for line in lines)


async def test_who_does_not_ask_has_no_tape() -> None:
    async with listening(saying(b"HTTP/1.1 200 OK\r\n\r\nhi")) as port:
        await probe_once("http", f"http://{HOME}:{port}/", {})
    assert TAPE.get() is None
    below = object()
    assert wiretap.tapped(below) is below  # type: ignore[arg-type]


def test_the_command_tells_before_the_verdict_and_as_a_list_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["probe", "--explain", "tcp", HOME, "port=9"]) == 2
    connect, refused, verdict, *_ = capsys.readouterr().out.splitlines()
    assert connect.endswith(f" ms > {HOME}:9: TCP: connect")
    assert refused.endswith(f" ms · {HOME}:9: TCP: connection refused")
    assert verdict.startswith("FAIL (refused)")
    assert cli.run(["probe", "--explain", "tcp", HOME, "port=9", "--format", "json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert [(each["way"], each["peer"], each["bytes"]) for each in found["exchanges"]] == [
        ("sent", f"{HOME}:9", 0),
        ("noted", f"{HOME}:9", 0),
    ]
    assert found["verdict"] == "FAIL"
    assert cli.run(["probe", "--explain", "push", "titik", "token=0123456789abcdef"]) == 3
    assert capsys.readouterr().out.startswith("nothing was sent, and nothing came\nUNSURE (listening)")
    assert cli.run(["probe", "--explain", "--batch", "-"]) == 3
