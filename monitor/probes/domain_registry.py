"""Where the registry of a domain speaks RDAP (the list of IANA, RFC 9224), and what it says there.

THE RULE: that somebody does not answer, or not as he should, is never the domain's fault. Nobody is asked two things at the same time.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping

import aiohttp
from yarl import URL

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.faults import OURS, Fault, fault_of
from monitor.probes.http_head import Head
from monitor.probes.http_json import read_json
from monitor.probes.http_judge import judge_status
from monitor.probes.http_options import HttpOptions, read_url
from monitor.probes.http_visit import Visit
from monitor.probes.http_wire import fault_of_aiohttp
from monitor.probes.vantage import Vantage

IANA = "https://data.iana.org/rdap/dns.json"
LASTING = 86400.0
"""Seconds for which the list is good; when it cannot be had anew, the last one is."""
MOST_BYTES = 4 * 1024 * 1024
_OPTIONS = HttpOptions(headers={"Accept": "application/rdap+json, application/json"}, hosts_allowed=("*",), max_body=MOST_BYTES)
"""One registry may send us on to another (RFC 7480, 5.2), but neither out of TLS nor inside."""


class Registries:
    """The registries that a vantage knows, and whose turn it is to ask them."""

    def __init__(self, vantage: Vantage) -> None:
        self._vantage = vantage
        self._lists: dict[str, tuple[float, Mapping[str, str]]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def close(self) -> None:
        self._lists.clear()

    async def server_of(self, name: str, source: str, attempt: Attempt) -> str:
        """Return where RDAP is spoken for a domain: by the longest of the names above it that the list knows. Raises Fault."""
        known = await self._list(source, attempt)
        labels = name.split(".")
        above = (".".join(labels[place:]) for place in range(len(labels)))
        server = next((known[each] for each in above if each in known), None)
        if server is None:
            raise Fault(Reason.DOMAIN_UNKNOWN, f"the registry of .{labels[-1][:63]} speaks no RDAP by TLS, says {URL(source).host}")
        return server

    async def ask(self, server: str, name: str, attempt: Attempt) -> object:
        """Return what a server says of a domain. Raises Fault."""
        try:
            return await self._read(f"{server.rstrip('/')}/domain/{name}", attempt)
        except Fault as fault:
            if fault.values.get("status") == 404:
                raise Fault(Reason.DOMAIN_UNKNOWN, f"the registry knows no {name}: is that what was registered?") from None
            raise

    async def _list(self, source: str, attempt: Attempt) -> Mapping[str, str]:
        kept = self._lists.get(source)
        if kept is not None and time.monotonic() - kept[0] < LASTING:
            return kept[1]
        try:
            async with asyncio.timeout(attempt.left / 2):
                found = dict(_services(await self._read(source, attempt)))
        except (Fault, TimeoutError) as error:
            if kept is not None:
                return kept[1]
            detail = error.detail if isinstance(error, Fault) else "it does not come in time"
            raise Fault(error.reason if isinstance(error, Fault) else Reason.DOMAIN_UNKNOWN, f"the list of registries: {detail}") from None
        self._lists[source] = time.monotonic(), found
        return found

    async def _read(self, url: str, attempt: Attempt) -> object:
        """Return the JSON at a URL. Raises Fault `domain_unknown` when it cannot be had, another when that is ours."""
        page = read_url(url)
        inner = Attempt(attempt.timeout, attempt.began, phases=attempt.phases)  # whose time-out would be the domain's fault
        async with self._turns.setdefault(str(page.origin()), asyncio.Lock()):
            try:
                async with Visit(_OPTIONS, self._vantage, inner, keep=True) as visit:
                    return read_json((await visit.fetch("GET", page, _judge)).text)
            except aiohttp.ClientError as error:
                fault = fault_of_aiohttp(error)
            except (Fault, OSError) as error:
                fault = fault_of(error)
        if fault.reason in OURS:
            raise fault
        raise Fault(Reason.DOMAIN_UNKNOWN, f"{page.host}: {fault.detail}", inner.values)


def _judge(head: Head) -> None:
    judge_status(head.status, head.headers, _OPTIONS)


def _services(document: object) -> Iterator[tuple[str, str]]:
    """Yield the names of the list with their servers; those without TLS say what anybody on the way wants them to say. Raises Fault."""
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, list):
        raise Fault(Reason.DOMAIN_UNKNOWN, "that is none")
    for service in services:
        match service:
            case [[*names], [*servers], *_]:
                server = next((each for each in servers if isinstance(each, str) and each.lower().startswith("https://")), None)
                yield from ((each.strip(".").lower(), server) for each in names if isinstance(each, str) and server)
