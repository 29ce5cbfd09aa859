"""HTTP and HTTPS: does the page come, in time, whole, with the right words and a certificate that lasts.

By hand: `pantau probe http https://simpus.pantau.test/login expect_text=Masuk`.
"""

import time
from contextlib import closing

import aiohttp
from aiohttp import hdrs
from yarl import URL

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault
from monitor.probes.http_body import read_body
from monitor.probes.http_judge import judge_certificate, judge_status, judge_text
from monitor.probes.http_options import HttpOptions, read_url
from monitor.probes.http_wire import Wire, fault_of_aiohttp
from monitor.probes.vantage import Vantage
from monitor.secret import reveal

__all__ = ["SECRETS", "HttpOptions", "probe"]

MAX_REDIRECTS = 10
MAX_LINE = 8190
MAX_LINES = 128
AGENT = "Pantau/0.1"
SECRETS = frozenset({"headers.authorization", "headers.cookie", "headers.proxy-authorization", "headers.x-api-key"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_LIMIT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


async def probe(target: str, options: HttpOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Fetch the page, follow its redirects, and judge what came."""
    try:
        url = read_url(options.url or target)
    except ValueError as error:
        raise Fault(Reason.INTERNAL, f"the target {error}") from None
    headers: dict[str, str] = {hdrs.USER_AGENT: AGENT, hdrs.ACCEPT: "*/*", hdrs.ACCEPT_ENCODING: "gzip, deflate"}
    headers |= {name: reveal(value) for name, value in options.headers.items()}
    start = time.monotonic()
    wire = Wire(options, vantage, attempt)
    session = aiohttp.ClientSession(
        connector=wire,
        timeout=_NO_LIMIT,
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        auto_decompress=False,
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
        max_headers=MAX_LINES,
    )
    try:
        await _visit(session, wire, url, headers, options, attempt)
    except aiohttp.ClientError as error:
        raise fault_of_aiohttp(error) from None
    finally:
        wire.hang_up()
        await session.close()
    judge_certificate(wire.certificate_end, options)
    return Outcome(Verdict.OK, seconds=time.monotonic() - start, phases=attempt.phases, values=attempt.values)


async def _visit(
    session: aiohttp.ClientSession, wire: Wire, url: URL, headers: dict[str, str], options: HttpOptions, attempt: Attempt
) -> None:
    """Go from redirect to redirect; judge the page at the end of the way."""
    method, seen, first = options.method, {(options.method, url)}, url
    while True:
        with closing(await _ask(session, method, url, headers, attempt)) as response:
            if not (options.follow and response.status in _REDIRECTS):
                return await _read(response, options, attempt)
            url = _next(response, url, first, options)
        method = "GET" if response.status == 303 or (response.status in {301, 302} and method == "POST") else method
        if (method, url) in seen or len(seen) > MAX_REDIRECTS:
            raise Fault(Reason.REDIRECT_LOOP, f"{len(seen)} redirects and no page", {"status": response.status})
        seen.add((method, url))
        if url.host != first.host:  # what we know of one host is no other's business
            headers = {name: value for name, value in headers.items() if name not in options.headers}
        wire.hang_up()


async def _ask(session: aiohttp.ClientSession, method: str, url: URL, headers: dict[str, str], attempt: Attempt) -> aiohttp.ClientResponse:
    attempt.late, attempt.doing = Reason.HTTP_TIMEOUT, "the first byte"
    start, spent = time.monotonic(), sum(attempt.phases.values())
    response = await session.request(method, url, headers=headers, allow_redirects=False)
    # aiohttp connects within the request: what its phases took is not waiting for the answer
    waited = time.monotonic() - start - (sum(attempt.phases.values()) - spent)
    attempt.phases["answer"] = attempt.phases.get("answer", 0.0) + waited
    attempt.values["status"] = response.status
    return response


def _next(response: aiohttp.ClientResponse, url: URL, first: URL, options: HttpOptions) -> URL:
    places = set(response.headers.getall(hdrs.LOCATION, ()))
    if len(places) > 1:
        raise Fault(Reason.REDIRECT_INVALID, "a redirect to several places at once")
    try:
        target = url.join(URL(places.pop()))
        valid = target.scheme in {"http", "https"} and target.host and target.port
    except (KeyError, ValueError):
        raise Fault(Reason.REDIRECT_INVALID, "a redirect without a place to go to") from None
    if not valid:
        raise Fault(Reason.REDIRECT_INVALID, f"a redirect to {target.scheme[:20]}:, which is no page")
    if not _allowed(str(target.host), str(first.host), options):
        raise Fault(Reason.REDIRECT_FOREIGN, f"a redirect to {target.host}, which is not in hosts_allowed")
    return target.with_fragment(None).with_user(None)  # a name and password in it are the server's idea


def _allowed(host: str, own: str, options: HttpOptions) -> bool:
    if host.removeprefix("www.") == own.removeprefix("www."):
        return True
    allowed = (entry.lower().removeprefix("*") for entry in options.hosts_allowed)
    return any(host == entry or (entry.startswith(".") and host.endswith(entry)) for entry in allowed)


async def _read(response: aiohttp.ClientResponse, options: HttpOptions, attempt: Attempt) -> None:
    judge_status(response.status, options)
    with attempt.phase("body", Reason.HTTP_TIMEOUT):
        body, length = await read_body(response, options.max_body, keep=options.wants_body())
    attempt.values["content_length"] = length
    judge_text(body, response.charset or "utf-8", options)
