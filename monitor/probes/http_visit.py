"""The way to a page: from redirect to redirect, with its cookies, what we know of the own host kept for the own host.

Where a certificate does not hold, the look goes on once without it and without anything of ours, to learn whether the page behind it
lives; what it says stays the certificate's fault.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDictProxy
from yarl import URL

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault
from monitor.probes.http_auth import Ask, answering, own_headers
from monitor.probes.http_body import read_body
from monitor.probes.http_head import Head, Request
from monitor.probes.http_options import HttpOptions
from monitor.probes.http_redirect import STATUSES, next_url, same_origin
from monitor.probes.http_text import text_of
from monitor.probes.http_wire import Wire, fault_of_aiohttp
from monitor.probes.http_words import CRAWLER
from monitor.probes.vantage import Vantage

MAX_REDIRECTS = 10
_DEAD = frozenset({Reason.TLS_EXPIRED, Reason.TLS_NOT_YET_VALID, Reason.TLS_UNTRUSTED, Reason.TLS_HOSTNAME})


@dataclass(frozen=True, slots=True)
class Page:
    """What stands at the end of the way; `text` is empty unless it was wanted."""

    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    text: str


Judge = Callable[[Head], None]
"""Raises Fault when the page after this head need not be read."""


class Visit:
    """One look's walk through the web, over one wire; `async with`, or its connection stays open."""

    def __init__(self, options: HttpOptions, vantage: Vantage, attempt: Attempt, *, keep: bool = False) -> None:
        """Make one; with `keep` the text of pages is read though no key of `options` asks for it."""
        self._wanted = keep or options.wants_body()
        self._options, self._attempt = options, attempt
        self._first: URL | None = None
        self.wire = Wire(options, vantage, attempt)
        self._common: dict[str, str] = {
            hdrs.USER_AGENT: CRAWLER if options.user_agent == "crawler" else options.user_agent,
            hdrs.ACCEPT: "*/*",
            hdrs.ACCEPT_ENCODING: "gzip, deflate",
        }
        self._answering = answering(options, self.wire.ask)
        self._jar: aiohttp.CookieJar | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.wire.hang_up()

    async def fetch(self, method: str, url: URL, judge: Judge, form: Mapping[str, str] | None = None) -> Page:
        """Go from redirect to redirect and return the page at the end of the way; a `form` goes to the first host only. Raises Fault."""
        first = self._first = self._first or url
        seen = {(method, url, frozenset[tuple[str, str]]())}
        while True:
            response = await self._answer(method, url, first, judge, form)
            if not (self._options.follow and response.status in STATUSES):
                return await self._read(response, judge)
            url = next_url(response, url, first, self._options)
            if response.status == 303 or (response.status in {301, 302} and method == "POST"):
                method, form = "GET", None
            step = (method, url, self._cookies())  # with another cookie the same place may lead elsewhere
            if step in seen or len(seen) > MAX_REDIRECTS:
                raise Fault(Reason.REDIRECT_LOOP, f"{len(seen)} redirect{'s' * (len(seen) > 1)} and no page", {"status": response.status})
            seen.add(step)

    def _cookies(self) -> frozenset[tuple[str, str]]:
        return frozenset((cookie.key, cookie.value) for cookie in self._jar or ())

    async def _look_behind(self, url: URL, dead: Fault, judge: Judge) -> Fault:
        """Return the fault of the certificate with what is behind it: nothing of ours is said there, and no redirect followed."""
        self._attempt.found = dead
        self.wire.verify = False
        self._jar = None
        try:
            response = await self._ask(self.wire.ask, Request.of("GET", url, self._common))
            if not (self._options.follow and response.status in STATUSES):
                await self._read(response, judge)
        except (Fault, aiohttp.ClientError) as error:
            fault = error if isinstance(error, Fault) else fault_of_aiohttp(error)
            said, alive = f"behind it: {fault.detail}", False
        else:
            said, alive = f"the page behind it lives (status {response.status})", True
        lacking = self.wire.issuer_missing if dead.reason is Reason.TLS_UNTRUSTED else ""
        return Fault(dead.reason, f"{lacking or dead.detail}; {said}", {"certificate": dead.reason.value, "alive": alive})

    async def _answer(self, method: str, url: URL, first: URL, judge: Judge, form: Mapping[str, str] | None) -> Head:
        if same_origin(url, first):
            ask, request = self._answering, Request.of(method, url, self._common, own_headers(self._options, first), form=form)
        else:
            ask, request = self.wire.ask, Request.of(method, url, self._common)
        if self._jar is not None and (cookies := [f"{each.key}={each.coded_value}" for each in self._jar.filter_cookies(url).values()]):
            request.headers[hdrs.COOKIE] = "; ".join([*request.headers.getall(hdrs.COOKIE, ()), *cookies])
        try:
            return await self._ask(ask, request)
        except Fault as fault:
            if fault.reason in _DEAD:
                raise await self._look_behind(url, fault, judge) from None
            raise

    async def _ask(self, ask: Ask, request: Request) -> Head:
        attempt = self._attempt
        attempt.late, attempt.doing = Reason.HTTP_TIMEOUT, "the first byte"
        start, spent = time.monotonic(), sum(attempt.phases.values())
        response = await ask(request)
        # connecting is part of it: what its phases took is not waiting for the answer
        waited = time.monotonic() - start - (sum(attempt.phases.values()) - spent)
        attempt.phases["answer"] = attempt.phases.get("answer", 0.0) + waited
        attempt.values["status"] = response.status
        if said := response.headers.getall(hdrs.SET_COOKIE, ()):
            self._jar = self._jar or aiohttp.CookieJar(unsafe=True)
            self._jar.update_cookies_from_headers(said, request.url)
        return response

    async def _read(self, response: Head, judge: Judge) -> Page:
        judge(response)
        with self._attempt.phase("body", Reason.HTTP_TIMEOUT):
            body, length = await read_body(response, self._options.max_body, keep=self._wanted)
        self._attempt.values["content_length"] = length
        text = text_of(body, response.charset) if self._wanted else ""
        return Page(response.url, response.status, response.headers, text)
