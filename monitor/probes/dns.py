"""DNS: does a name server give the right answer. By hand: `pantau probe dns 198.18.0.53 name=simpus.pantau.test expect=198.18.20.24`."""

import time
from typing import Annotated, Literal

import dns.message
import dns.rdatatype
from pydantic import AfterValidator, Field

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault, local_fault
from monitor.probes.keys import Keys
from monitor.probes.names import Names, Server, ask, server_of
from monitor.probes.vantage import Vantage

MAX_RECORDS = 16


def _server(text: str) -> str:
    if text:
        server_of(text)
    return text


class DnsOptions(Keys):
    """Keys of a `dns` check: the `server` (default: the target), `name` and `type` to ask for, `expect`: one of the answers."""

    server: Annotated[str, AfterValidator(_server)] = ""
    name: str = Field(min_length=1, max_length=253)
    type: Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    expect: str = ""


SECRETS: frozenset[str] = frozenset()


async def probe(target: str, options: DnsOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Ask the server; it must answer NOERROR with at least one record, and with `expect` among them where that is given."""
    server = await _server_of(options.server or target, vantage, attempt)
    start = time.monotonic()
    with attempt.phase("ask", Reason.DNS_TIMEOUT):
        try:
            answer = await ask(options.name, dns.rdatatype.from_text(options.type), [server], attempt)
        except Fault as fault:
            raise _of_target(fault) from None
    seconds = time.monotonic() - start
    _judge(_records(answer, options.type), options)
    return Outcome(Verdict.OK, seconds=seconds, phases=attempt.phases, values={"answers": _records(answer, options.type)})


def _of_target(fault: Fault) -> Fault:
    """Here the name server is the target, so that it fails is not ours; that we have no way to it is."""
    if fault.reason is not Reason.OWN_RESOLVER:
        return fault
    return local_fault(fault.__cause__) if isinstance(fault.__cause__, OSError) else Fault(Reason.REFUSED, fault.detail)


async def _server_of(text: str, vantage: Vantage, attempt: Attempt) -> Server:
    try:
        return server_of(text)
    except ValueError:
        return (await vantage.share(Names).resolve(text, attempt))[0], 53


def _records(answer: dns.message.Message, kind: str) -> list[str]:
    wanted = dns.rdatatype.from_text(kind)
    return [record.to_text()[:200] for rrset in answer.answer if rrset.rdtype == wanted for record in rrset][:MAX_RECORDS]


def _judge(records: list[str], options: DnsOptions) -> None:
    if not records:
        raise Fault(Reason.DNS_NO_ANSWER, f"no {options.type} record for {options.name}")
    expected = options.expect.strip('"').rstrip(".").lower()
    if expected and expected not in {record.strip('"').rstrip(".").lower() for record in records}:
        raise Fault(Reason.DNS_WRONG_ANSWER, f"{options.name}: {', '.join(records)}; expected {options.expect}", {"answers": records})
