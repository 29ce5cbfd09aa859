"""Channels speak to real peers: what arrives, what counts as taken, what may be tried again, and what never leaks."""

import asyncio
import logging
import traceback
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from pydantic import ValidationError

from alerts import message
from alerts.channels import CHANNELS, Context, Trouble, read_options, secret_keys
from alerts.message import compose
from monitor.core.city import Receiver
from monitor.core.errors import PantauError
from monitor.core.events import Severity
from tests.pages import BEHIND, city, page
from tests.peers import phone, tcp
from tests.sending import TOKEN, Loopback, certificate, failure, send, server_side

CITY = city()


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_TEST_TOKEN", TOKEN)


# -- webhook


async def test_a_webhook_gets_the_page_as_json_with_its_key_against_doubles() -> None:
    told = page(behind=BEHIND[:1], opds=("opd-dinkes",), urusan=("kesehatan",))
    async with phone((204, b"", {})) as peer:
        receipt = await send("webhook", {"url": peer.url + "/pantau", "bearer": "!env PANTAU_TEST_TOKEN"}, told)
    assert receipt.detail == "HTTP 204"
    assert peer.paths == ["/pantau"]
    assert peer.headers[0]["Idempotency-Key"] == "g17/1/piket"
    assert peer.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    body = peer.bodies[0]
    assert body["cause"] == {"id": "kec-gadingrejo", "name": "Kecamatan Gadingrejo"}
    assert body["behind"] == [{"id": "kel-karangketug", "name": "Kelurahan Karangketug"}]
    assert body["urusan"] == [{"id": "kesehatan", "name": "Kesehatan"}]
    assert body["told"] == [{"id": "piket", "name": "Petugas piket"}, {"id": "dinkes", "name": "Dinas Kesehatan"}]
    assert (body["incident"], body["step"], body["severity"], body["receiver"]) == ("g17", "open", "critical", "piket")
    assert body["since"] == list(told.since)
    assert body["text"] == compose(told, CITY).text


async def test_a_test_message_says_so_in_its_step() -> None:
    receiver = Receiver("piket", "webhook", "Petugas piket")
    async with phone() as peer:
        await send("webhook", {"url": peer.url}, message.test_page(receiver, 1.0))
    assert peer.bodies[0]["step"] == "test"


@pytest.mark.parametrize(
    ("answer", "trouble", "line"),
    [
        ((200, {"status": False, "reason": "invalid token"}, {}), Trouble.PASSING, "answered 200, but status is false: invalid token"),
        ((200, {"success": "false"}, {}), Trouble.PASSING, "answered 200, but success is false: "),
        ((401, b"", {}), Trouble.REFUSED, "answered 401"),
        ((404, b"", {}), Trouble.REFUSED, "answered 404"),
        ((422, b"", {}), Trouble.UNFIT, "answered 422"),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), Trouble.REFUSED, "answered 302"),
        ((408, b"", {}), Trouble.PASSING, "answered 408"),
        ((503, {"error": "full"}, {"Retry-After": "7"}), Trouble.PASSING, "answered 503 full"),
        ((500, b"[" * 60_000, {}), Trouble.PASSING, "answered 500"),
    ],
)
async def test_what_a_webhook_answers_decides_whether_it_is_tried_again(
    answer: tuple[int, object, dict[str, str]], trouble: Trouble, line: str
) -> None:
    async with phone(answer) as peer:
        error = await failure("webhook", {"url": peer.url})
    assert (error.trouble, str(error)) == (trouble, line)
    assert error.retry_after == (7.0 if "Retry-After" in answer[2] else None)


async def test_a_pause_that_a_peer_asks_for_is_bounded() -> None:
    async with phone((429, b"", {"Retry-After": "99999999"})) as peer:
        assert (await failure("webhook", {"url": peer.url})).retry_after == 3600


async def test_a_peer_that_never_answers_ends_at_the_deadline() -> None:
    async with phone(mute=True) as peer:
        error = await failure("webhook", {"url": peer.url}, Context(timeout=0.05))
    assert (str(error), error.trouble) == ("no answer within 0.05 s", Trouble.PASSING)


async def test_an_endless_answer_is_read_up_to_its_bound_and_no_further() -> None:
    async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with tcp(endless) as port:
        assert (await send("webhook", {"url": f"http://127.0.0.1:{port}"})).detail == "HTTP 200"


@pytest.mark.parametrize("said", [b"", b"NONSENSE\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000])
async def test_a_peer_that_hangs_up_or_talks_nonsense_is_tried_again(said: bytes) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    async with tcp(answer) as port:
        error = await failure("webhook", {"url": f"http://127.0.0.1:{port}"})
    assert error.trouble is Trouble.PASSING


# -- telegram


def telegram(url: str) -> dict[str, object]:
    return {"token": "!env PANTAU_TEST_TOKEN", "chat": -1001, "api": url}


async def test_telegram_gets_html_and_the_receipt_is_its_message_id() -> None:
    told = page(behind=("pkm_gadingrejo",))
    async with phone((200, {"ok": True, "result": {"message_id": 42}}, {})) as peer:
        receipt = await send("telegram", telegram(peer.url), told)
    assert receipt.detail == "message 42"
    assert peer.paths == [f"/bot{TOKEN}/sendMessage"]
    assert peer.bodies[0] == {
        "chat_id": "-1001",
        "text": compose(told, CITY).html,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": False,
    }


async def test_lost_redundancy_comes_without_a_sound() -> None:
    async with phone() as peer:
        await send("telegram", telegram(peer.url), page(cause="link-opd-rsud-b", severity=Severity.MINOR))
    assert peer.bodies[0]["disable_notification"] is True


async def test_telegrams_retry_after_is_obeyed() -> None:
    busy = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 5", "parameters": {"retry_after": 5}}
    async with phone((429, busy, {})) as peer:
        error = await failure("telegram", telegram(peer.url))
    assert (error.trouble, error.retry_after, str(error)) == (Trouble.PASSING, 5.0, "answered 429 Too Many Requests: retry after 5")


async def test_a_group_that_moved_is_followed_and_the_receipt_says_what_to_change() -> None:
    moved = {"ok": False, "description": "group chat was upgraded", "parameters": {"migrate_to_chat_id": -100777}}
    async with phone((400, moved, {}), (200, {"ok": True, "result": {"message_id": 9}}, {})) as peer:
        receipt = await send("telegram", telegram(peer.url))
    assert [body["chat_id"] for body in peer.bodies] == ["-1001", "-100777"]
    assert receipt.detail == "message 9; the group has moved: set chat to -100777"


@pytest.mark.parametrize(
    ("status", "said", "trouble"),
    [
        (400, "Bad Request: can't parse entities", Trouble.UNFIT),
        (400, "Bad Request: chat not found", Trouble.REFUSED),
        (401, "Unauthorized", Trouble.REFUSED),
        (403, "Forbidden: bot was kicked from the group chat", Trouble.REFUSED),
        (500, "no", Trouble.PASSING),
        (200, "no", Trouble.PASSING),
    ],
)
async def test_telegrams_no_is_about_the_message_about_us_or_about_the_moment(status: int, said: str, trouble: Trouble) -> None:
    async with phone((status, {"ok": False, "description": said}, {})) as peer:
        assert (await failure("telegram", telegram(peer.url))).trouble is trouble


async def test_the_token_is_in_no_error_and_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with phone((404, {"ok": False, "description": f"no bot {TOKEN}"}, {})) as peer:
        answered = await failure("telegram", telegram(peer.url))
    refused = await failure("telegram", telegram("http://127.0.0.1:1"))
    strange = await failure("telegram", telegram("http://127.0.0.1:99999"))
    async with phone(mute=True) as peer:
        late = await failure("telegram", telegram(peer.url), Context(timeout=0.05))
    assert (str(answered), str(refused)) == ("answered 404 no bot ***", "Connection refused")
    for error in (answered, refused, strange, late):
        assert TOKEN not in "".join(traceback.format_exception(error)) + repr(error)
    assert TOKEN not in caplog.text


async def test_a_secret_that_cannot_be_read_is_a_line_that_names_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PANTAU_TEST_TOKEN")
    with pytest.raises(PantauError, match="secret !env PANTAU_TEST_TOKEN"):
        await send("telegram", telegram("http://127.0.0.1:1"))


# -- trust and names


async def test_the_citys_own_names_and_authority_are_used_over_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = certificate(tmp_path)
    monkeypatch.setenv("PANTAU_CITY_CA", str(both))

    async def take(_request: web.Request) -> web.Response:
        return web.Response(status=200)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_side(both))
    await site.start()
    options: dict[str, object] = {"url": f"https://layar.pantau.test:{runner.addresses[0][1]}/"}
    trusting = Context(Loopback(), timeout=5)
    trusting.trust("!env PANTAU_CITY_CA")
    taken = await send("webhook", options, context=trusting)
    distrust = await failure("webhook", options, Context(Loopback(), timeout=5))
    unknown = await failure("webhook", {"url": "http://lain.pantau.test"}, Context(Loopback(), timeout=5))
    await runner.cleanup()
    assert taken.detail == "HTTP 200"
    assert (str(distrust), str(unknown)) == ("its certificate is not trusted", "its name is not found in DNS")


async def test_an_authority_that_is_no_certificate_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    context = Context()
    context.trust(str(tmp_path / "ca.pem"))
    with pytest.raises(PantauError, match=r"ca .*ca\.pem: cannot be read as certificates \(SSLError\); name a PEM file"):
        context.tls()
    await context.close()


# -- options


@pytest.mark.parametrize(
    ("channel", "raw", "key"),
    [
        ("webhook", {}, "url"),
        ("webhook", {"url": "ftp://x"}, "url"),
        ("webhook", {"url": "http://x", "berarer": "!env X"}, "berarer"),
        ("telegram", {"chat": 1}, "token"),
        ("telegram", {"token": "!env X", "chat": "grup piket"}, "chat"),
        ("mail", {"host": "x", "to": [], "sender": "a@b"}, "to"),
        ("mail", {"host": "x", "to": ["a@b\r\nBcc: c@d"], "sender": "a@b"}, "to"),
        ("mail", {"host": "x", "to": ["a@b"], "sender": "a@b", "port": 0}, "port"),
    ],
)
def test_a_wrong_key_of_a_receiver_is_named(channel: str, raw: dict[str, object], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read_options(channel, raw)
    assert {error["loc"][0] for error in caught.value.errors()} == {key}


@pytest.mark.parametrize("more", [{"user": "a"}, {"user": "a", "password": "!env X"}, {"password": "!env X", "tls": "tls"}])
def test_a_mail_password_needs_a_user_and_encryption(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"belong together|needs tls"):
        read_options("mail", {"host": "x", "to": ["a@b"], "sender": "a@b"} | more)


def test_every_channel_names_its_secret_keys_and_they_are_keys_of_it() -> None:
    assert {name: secret_keys(name) for name in CHANNELS} == {"webhook": {"bearer"}, "telegram": {"token"}, "mail": {"password"}}
    assert all(secret_keys(name) <= set(CHANNELS[name].options.model_fields) for name in CHANNELS)


def test_a_channel_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(PantauError, match="channel pager: there is no such channel; there are webhook, telegram, mail"):
        read_options("pager", {})


def test_every_channel_and_key_stands_in_the_docs() -> None:
    docs = (Path(__file__).parent.parent / "docs" / "channels.md").read_text(encoding="utf-8")
    for name, channel in CHANNELS.items():
        section = docs.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]
        assert all(f"`{key}`" in section for key in channel.options.model_fields), name


async def test_a_session_is_one_for_all_sendings_and_ends_with_its_context() -> None:
    async with Context() as context:
        session = context.session()
        assert isinstance(session, ClientSession)
        assert context.session() is session
    assert session.closed
