"""A login in two steps, as a person does it: the form, what it hides, the cookie, the page behind it."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, read_options, secret_keys
from monitor.probes.http_login import find_form
from tests.webs import listening, look_in_time, saying

FORM = """<form action="/cari"><input name="q"></form>
<FORM method=post action='{action}'><input type="hidden" name="_token" value="a&amp;b">
<input name=username><INPUT NAME="password" TYPE=password></FORM><input type="hidden" name="stray" value="x">"""
LOGIN = {"user": "pantau", "password": "!env PANTAU_TEST_KEY"}


class Application:
    """An application with a login: who sends the right form gets a cookie, who has it sees the page."""

    def __init__(self, action: str = "masuk?a=1", broken: str = "") -> None:
        self.action, self.broken = action, broken
        self.sent: list[dict[str, list[str]]] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if head.startswith("POST"):
            size = int(head.partition("Content-Length: ")[2].partition("\r\n")[0])
            self.sent.append(parse_qs((await reader.readexactly(size)).decode(), keep_blank_values=True))
        await saying(self.answer(head).encode())(reader, writer)

    def answer(self, head: str) -> str:
        word = head.split(" ")[1]
        form = "HTTP/1.1 200 OK\r\nSet-Cookie: session=new\r\n\r\n" + FORM.format(action=self.action)
        if word == "/login":
            return form if self.broken != "login" else "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        if word == "/masuk?a=1":
            right = self.sent[-1] == {"_token": ["a&b"], "username": ["pantau"], "password": ["rahasia"]} and "session=new" in head
            let_in = "HTTP/1.1 302 To\r\nSet-Cookie: session=in\r\nLocation: /beranda\r\nContent-Length: 0\r\n\r\n"
            return let_in if right and self.broken != "judge" else form
        inside = "session=in" in head
        return "HTTP/1.1 200 OK\r\n\r\n" + ("Selamat datang" if inside else FORM)


@pytest.fixture(name="vantage")
async def vantage_fixture(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Vantage]:
    monkeypatch.setenv("PANTAU_TEST_KEY", "rahasia")
    async with Vantage.of() as made:
        yield made


async def fetch(vantage: Vantage, application: Application, **login: object) -> Outcome:
    async with listening(application.talk, read=False) as port:
        options: dict[str, object] = {"login": {**LOGIN, **login}, "expect_text": "Selamat datang"}
        return await look_in_time("http", f"http://127.0.0.1:{port}/beranda", options, 5.0, vantage)


async def test_the_page_behind_a_login_is_seen(vantage: Vantage) -> None:
    application = Application()
    outcome = await fetch(vantage, application)
    assert (outcome.verdict, outcome.values["status"], len(application.sent)) == (Verdict.OK, 200, 1), outcome


@pytest.mark.parametrize(
    ("application", "login", "reason"),
    [
        (Application(broken="judge"), {}, Reason.LOGIN_REFUSED),
        (Application(), {"password": "salah"}, Reason.LOGIN_REFUSED),
        (Application(broken="login"), {}, Reason.HTTP_STATUS),
        (Application(), {"page": "/tanpa-formulir", "password_field": "sandi"}, Reason.LOGIN_REFUSED),
    ],
)
async def test_who_is_not_let_in_is_told_so(vantage: Vantage, application: Application, login: dict[str, object], reason: Reason) -> None:
    outcome = await fetch(vantage, application, **login)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, reason), outcome
    assert "rahasia" not in repr(outcome)


@pytest.mark.parametrize("action", ["http://judi.pantau.test/", "//judi.pantau.test/", "http://127.0.0.1:1/", "javascript:x", "http://["])
async def test_a_form_that_leads_elsewhere_gets_no_password(vantage: Vantage, action: str) -> None:
    application = Application(action)
    outcome = await fetch(vantage, application)
    assert (outcome.reason, application.sent) == (Reason.LOGIN_REFUSED, [])


def test_the_form_that_holds_the_field_is_taken_with_what_it_hides_and_no_more() -> None:
    form = find_form(FORM.format(action="/a&amp;b"), "password")
    assert form is not None
    assert (form.action, form.hidden, form.names) == ("/a&b", {"_token": "a&b"}, {"_token", "username", "password"})
    assert find_form("<input name=password>", "password") is None
    assert find_form("<form" * 100_000 + "<input " * 100_000, "password") is None


@pytest.mark.parametrize(
    "inside",
    ["a" * 3980, "a" + " " * 3980, 'a="' + "b" * 3970, 'a="' * 1300, "a='\"" * 900, "a=" * 1990, "a=b " * 990],
    ids=["name", "spaces", "open", "quotes", "both quotes", "signs", "many"],
)
def test_no_page_keeps_us_reading_whatever_its_tags_hold(inside: str) -> None:
    """A name is read once, and not again from each of its signs, which took 27 s."""
    spent = time.process_time()
    form = find_form(f"<form action=/x><input name=password>{f'<input {inside}>' * 250}", "password")
    assert form is not None
    assert time.process_time() - spent < 1


@pytest.mark.parametrize("login", [{"user": "a"}, {**LOGIN, "page": "https://judi.test/"}, {**LOGIN, "page": "//judi.test/"}])
def test_wrong_keys_are_refused(login: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read_options("http", {"login": login})


def test_the_password_must_be_a_reference() -> None:
    assert "login.password" in secret_keys("http")
