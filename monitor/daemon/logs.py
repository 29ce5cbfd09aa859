"""The log: one line an event on stderr, key=value; never a secret, never a stack of our own for somebody's mistake."""

import asyncio
import contextlib
import logging
import sys
import traceback
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict

from monitor.core.printable import printable

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
            _readable,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("aiohttp.server").addFilter(_in_one_line)


def _readable(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Write words of others as signs: a log is read on a terminal."""
    return {key: printable(value) if isinstance(value, str) else value for key, value in event.items()}


def _in_one_line(record: logging.LogRecord) -> bool:
    """Say in one line what the page's server would tell with its stack: most often that somebody asked what is no HTTP."""
    error = record.exc_info[1] if record.exc_info else None
    log.warning("request refused", what=record.getMessage()[:80], error=type(error).__name__, where=_where(error))
    return False


def _where(error: object) -> str:
    stack = traceback.extract_tb(error.__traceback__) if isinstance(error, BaseException) else None
    return f"{stack[-1].filename}:{stack[-1].lineno}" if stack else ""


def unexpected(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Say in one line what the loop caught: it is a fault of ours, and the daemon goes on."""
    error = context.get("exception")
    # Only the kind of the error: its text may carry an address with a token.
    log.error("unexpected", what=str(context.get("message")), error=type(error).__name__, where=_where(error))
