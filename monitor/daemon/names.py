"""Names of receivers' servers, found by the name servers of the inventory, or by the system's where it names none."""

import socket
from collections.abc import Callable, Sequence

import dns.asyncresolver
import dns.exception
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

PATIENCE = 5.0


class Names(AbstractResolver):
    """Asks the servers that `servers` gives at that moment."""

    def __init__(self, servers: Callable[[], Sequence[str]]) -> None:
        self._servers = servers

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Return the addresses of a name; OSError when there are none."""
        servers = self._servers()
        if not servers:
            return await ThreadedResolver().resolve(host, port, family)
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = list(servers)
        try:
            answer = await resolver.resolve_name(host, family=family or socket.AF_UNSPEC, lifetime=PATIENCE)
        except dns.exception.DNSException as error:
            raise OSError(None, f"name {host}: {type(error).__name__}") from error
        return [_found(host, port, address, number) for address, number in answer.addresses_and_families()]

    async def close(self) -> None:
        """Nothing is kept open."""


def _found(host: str, port: int, address: str, family: int) -> ResolveResult:
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
