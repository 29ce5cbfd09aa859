"""Where a redirect may lead: to the own host or one that is allowed, never out of TLS, never further inside than we came from."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import hdrs
from yarl import URL

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.http_head import Head
from monitor.probes.http_options import HttpOptions

STATUSES = frozenset({301, 302, 303, 307, 308})


def next_url(response: Head, url: URL, first: URL, options: HttpOptions) -> URL:
    """Return where the redirect leads. Raises Fault `redirect_...` when nobody should go there.

    A name and password in it are the server's idea, and are left out.
    """
    places = set(response.headers.getall(hdrs.LOCATION, ()))
    if len(places) > 1:
        raise Fault(Reason.REDIRECT_INVALID, "a redirect to several places at once")
    try:
        target = url.join(URL(places.pop())).with_fragment(None)
        valid = target.scheme in {"http", "https"} and target.host and target.port
    except KeyError:
        raise Fault(Reason.REDIRECT_INVALID, "a redirect without a place to go to") from None
    except ValueError:
        raise Fault(Reason.REDIRECT_INVALID, "a redirect to what is no URL") from None
    if not valid:
        raise Fault(Reason.REDIRECT_INVALID, f"a redirect to {target.scheme[:20]}:, which is no page")
    if not _allowed(str(target.host), str(first.host), options):
        raise Fault(Reason.REDIRECT_FOREIGN, f"a redirect to {str(target.host)[:100]}, which is not in hosts_allowed")
    if url.scheme == "https" and target.scheme == "http":
        raise Fault(Reason.REDIRECT_INSECURE, "a redirect out of TLS: what is typed there, anybody on the way can read")
    return target.with_user(None)


def same_origin(url: URL, first: URL) -> bool:
    """Tell whether what we know of `first` may be said to `url`: one host and port, or the same host by TLS where it usually is."""
    if url.host != first.host:
        return False
    upgraded = (first.scheme, first.port, url.scheme, url.port) == ("http", 80, "https", 443)
    return upgraded or (url.scheme, url.port) == (first.scheme, first.port)


@lru_cache(maxsize=4096)
def depth(address: str) -> int:
    """How far inside an address lies: 0 in the internet, 1 in a private network, 2 on the own machine or the own wire."""
    where = ipaddress.ip_address(address.partition("%")[0])
    where = getattr(where, "ipv4_mapped", None) or where
    if where.is_loopback or where.is_link_local or where.is_unspecified or where.is_multicast:
        return 2
    return 0 if where.is_global else 1


def reachable(addresses: Sequence[str], host: str, deepest: int, options: HttpOptions) -> Sequence[str]:
    """Return the addresses that a redirect may reach. Raises Fault `redirect_private` when there is none.

    Who answers in the internet must not send us to what only we can reach; a host that is allowed by its own name may be anywhere.
    """
    if host in {entry.lower() for entry in options.hosts_allowed}:
        return addresses
    found = [address for address in addresses if depth(address) <= deepest]
    if not found:
        raise Fault(Reason.REDIRECT_PRIVATE, f"a redirect to {host[:100]}, which is at {addresses[0]}: further inside than the page itself")
    return found


def _allowed(host: str, own: str, options: HttpOptions) -> bool:
    if host.removeprefix("www.") == own.removeprefix("www."):
        return True
    allowed = (entry.lower().removeprefix("*") for entry in options.hosts_allowed)
    return any(entry in {"", host} or (entry.startswith(".") and host.endswith(entry)) for entry in allowed)
