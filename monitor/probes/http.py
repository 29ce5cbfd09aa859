"""HTTP and HTTPS: does the page come, in time, whole, with the right words and a certificate that lasts.

By hand: `pantau probe http https://simpus.pantau.test/login expect_text=Masuk`.
"""

import time

import aiohttp
from yarl import URL

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault
from monitor.probes.http_head import Head
from monitor.probes.http_judge import judge_forbidden, judge_page, judge_status, judge_tls
from monitor.probes.http_login import log_in
from monitor.probes.http_options import HttpOptions, read_url
from monitor.probes.http_visit import Visit
from monitor.probes.http_wire import fault_of_aiohttp
from monitor.probes.vantage import Vantage

__all__ = ["SECRETS", "HttpOptions", "probe"]

SECRETS = frozenset(
    {"headers.authorization", "headers.cookie", "headers.proxy-authorization", "headers.x-api-key"}
    | {"login.password", "basic.password", "digest.password", "bearer", "client_certificate"}
)


async def probe(target: str, options: HttpOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Fetch the page, follow its redirects, and judge what came."""
    try:
        url = read_url(options.url or target)
    except ValueError as error:
        raise Fault(Reason.INTERNAL, f"the target {error}") from None
    start = time.monotonic()
    try:
        async with Visit(options, vantage, attempt) as visit:
            if options.login:
                await log_in(visit, url, options.login)
            page = await visit.fetch(options.method, url, lambda head: judge_status(head.status, head.headers, options))
            judge_page(page, options, attempt.values)
            await _search(visit, url, options, attempt)
    except aiohttp.ClientError as error:
        raise fault_of_aiohttp(error) from None
    judge_tls(visit.wire.certificate_end, visit.wire.legacy, options)
    return Outcome(Verdict.OK, seconds=time.monotonic() - start, phases=attempt.phases, values=attempt.values)


async def _search(visit: Visit, url: URL, options: HttpOptions, attempt: Attempt) -> None:
    """Search further pages of the host for what must not be there; what the values say stays said of the first."""
    said = dict(attempt.values)
    for path in options.paths:
        page = await visit.fetch("GET", url.join(URL(path)), _whatever)
        judge_forbidden(page.text, options, path)
    attempt.values.update(said)


def _whatever(_: Head) -> None:
    """Any status will do: a page that is not there is none that was broken into."""
