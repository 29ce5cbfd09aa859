"""Names of receivers' servers, found by the name servers of the inventory, or by the system's where it names none.

THE RULE: a name server that is dead keeps nobody from hearing that it is. What was found is kept, and found again when no server
answers; `keep` looks the names up before they are needed.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

import dns.asyncresolver
import dns.exception
import dns.inet
import dns.nameserver
import dns.resolver
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.daemon.logs import log
from monitor.probes.kept import Kept
from monitor.probes.names import server_of

PATIENCE, AGAIN = 5.0, 600.0
NO_SUCH = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


class Names(AbstractResolver):
    """Asks the servers that `servers` gives at that moment."""

    def __init__(self, servers: Callable[[], Sequence[str]]) -> None:
        self._servers = servers
        self._known: Kept[str, list[ResolveResult]] = Kept()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Return the addresses of a name, when nobody answers those of the last time; OSError when there are none."""
        try:
            found = await self._asked(host)
        except OSError as error:
            found = self._known.last(host) or []
            if not found or isinstance(error.__cause__, NO_SUCH) or error.errno == socket.EAI_NONAME:
                raise
            log.warning("name kept", host=host, error=str(error))
        else:
            self._known.keep(host, found)
        return [{**each, "port": port} for each in found if family in (socket.AF_UNSPEC, each["family"])]

    async def keep(self, hosts: Callable[[], Iterable[str]]) -> NoReturn:
        """Remember the names that `hosts` gives, now and from time to time."""
        while True:
            await self.remember(hosts())
            await asyncio.sleep(AGAIN)

    async def remember(self, hosts: Iterable[str]) -> None:
        """Look these names up, and forget all others."""
        wanted = {host for host in hosts if not dns.inet.is_address(host)}
        self._known.only(wanted)
        for host in sorted(wanted):
            with contextlib.suppress(OSError):
                await self.resolve(host)

    async def _asked(self, host: str) -> list[ResolveResult]:
        servers = self._servers()
        if not servers:
            return await ThreadedResolver().resolve(host, 0, socket.AF_UNSPEC)
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*server_of(server)) for server in servers]
        try:
            answer = await resolver.resolve_name(host, family=socket.AF_UNSPEC, lifetime=PATIENCE)
        except dns.exception.DNSException as error:
            raise OSError(None, f"name {host}: {type(error).__name__}") from error
        return [_found(host, address, number) for address, number in answer.addresses_and_families()]

    async def close(self) -> None:
        """Nothing is kept open."""


def _found(host: str, address: str, family: int) -> ResolveResult:
    return ResolveResult(hostname=host, host=address, port=0, family=family, proto=0, flags=socket.AI_NUMERICHOST)
