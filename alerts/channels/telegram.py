"""A page to a Telegram chat or group (core.telegram.org/bots/api#sendmessage). Try it: `pantau notify test RECEIVER`."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from alerts.channels.channel import Channel, ChannelError, Options, Receipt, Trouble
from alerts.channels.context import Context
from alerts.channels.post import Answer, RefusedError, post
from alerts.message import Message
from monitor.core.events import Page, Severity
from monitor.secret import reveal


class TelegramOptions(Options):
    """`token` of the bot, `chat` it writes to (a number, or `@name` of a channel), `api` where the Bot API answers."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    chat: int | Annotated[str, Field(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,64}|!(env|file|credential) .+)$")]
    api: Annotated[str, Field(pattern=r"^https?://[^\s/]+", max_length=300)] = "https://api.telegram.org"


async def send(message: Message, page: Page, options: TelegramOptions, context: Context) -> Receipt:
    """Send in HTML; obeys `retry_after`; follows a group that became a supergroup and says so in the receipt."""
    chat = reveal(str(options.chat))
    try:
        return await _send(message, page, options, context, chat)
    except RefusedError as refusal:
        moved = _parameters(refusal.answer).get("migrate_to_chat_id")
        if not isinstance(moved, int):
            raise _with_pause(refusal) from None
    receipt = await _send(message, page, options, context, str(moved))
    return Receipt(f"{receipt.detail}; the group has moved: set chat to {moved}")


async def _send(message: Message, page: Page, options: TelegramOptions, context: Context, chat: str) -> Receipt:
    token = reveal(options.token)
    body = {
        "chat_id": chat,
        "text": message.html,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        # Lost redundancy need not wake anybody.
        "disable_notification": page.severity is Severity.MINOR,
    }
    answer = await post(context, f"{options.api.rstrip('/')}/bot{token}/sendMessage", body, {}, (token,))
    if answer.fields.get("ok") is not True:
        raise ChannelError(f"answered {answer.status} without ok: {answer.explanation((token,))}")
    result = answer.fields.get("result")
    return Receipt(f"message {result['message_id']}" if isinstance(result, dict) and isinstance(result.get("message_id"), int) else "ok")


def _parameters(answer: Answer) -> dict[str, object]:
    """Bot API, ResponseParameters: `retry_after` in seconds, `migrate_to_chat_id`."""
    parameters = answer.fields.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def _with_pause(refusal: RefusedError) -> ChannelError:
    pause = _parameters(refusal.answer).get("retry_after")
    wanted = float(pause) if isinstance(pause, int) and 0 <= pause < 10**6 else refusal.retry_after
    # Telegram says 400 to a wrong text, and to a chat that the bot is not in.
    trouble = Trouble.REFUSED if "chat not found" in str(refusal) else refusal.trouble
    return ChannelError(str(refusal), trouble, retry_after=wanted)


CHANNEL = Channel(
    options=TelegramOptions,
    send=send,
    server=lambda options: urlsplit(options.api).hostname or "",
    group=lambda options: f"telegram {options.chat}",
    per_minute=20,
    secrets=frozenset({"token"}),
    summary="Obrolan atau grup Telegram · a Telegram chat or group",
)
