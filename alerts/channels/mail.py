"""A page by mail (RFC 5321, RFC 5322), plain text, one thread an incident. Try it: `pantau notify test RECEIVER`."""

import asyncio
import os
import re
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, formataddr
from typing import Annotated, Literal, Self

import aiosmtplib
from pydantic import Field, model_validator

from alerts.channels.channel import Channel, ChannelError, Options, Receipt, Trouble, shown
from alerts.channels.context import Context
from alerts.message import Message
from alerts.story import TEST
from alerts.words import local
from monitor.core.events import Page, Step
from monitor.secret import reveal

FAREWELL = 2.0
Address = Annotated[str, Field(pattern=r"^[^\s@<>,;\"]+@[^\s@<>,;\"]+$", max_length=254)]


class MailOptions(Options):
    """`host`:`port` takes the mail from `sender` for `to`; `tls` is none, starttls or tls; `user` and `password` sign in."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$", max_length=253)]
    to: Annotated[tuple[Address, ...], Field(min_length=1, max_length=50)]
    sender: Address
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    tls: Literal["none", "starttls", "tls"] = "none"
    user: Annotated[str, Field(max_length=254)] = ""
    password: Annotated[str, Field(max_length=4096)] = ""

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Self:
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password belong together")
        if self.password and self.tls == "none":
            raise ValueError("a password needs tls: starttls or tls")
        return self


async def send(message: Message, page: Page, options: MailOptions, context: Context) -> Receipt:
    """Hand the mail over; a 4xx may pass, a 5xx must be mended (RFC 5321, 4.2.1)."""
    password = reveal(options.password)
    client: aiosmtplib.SMTP | None = None
    try:
        async with asyncio.timeout(context.timeout):
            client = await _client(options, password, context)
            await client.connect()
            refused, said = await client.send_message(letter(message, page, options))
        # The mail is taken: whatever happens to the farewell, it must not be sent again.
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=FAREWELL)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _refusal(error, context.timeout, (password,)) from None
    finally:
        if client is not None:
            client.close()
    return Receipt(f"{shown(said)}; refused: {', '.join(refused)}" if refused else shown(said))


async def _client(options: MailOptions, password: str, context: Context) -> aiosmtplib.SMTP:
    tls_context = None if options.tls == "none" else context.tls()
    return aiosmtplib.SMTP(
        hostname=options.host,
        port=None,
        sock=await context.connect(options.host, options.port),
        # Given, because the library would else ask DNS for our own name in a thread.
        local_hostname=options.sender.rpartition("@")[2],
        use_tls=options.tls == "tls",
        start_tls=options.tls == "starttls",
        tls_context=tls_context,
        username=options.user or None,
        password=password or None,
        timeout=context.timeout,
    )


def letter(message: Message, page: Page, options: MailOptions) -> EmailMessage:
    """Return the mail; the opening starts a thread, update and end reply to it; the same page has the same Message-ID."""
    mail = EmailMessage(policy=WIRE)
    mail["From"] = formataddr(("Pantau", options.sender))
    mail["To"] = ", ".join(options.to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(local(page.at, 0))
    opening = _message_id(f"{page.incident}.{page.opened:.0f}.{page.receiver}", options.sender)
    if page.step is Step.OPEN and page.incident != TEST:
        mail["Message-ID"] = opening
    else:
        mail["Message-ID"] = _message_id(f"{page.key}.{page.opened:.0f}", options.sender)
    if page.step is not Step.OPEN:
        mail["In-Reply-To"] = opening
        mail["References"] = opening
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Pantau-Incident"] = page.incident
    mail["X-Pantau-Step"] = "test" if page.incident == TEST else page.step.value
    mail["X-Pantau-Cause"] = page.cause
    mail["X-Pantau-Key"] = page.key
    mail.set_content(message.text, cte="quoted-printable")
    return mail


def _message_id(local_part: str, sender: str) -> str:
    return f"<pantau.{re.sub(r'[^A-Za-z0-9._-]', '.', local_part)}@{sender.rpartition('@')[2]}>"


def _refusal(error: Exception, timeout: float, secrets: tuple[str, ...]) -> ChannelError:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        said = "; ".join(shown(f"{one.code} {one.message}", secrets) for one in error.recipients[:3])
        return ChannelError(said, Trouble.REFUSED if all(500 <= one.code < 600 for one in error.recipients) else Trouble.PASSING)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return ChannelError(shown(f"{error.code} {error.message}", secrets), _trouble(error.code))
    if isinstance(error, TimeoutError):
        return ChannelError(f"no answer within {timeout:g} s")
    if isinstance(error, OSError) and error.errno:
        return ChannelError(os.strerror(error.errno))
    return ChannelError(f"the connection failed ({type(error).__name__})")


def _trouble(code: int) -> Trouble:
    """552 and 554 are about the message (RFC 5321, 4.2.2), any other 5xx about who sends it and to whom."""
    if code in {552, 554}:
        return Trouble.UNFIT
    return Trouble.REFUSED if 500 <= code < 600 else Trouble.PASSING


CHANNEL = Channel(
    options=MailOptions,
    send=send,
    server=lambda options: options.host,
    group=lambda options: f"mail {options.host}:{options.port}",
    per_minute=60,
    secrets=frozenset({"password"}),
    summary="Surel lewat SMTP · mail by SMTP",
)
