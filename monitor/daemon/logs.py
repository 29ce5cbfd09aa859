"""The log: one line an event on stderr, key=value; never a secret, never a stack of our own for somebody's mistake."""

import asyncio
import contextlib
import sys
import traceback
from typing import TextIO, cast

import structlog

log = structlog.get_logger("daemon")


class _Stderr:
    """Stderr, which may be a pipe whose reader has gone: a line that cannot be written must not stop what it tells of."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def configure() -> None:
    """Have structlog write one line an event to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )


def unexpected(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Say in one line what the loop caught: it is a fault of ours, and the daemon goes on."""
    error = context.get("exception")
    where = ""
    if isinstance(error, BaseException) and (stack := traceback.extract_tb(error.__traceback__)):
        where = f"{stack[-1].filename}:{stack[-1].lineno}"
    # Only the kind of the error: its text may carry an address with a token.
    log.error("unexpected", what=str(context.get("message")), error=type(error).__name__, where=where)
