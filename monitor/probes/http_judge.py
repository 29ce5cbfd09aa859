"""Is the answer of a web server what it should be: status, words, JSON, and how long its certificate still lasts."""

import json
from collections.abc import Mapping

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.http_options import HttpOptions
from monitor.probes.http_wire import days_left

_MISSING = object()


def judge_status(status: int, options: HttpOptions) -> None:
    """Raise Fault `http_status` unless the status is one of those expected."""
    expected = options.expect_status or ("2xx",)
    if not any(word in {str(status), f"{status // 100}xx"} for word in expected):
        raise Fault(Reason.HTTP_STATUS, f"status {status}, expected {', '.join(map(str, expected))}")


def judge_text(text: str, options: HttpOptions) -> None:
    """Raise Fault when a word is missing or forbidden, or the JSON is not as expected."""
    if not options.wants_body():
        return
    folded = text.casefold()
    for word in options.forbid_text:
        if word.casefold() in folded:
            raise Fault(Reason.KEYWORD_FORBIDDEN, f"the page holds {word!r}")
    for word in options.expect_text:
        if word.casefold() not in folded:
            raise Fault(Reason.KEYWORD_MISSING, f"the page does not hold {word!r}")
    if options.expect_json:
        _judge_json(text, options.expect_json)


def judge_tls(end: float | None, legacy: str, options: HttpOptions) -> None:
    """Raise Fault `tls_expires_soon` when the chain ends within `warn_days`, `tls_legacy` when only that old TLS was to be had."""
    if end is not None and options.verify and days_left(end) < options.warn_days:
        raise Fault(Reason.TLS_EXPIRES_SOON, f"the certificate ends in {max(0.0, days_left(end)):.1f} days")
    if legacy:
        raise Fault(Reason.TLS_LEGACY, f"the server shakes hands only by {legacy} with ciphers of its time: browsers refuse it")


def _judge_json(text: str, expected: Mapping[str, object]) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Fault(Reason.JSON_MISMATCH, "the body is not JSON") from None
    for path, value in expected.items():
        found = _at(document, path)
        if found is _MISSING:
            raise Fault(Reason.JSON_MISMATCH, f"the JSON has no {path}")
        if found != value or isinstance(found, bool) != isinstance(value, bool):
            raise Fault(Reason.JSON_MISMATCH, f"{path} is {json.dumps(found)[:60]}, expected {json.dumps(value)}")


def _at(document: object, path: str) -> object:
    for word in path.split("."):
        if isinstance(document, dict) and word in document:
            document = document[word]
        elif isinstance(document, list) and word.isdecimal() and int(word) < len(document):
            document = document[int(word)]
        else:
            return _MISSING
    return document
