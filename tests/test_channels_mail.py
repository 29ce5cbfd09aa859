"""Mail speaks to a real SMTP server: what arrives, what may be tried again, how it signs in."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from alerts.channels import Context, Trouble
from alerts.message import compose
from monitor.core.events import Step
from tests.pages import BEHIND, city, page
from tests.peers import Mailbox, mailbox, tcp
from tests.sending import TOKEN, Loopback, certificate, failure, send, server_side

CITY = city()


def mail(box: Mailbox, **more: object) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": box.port, "to": ["piket@pantau.test"], "sender": "pantau@pantau.test"} | more


def received(box: Mailbox) -> EmailMessage:
    content = box.envelopes[-1].content
    assert isinstance(content, bytes)
    parsed = message_from_bytes(content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


async def test_a_mail_is_plain_text_and_says_what_sent_it() -> None:
    told = page(behind=BEHIND)
    async with mailbox() as box:
        receipt = await send("mail", mail(box), told)
    letter = received(box)
    assert receipt.detail == "2.0.0 taken"
    assert letter["Subject"] == "🔴 GANGGUAN g17 · Kecamatan Gadingrejo [kec-gadingrejo]"
    assert letter.get_content().replace("\r\n", "\n") == compose(told, CITY).text + "\n"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert (letter["X-Pantau-Incident"], letter["X-Pantau-Step"], letter["X-Pantau-Cause"]) == ("g17", "open", "kec-gadingrejo")
    assert letter["Date"] == "Wed, 17 Jun 2026 19:15:00 +0000"
    assert box.envelopes[0].rcpt_tos == ["piket@pantau.test"]


async def test_all_mails_of_an_incident_are_one_thread() -> None:
    async with mailbox() as box:
        await send("mail", mail(box), page())
        opening = received(box)
        await send("mail", mail(box), page(Step.END))
        end = received(box)
    assert end["In-Reply-To"] == end["References"] == opening["Message-ID"]
    assert end["Message-ID"] != opening["Message-ID"]
    assert "In-Reply-To" not in opening


@pytest.mark.parametrize(
    ("answer", "at_recipient", "at_data"),
    [
        ("451 later", Trouble.PASSING, Trouble.PASSING),
        ("550 no such user", Trouble.REFUSED, Trouble.REFUSED),
        ("554 no", Trouble.REFUSED, Trouble.UNFIT),
    ],
)
async def test_a_4xx_may_pass_and_a_5xx_is_about_us_or_about_the_message(answer: str, at_recipient: Trouble, at_data: Trouble) -> None:
    async with mailbox(Mailbox(rcpt={"piket@pantau.test": answer})) as box:
        early = await failure("mail", mail(box))
    async with mailbox(Mailbox(data=answer)) as box:
        late = await failure("mail", mail(box))
    assert (str(early), early.trouble) == (answer, at_recipient)
    assert (str(late), late.trouble) == (answer, at_data)


async def test_one_refused_recipient_among_two_is_in_the_receipt_and_does_not_send_twice() -> None:
    async with mailbox(Mailbox(rcpt={"b@pantau.test": "550 no"})) as box:
        receipt = await send("mail", mail(box, to=["a@pantau.test", "b@pantau.test"]))
    assert receipt.detail == "2.0.0 taken; refused: b@pantau.test"
    assert len(box.envelopes) == 1


async def test_a_mute_a_lying_and_an_absent_mail_server_are_tried_again() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def lying(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"999 " + b"x" * 70_000 + b"\r\n")
        writer.close()

    async with tcp(mute) as port:
        late = await failure("mail", mail(Mailbox(port=port)), Context(timeout=0.05))
    async with tcp(lying) as port:
        strange = await failure("mail", mail(Mailbox(port=port)))
    absent = await failure("mail", mail(Mailbox(port=1)))
    assert {error.trouble for error in (late, strange, absent)} == {Trouble.PASSING}
    assert (str(late), str(absent)) == ("no answer within 0.05 s", "Connection refused")


async def test_mail_signs_in_over_starttls_and_the_password_stays_out_of_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_TEST_TOKEN", TOKEN)
    both = certificate(tmp_path)
    signed: list[LoginPassword] = []

    def authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, given: LoginPassword) -> AuthResult:
        signed.append(given)
        return AuthResult(success=len(signed) == 1, handled=False, message=None if len(signed) == 1 else f"535 not {TOKEN}")

    options: dict[str, object] = {"tls": "starttls", "user": "pantau", "password": "!env PANTAU_TEST_TOKEN", "host": "layar.pantau.test"}
    async with mailbox(tls_context=server_side(both), authenticator=authenticate, auth_required=True) as box:
        contexts = [Context(Loopback(), timeout=5) for _ in range(2)]
        for context in contexts:
            context.trust(str(both))
        receipt = await send("mail", mail(box) | options, context=contexts[0])
        error = await failure("mail", mail(box) | options, contexts[1])
    assert receipt.detail == "2.0.0 taken"
    assert signed[0].password == TOKEN.encode()
    assert (error.trouble, TOKEN in str(error)) == (Trouble.REFUSED, False)
