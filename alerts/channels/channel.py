"""What all channels share: what they are given, what they answer, how they fail."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from alerts.channels.context import Context
from alerts.message import Message
from monitor.core.events import Page

SHOWN = 200
LONGEST_PAUSE = 3600.0


class Options(BaseModel):
    """The keys of a receiver's channel; unknown keys are refused, values are frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The peer took the page; `detail` is its word for that (a message id, a status)."""

    detail: str


class Trouble(StrEnum):
    """Why a page was not taken, by what may help: how long it is tried again stands in `alerts.delivery.PATIENCE`."""

    PASSING = "passing"  # nobody there, or too busy: a moment may help
    REFUSED = "refused"  # token, address or right is wrong: somebody must mend it, and may do so in the morning
    UNFIT = "unfit"  # this very message is not wanted; the next one may be
    GONE = "gone"  # there is nobody left to send it to


class ChannelError(Exception):
    """The page was not taken; the text is one line free of secrets; `retry_after` is the pause in seconds that the peer asked for."""

    def __init__(self, line: str, trouble: Trouble = Trouble.PASSING, *, retry_after: float | None = None) -> None:
        super().__init__(line)
        self.trouble = trouble
        self.retry_after = None if retry_after is None else min(max(0.0, retry_after), LONGEST_PAUSE)


Send = Callable[[Message, Page, Any, Context], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its keys, how it sends, at which `server` (a name or an address), and how many messages a minute one `group` bears.

    `secrets` are the keys that must be `!env`, `!file` or `!credential`; `summary` is one line, Indonesian and English.
    """

    options: type[Options]
    send: Send
    server: Callable[[Any], str]
    group: Callable[[Any], str]
    per_minute: int
    secrets: frozenset[str]
    summary: str


def shown(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return a peer's words fit for a log: one bounded line in which every secret is struck out."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:SHOWN]
