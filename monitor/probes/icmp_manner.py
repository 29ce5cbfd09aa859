"""How a ping is to be sent: the keys of an `icmp` check, and what of them belongs to the socket that it leaves by."""

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from monitor.probes.keys import Keys

USUAL_SIZE = 56


def _address(text: str) -> str:
    if not text:
        return text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is no address; name one of this machine") from None


class IcmpOptions(Keys):
    """Keys of an `icmp` check.

    `count` packets, `packet_interval` seconds apart, each with `size` bytes of data (1472 fill a frame of 1500 over IPv4, 1452 over
    IPv6); `df` forbids that they are divided, so that a link too narrow for them says so; `ttl` routers at most may pass them on;
    `source` is the address of this machine that they are sent from; `backend` if not that of the city.
    """

    count: int = Field(1, ge=1, le=100)
    packet_interval: float = Field(0.1, ge=0.01, le=60)
    size: int = Field(USUAL_SIZE, ge=8, le=65507)
    df: bool = False
    ttl: int | None = Field(None, ge=1, le=255)
    source: Annotated[str, AfterValidator(_address)] = ""
    backend: Literal["", "shared", "icmplib"] = ""

    def misfit(self, timeout: float) -> tuple[str, str] | None:
        """Say that the last packet would leave too late to be answered."""
        last = (self.count - 1) * self.packet_interval
        if last < timeout:
            return None
        return "count", f"the last of {self.count} packets would leave after {last:g} s, and the time-out is {timeout:g} s"


@dataclass(frozen=True, slots=True)
class Manner:
    """What all packets of a socket have in common; `ttl` 0 and an empty `source` leave the choice to the kernel."""

    size: int = USUAL_SIZE
    df: bool = False
    ttl: int = 0
    source: str = ""

    @classmethod
    def of(cls, options: IcmpOptions) -> "Manner":
        """Return the manner that the keys of a check ask for."""
        return cls(options.size, options.df, options.ttl or 0, options.source)

    def suits(self, address: bytes) -> bool:
        """Whether an address is of the family of `source`."""
        return not self.source or (":" in self.source) == (len(address) == 16)


PLAIN = Manner()
