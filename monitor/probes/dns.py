"""DNS: does a name server give the right answer. By hand: `pantau probe dns 198.18.0.53 name=simpus.pantau.test expect=198.18.20.24`."""

import ipaddress
import time
from typing import Annotated, Literal

import dns.exception
import dns.name
import dns.rdatatype
import dns.reversename
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.dns_answer import judge, record_of, records
from monitor.probes.faults import Fault
from monitor.probes.keys import Keys
from monitor.probes.names import Names, Server, ask, server_of
from monitor.probes.vantage import Vantage


def _server(text: str) -> str:
    if text:
        server_of(text)
    return text


def _several(given: object) -> object:
    if isinstance(given, list | tuple):
        return tuple(given)
    return (given,) if given != "" else ()


class DnsOptions(Keys):
    """Keys of a `dns` check.

    The `server` (default: the target), `name` and `type` to ask for (an address as the name of a PTR is turned round); `expect`: one
    record or several that must be among the answers; `exact`: there may be no others.
    """

    server: Annotated[str, AfterValidator(_server)] = ""
    name: str = Field(min_length=1, max_length=253)
    type: Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    expect: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_several, json_schema_input_type=str | list[str])
    ] = Field((), max_length=64)
    exact: bool = False

    @field_validator("name")
    @classmethod
    def _askable(cls, name: str) -> str:
        try:
            dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            raise ValueError("is no name that can be asked for: of its labels each has 1 to 63 bytes") from None
        return name

    @field_validator("expect")
    @classmethod
    def _readable(cls, expected: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for text in expected if "type" in info.data else ():
            record_of(text, info.data["type"])
        return expected


SECRETS: frozenset[str] = frozenset()


async def probe(target: str, options: DnsOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Ask the server; it must answer NOERROR with at least one record of that name, and with those of `expect` where they are given."""
    server = await _server_of(options.server or target, vantage, attempt)
    start = time.monotonic()
    with attempt.phase("ask", Reason.DNS_TIMEOUT):
        try:
            answer = await ask(_asked(options), dns.rdatatype.from_text(options.type), [server], attempt)
        except Fault as fault:
            raise _of_target(fault) from None
    seconds = time.monotonic() - start
    found = records(answer, options.type, options.name)
    said = judge(found, options.expect, options.type, options.name, exact=options.exact)
    return Outcome(Verdict.OK, seconds=seconds, phases=attempt.phases, values={"answers": said})


def _asked(options: DnsOptions) -> str:
    """The name to ask for: that of an address, where its PTR is wanted, is its name under in-addr.arpa or ip6.arpa."""
    try:
        return dns.reversename.from_address(str(ipaddress.ip_address(options.name))).to_text() if options.type == "PTR" else options.name
    except ValueError:
        return options.name


def _of_target(fault: Fault) -> Fault:
    """Here the name server is the target, so that it fails is not ours; that we have no way to it is."""
    if fault.reason is not Reason.OWN_RESOLVER:
        return fault
    return fault.__cause__ if isinstance(fault.__cause__, Fault) else Fault(Reason.DNS_TIMEOUT, fault.detail)


async def _server_of(text: str, vantage: Vantage, attempt: Attempt) -> Server:
    try:
        return server_of(text)
    except ValueError:
        return (await vantage.share(Names).resolve(text, attempt))[0], 53
