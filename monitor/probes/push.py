"""PUSH: a check that waits. Who cannot be reached calls us, and is looked at by when it last did.

By hand: `curl -fsS http://127.0.0.1:9475/push/TOKEN`, or as Uptime Kuma's clients do, `/api/push/TOKEN?status=up&msg=OK&ping=12`.
"""

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field, ValidationError

from monitor.core.city import Check
from monitor.core.errors import PantauError
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault
from monitor.probes.keys import Duration, Keys
from monitor.probes.vantage import Vantage
from monitor.secret import reveal

SHORTEST, LONGEST, WORDS = 16, 200, 200
"""Signs of a token at least and at most; signs that are kept of what a caller says."""
APART = 1.0
"""Seconds between two calls of one caller; those that come sooner are sent away."""


class PushOptions(Keys):
    """Keys of a `push` check: the `token` that its caller names, and `within` which time the next call must come (`10m`)."""

    token: str = Field(min_length=1)
    within: Duration = Field(600.0, ge=10, le=90 * 86400)


SECRETS = frozenset({"token"})


class Answer(StrEnum):
    """What becomes of a call."""

    TAKEN = "taken"
    UNKNOWN = "unknown"
    TOO_OFTEN = "too_often"


@dataclass(frozen=True, slots=True)
class Call:
    """What a caller said of itself: that it is well or not, some words, and seconds that it measured."""

    up: bool = True
    words: str = ""
    seconds: float | None = None


@dataclass(slots=True)
class _Box:
    """The last call with one token, at a time on the monotonic clock; `opened`: since when we listen."""

    opened: float
    came: float = -math.inf
    call: Call | None = None


class Mailbox:
    """The last call of each caller that a check waits for, by the digest of its token. It is in memory only."""

    def __init__(self, _: Vantage | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._boxes: dict[bytes, _Box] = {}

    def expect(self, tokens: Iterable[str]) -> None:
        """Take calls with these tokens from now on, and no others."""
        self._boxes = {each: self._boxes.get(each) or _Box(self._clock()) for each in map(_digest, tokens)}

    def close(self) -> None:
        self._boxes.clear()

    def take(self, token: str, call: Call) -> Answer:
        """Take a call; of one whose token no check names nothing is kept."""
        box, now = self._boxes.get(_digest(token)) if len(token) <= LONGEST else None, self._clock()
        if box is None:
            return Answer.UNKNOWN
        if now - box.came < APART:
            return Answer.TOO_OFTEN
        box.came, box.call = now, call
        return Answer.TAKEN

    def judge(self, token: str, within: float) -> Outcome:
        """Return what the last call says of its caller. Raises Fault when it does not answer for it, or we listen for too short a time."""
        now = self._clock()
        box = self._boxes.setdefault(_digest(token), _Box(now))
        age = now - box.came
        if box.call is None or age > within:
            heard = now - box.opened
            if heard < within:
                raise Fault(Reason.LISTENING, f"we listen for {heard:.0f} s; it may take {within:g} s until it calls")
            raise Fault(Reason.PUSH_MISSING, f"no call for {min(age, heard):.0f} s; one is due every {within:g} s")
        if not box.call.up:
            raise Fault(Reason.PUSH_DOWN, box.call.words or "it says so itself")
        return Outcome(Verdict.OK, seconds=box.call.seconds, values={"age": age} | ({"words": box.call.words} if box.call.words else {}))


async def probe(target: str, options: PushOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Look into the mailbox; nothing is sent."""
    del target, attempt
    return vantage.share(Mailbox).judge(_token(options.token), options.within)


def ready(vantage: Vantage, checks: Sequence[Check]) -> None:
    """Take calls from the beginning; a token that cannot be read is told by the looks that want it."""
    tokens = []
    for check in checks:
        with suppress(PantauError, ValidationError, Fault):
            tokens.append(_token(PushOptions.model_validate(dict(check.options)).token))
    vantage.share(Mailbox).expect(tokens)


def _token(reference: str) -> str:
    token = reveal(reference)
    if not SHORTEST <= len(token) <= LONGEST:
        raise Fault(Reason.BAD_SECRET, f"a token has {SHORTEST} to {LONGEST} signs")
    return token


def _digest(token: str) -> bytes:
    """By which a token is found: looking for one takes as long whatever its first signs are."""
    return hashlib.sha256(token.encode()).digest()
