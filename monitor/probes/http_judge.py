"""Is the answer of a web server what it should be: status, words, JSON, and how long its certificate still lasts."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.http_json import judge_age, judge_json, read_json
from monitor.probes.http_options import HttpOptions
from monitor.probes.http_visit import Page
from monitor.probes.http_wire import days_left
from monitor.probes.http_words import judge_defacement


def judge_status(status: int, headers: Mapping[str, str], options: HttpOptions) -> None:
    """Raise Fault `http_status` unless the status is one of those expected, `too_often` when it is 429 (RFC 6585, 4)."""
    expected = options.expect_status or ("2xx",)
    if not any(word in {str(status), f"{status // 100}xx"} for word in expected):
        if status == 429:
            pause = _retry_after(headers.get("Retry-After", ""))
            raise Fault(Reason.TOO_OFTEN, f"it wants to be left alone for {pause:g} s", {"retry_after": pause})
        raise Fault(Reason.HTTP_STATUS, f"status {status}, expected {', '.join(map(str, expected))}")


def _retry_after(said: str) -> float:
    """Seconds until one may ask again (RFC 9110, 10.2.3: a number, or a date); a minute where nothing that makes sense is said."""
    text = said.strip()[:40]
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, round(parsedate_to_datetime(text).timestamp() - time.time(), 1))
    except (ValueError, OverflowError):
        return 60.0


def judge_page(page: Page, options: HttpOptions, values: dict[str, object]) -> None:
    """Raise Fault when a header, a word or the JSON is not as expected; the age of what should be fresh goes into the values."""
    for name, text in options.expect_header.items():
        said = ", ".join(page.headers.getall(name, ()))
        if name not in page.headers or text.casefold() not in said.casefold():
            raise Fault(
                Reason.HEADER_MISMATCH, f"the header {name} is {said[:60]!r}, expected {text!r}" if said else f"there is no header {name}"
            )
    judge_forbidden(page.text, options)
    folded = page.text.casefold()
    for word in options.expect_text:
        if word.casefold() not in folded:
            raise Fault(Reason.KEYWORD_MISSING, f"the page does not hold {word!r}")
    if options.expect_json or options.fresh:
        document = read_json(page.text)
        judge_json(document, options.expect_json)
        if options.fresh:
            values["age"] = round(judge_age(document, options.fresh, time.time()), 1)


def judge_forbidden(text: str, options: HttpOptions, where: str = "") -> None:
    """Raise Fault when the page (at the path `where`) holds what must not be there."""
    if options.forbid:
        judge_defacement(text, where)
    folded = text.casefold()
    for word in options.forbid_text:
        if word.casefold() in folded:
            raise Fault(Reason.KEYWORD_FORBIDDEN, f"the page{f' at {where[:60]}' if where else ''} holds {word!r}")


def judge_tls(end: float | None, legacy: str, options: HttpOptions) -> None:
    """Raise Fault `tls_expires_soon` when the chain ends within `warn_days`, `tls_legacy` when only that old TLS was to be had."""
    if end is not None and options.verify and days_left(end) < options.warn_days:
        raise Fault(Reason.TLS_EXPIRES_SOON, f"the certificate ends in {max(0.0, days_left(end)):.1f} days")
    if legacy:
        raise Fault(Reason.TLS_LEGACY, f"the server shakes hands only by {legacy} with ciphers of its time: browsers refuse it")
