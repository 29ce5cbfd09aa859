"""Names to addresses by dnspython: no getaddrinfo, so a name server that hangs holds up its own name and nothing else.

Every look asks anew, as a new visitor would. The name server that does not answer at all is our own fault (`own_resolver`); one that
answers, but not for this name, is the name's (`dns_timeout`). When no answer is to be had the look goes on at the last address that
there was, and `deadline.py` says so: that no name server lives must not be told of a hundred applications that do.
"""

import asyncio
import ipaddress
import itertools
import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.dns_wire import ask_server
from monitor.probes.faults import Fault
from monitor.probes.kept import Kept
from monitor.probes.vantage import Vantage

Server = tuple[str, int]
MAX_ADDRESSES = 4
RESOLUTION_DELAY = 0.05
"""Seconds that an address of IPv4 waits for those of IPv6 (RFC 8305, 3)."""
LASTING = 86400.0
"""Seconds for which an address stands in for one that cannot be asked for: an address seldom moves, and never on the day the names die."""
_MUTE = frozenset({Reason.OWN_RESOLVER, Reason.DNS_SERVFAIL, Reason.DNS_TIMEOUT})
_HOSTS = Path("/etc/hosts")
_LARGEST_HOSTS = 1024 * 1024
_FAILED = {dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR, dns.rcode.NOTIMP}


class Names:
    """The resolver of a vantage: its own name servers, or those of the system with /etc/hosts before them."""

    def __init__(self, vantage: Vantage) -> None:
        self._given = [server_of(text) for text in vantage.resolver]
        self._kept: Kept[tuple[str, bool], list[str]] = Kept(LASTING)

    def close(self) -> None:
        self._kept.clear()

    @property
    def servers(self) -> list[Server]:
        """The name servers to ask. Raises Fault `own_resolver` when the system names none."""
        if self._given:
            return self._given
        try:
            return [(str(server), 53) for server in dns.resolver.Resolver().nameservers]
        except dns.resolver.NoResolverConfiguration:
            raise Fault(Reason.OWN_RESOLVER, "/etc/resolv.conf names no name server") from None

    async def resolve(self, host: str, attempt: Attempt, *, both: bool = False) -> list[str]:
        """Return the addresses of a host, at most `MAX_ADDRESSES` and never an empty list: of IPv6 only where there are none of IPv4.

        With `both` they are there in turn, IPv6 first (RFC 8305, 4). Raises Fault with a `dns_...` reason, or `own_resolver`.
        """
        if literal := _literal(host):
            if _of_one_link(literal[0]):
                raise Fault(Reason.NO_ROUTE, "an address of one link only (fe80::/10) says not which: give the device's global address")
            return list(literal)
        if found := [] if self._given else _from_hosts(host):
            return _in_turn(found) if both else found[:MAX_ADDRESSES]
        if not host.strip(" ."):
            raise Fault(Reason.DNS_NXDOMAIN, f"{host[:80]!r} is no address, and no host name")
        if host.rstrip(".").rpartition(".")[2].isdecimal():
            raise Fault(Reason.DNS_NXDOMAIN, f"{host[:80]!r} is no address, and no host name ends with a number")
        kept, where = self._kept.last((host, both)), (attempt.late, attempt.doing)
        try:
            found = await self._ask(host, attempt, attempt.left / 2 if kept else None, both=both)
        except Fault as fault:
            if kept is None or fault.reason not in _MUTE:
                raise
            attempt.unnamed, (attempt.late, attempt.doing) = fault, where
            return kept
        self._kept.keep((host, both), found)
        return found

    async def _ask(self, host: str, attempt: Attempt, patience: float | None, *, both: bool) -> list[str]:
        """Return the addresses that the name servers say; waits for ever, or for `patience` seconds. Raises Fault."""
        with attempt.phase("dns", Reason.OWN_RESOLVER):
            alive = asyncio.create_task(self._alive(attempt, (patience or attempt.left) / 2))
            try:
                async with asyncio.timeout(patience):
                    found = await (self._of_both(host, attempt) if both else self._of_one(host, attempt))
            except TimeoutError:
                raise Fault(attempt.late, attempt.doing if attempt.late is Reason.DNS_TIMEOUT else "no name server answers") from None
            finally:
                alive.cancel()
        if not found:
            raise Fault(Reason.DNS_NO_ANSWER, f"{host} has no address")
        return found

    async def _of_one(self, host: str, attempt: Attempt) -> list[str]:
        return await self._records(host, dns.rdatatype.A, attempt) or await self._records(host, dns.rdatatype.AAAA, attempt)

    async def _of_both(self, host: str, attempt: Attempt) -> list[str]:
        """Ask for both at once. Who has an address of IPv4 is not made to wait for a name server that is silent, or fails, to AAAA."""
        asking = asyncio.create_task(self._tried(host, dns.rdatatype.AAAA, attempt))
        try:
            four = await self._records(host, dns.rdatatype.A, attempt)
            await asyncio.wait([asking], timeout=RESOLUTION_DELAY if four else None)
            six = asking.result() if asking.done() else []
        finally:
            asking.cancel()
        if not isinstance(six, Fault):
            return _in_turn([*six, *four])
        if not four:
            raise six
        return four

    async def _tried(self, host: str, kind: dns.rdatatype.RdataType, attempt: Attempt) -> list[str] | Fault:
        try:
            return await self._records(host, kind, attempt)
        except Fault as fault:
            return fault

    async def _records(self, host: str, kind: dns.rdatatype.RdataType, attempt: Attempt) -> list[str]:
        return _addresses(await ask(host, kind, self.servers, attempt), kind)

    async def _alive(self, attempt: Attempt, after: float) -> None:
        """When half of the time is gone, ask the name server something else, to learn whether it lives at all."""
        await asyncio.sleep(after)
        try:
            await exchange(dns.message.make_query(".", dns.rdatatype.NS), self.servers, attempt)
        except Fault:
            return
        attempt.late, attempt.doing = Reason.DNS_TIMEOUT, "the name server lives, but does not answer for this name"


async def ask(name: str, kind: dns.rdatatype.RdataType, servers: Sequence[Server], attempt: Attempt) -> dns.message.Message:
    """Ask for records of a name and return the answer, which says NOERROR. Raises Fault otherwise."""
    try:
        question = dns.message.make_query(dns.name.from_text(name), kind)
    except (dns.exception.DNSException, UnicodeError):
        raise Fault(Reason.DNS_NXDOMAIN, f"{name[:80]!r} cannot be a host name") from None
    answer = await exchange(question, servers, attempt)
    code = answer.rcode()
    if code == dns.rcode.NXDOMAIN:
        raise Fault(Reason.DNS_NXDOMAIN, f"{name} does not exist")
    if code != dns.rcode.NOERROR:
        raise Fault(Reason.DNS_SERVFAIL, f"the name server says {dns.rcode.to_text(code)} to {name}")
    return answer


async def exchange(question: dns.message.Message, servers: Sequence[Server], attempt: Attempt) -> dns.message.Message:
    """Ask the servers in turn, again and again, until one answers; the time-out is the look's. An answer of failure is the last resort."""
    failed: dns.message.Message | None = None
    again = min(2.0, max(0.1, attempt.timeout / 4))
    dead: set[Server] = set()
    for address, port in itertools.islice(itertools.cycle(servers), 64):
        try:
            async with asyncio.timeout(again):
                answer = await ask_server(question, address, port)
        except TimeoutError:
            continue
        except Fault as fault:
            if fault.reason in {Reason.NO_DESCRIPTOR, Reason.NO_PERMISSION}:
                raise
            dead.add((address, port))
            if len(dead) == len(set(servers)):
                raise Fault(Reason.OWN_RESOLVER, f"name server {address}: {fault.detail}") from fault
            continue
        if answer.rcode() not in _FAILED:
            return answer
        dead.add((address, port))
        failed = answer
        if len(dead) == len(set(servers)):
            return failed
    if failed is not None:
        return failed
    raise Fault(Reason.OWN_RESOLVER, "no name server answers")


def server_of(text: str) -> Server:
    """Read `address`, `address:port` or `[address]:port`. Raises ValueError that says what is wrong."""
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not _literal(host):
        raise ValueError(f"{text!r} is not the address of a name server")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r}: {port!r} is not a port")
    return host, int(port)


@lru_cache(maxsize=4096)
def _literal(host: str) -> tuple[str, ...]:
    try:
        return (str(ipaddress.ip_address(host.strip("[]"))),)
    except ValueError:
        return ()


def _of_one_link(address: str) -> bool:
    return address.startswith("fe") and ipaddress.IPv6Address(address).is_link_local


def _from_hosts(host: str) -> list[str]:
    """Addresses that /etc/hosts gives the name, IPv4 first; those of `localhost` even without the file (RFC 6761)."""
    name = host.rstrip(".").lower()
    return sorted(_lines(name), key=_is_six) or (["127.0.0.1"] if name == "localhost" else [])


def _in_turn(addresses: Sequence[str]) -> list[str]:
    """Return the addresses of both families in turn, IPv6 first."""
    six, four = filter(_is_six, addresses), itertools.filterfalse(_is_six, addresses)
    return [each for pair in itertools.zip_longest(six, four) for each in pair if each][:MAX_ADDRESSES]


def _is_six(address: str) -> bool:
    return ":" in address


def _lines(name: str) -> Iterable[str]:
    try:
        if os.stat(_HOSTS).st_size > _LARGEST_HOSTS:  # noqa: PTH116 - the same, without a Path a look
            return
        text = _HOSTS.read_text(errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        words = line.partition("#")[0].lower().split()
        if name in words[1:] and _literal(words[0]):
            yield words[0]


def _addresses(answer: dns.message.Message, kind: dns.rdatatype.RdataType) -> list[str]:
    """Addresses in the answer, following its aliases; bounded."""
    if not isinstance(answer, dns.message.QueryMessage):
        return []
    try:
        found = answer.resolve_chaining().answer
    except dns.exception.DNSException:
        return []
    return [record.address for record in found or () if record.rdtype == kind][:MAX_ADDRESSES]
