"""A page as JSON to any HTTP address: a wall screen, a gateway, another system. Try it: `pantau notify test RECEIVER`."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from alerts.channels.channel import Channel, ChannelError, Options, Receipt
from alerts.channels.context import Context
from alerts.channels.post import post
from alerts.message import Message
from alerts.story import TEST
from monitor.core.events import Page
from monitor.secret import reveal

NO = ("false", "error", "failed")


class WebhookOptions(Options):
    """`url` takes the POST (it may be a reference to a secret); `bearer` is sent as its authorization."""

    url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+|!(env|file|credential) )", max_length=2000)]
    bearer: Annotated[str, Field(max_length=4096)] = ""


async def send(message: Message, page: Page, options: WebhookOptions, context: Context) -> Receipt:
    """POST the page; a 2xx whose JSON says `status`, `ok` or `success` is false was not taken (WhatsApp gateways do so)."""
    bearer, headers = reveal(options.bearer), {"Idempotency-Key": page.key}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    answer = await post(context, reveal(options.url), payload(message, page), headers, (bearer,))
    for key in ("status", "ok", "success"):
        said = answer.fields.get(key)
        if said is False or (isinstance(said, str) and said.lower() in NO):
            raise ChannelError(f"answered {answer.status}, but {key} is {str(said).lower()}: {answer.explanation((bearer,))}")
    return Receipt(f"HTTP {answer.status}")


def payload(message: Message, page: Page) -> dict[str, object]:
    """Return the JSON of a page; everything named is `{"id", "name"}`, times are epoch seconds."""

    def named(ids: tuple[str, ...]) -> list[dict[str, str]]:
        return [{"id": key, "name": message.names.get(key, key)} for key in ids]

    return {
        "key": page.key,
        "incident": page.incident,
        "step": "test" if page.incident == TEST else page.step.value,
        "severity": page.severity.value,
        "receiver": page.receiver,
        "at": page.at,
        "opened": page.opened,
        "since": list(page.since),
        "cause": named((page.cause,))[0],
        "previous_cause": named((page.previous_cause,))[0] if page.previous_cause else None,
        "why": page.why.value,
        "reason": page.reason.value if page.reason else None,
        "detail": page.detail,
        "alike": named(page.alike),
        "behind": named(page.behind),
        "opds": named(page.opds),
        "urusan": named(page.urusan),
        "told": named(page.told),
        "subject": message.subject,
        "link": message.link,
        "text": message.text,
    }


CHANNEL = Channel(
    options=WebhookOptions,
    send=send,
    server=lambda options: urlsplit(reveal(options.url)).hostname or "",
    group=lambda options: f"webhook {options.url}",
    per_minute=120,
    secrets=frozenset({"bearer"}),
    summary="JSON ke alamat HTTP mana pun · JSON to any HTTP address",
)
