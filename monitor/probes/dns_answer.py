"""What a name server's answer holds: the records at the end of the name's aliases, and whether they are those that were expected."""

from collections.abc import Sequence

import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.TXT import TXT

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault

MAX_RECORDS = 16
_LONGEST = 200


def record_of(text: str, kind: str) -> dns.rdata.Rdata:
    """Read a record as people write it: names may lack the last dot, texts their quotes. Raises ValueError that says what is wrong."""
    try:
        if kind == "TXT":
            return dns.rdata.from_text("IN", "TXT", '"' + '" "'.join(_pieces(text.removeprefix('"').removesuffix('"'))) + '"')
        return dns.rdata.from_text("IN", kind, text, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"{text!r} is no {kind} record") from None


def _pieces(text: str) -> list[str]:
    """A text in the pieces of 255 bytes that DNS can carry; they are joined again where texts are compared."""
    data = text.encode()
    return ["".join(f"\\{byte:03d}" for byte in data[at : at + 255]) for at in range(0, len(data), 255)] or [""]


def records(answer: dns.message.Message, kind: str, name: str) -> Sequence[dns.rdata.Rdata]:
    """Return the records of the name, or of what it is an alias of; never none. Raises Fault `dns_no_answer` or `dns_wrong_answer`.

    What the answer holds of other names is not looked at.
    """
    try:
        if not isinstance(answer, dns.message.QueryMessage):
            raise dns.exception.FormError
        chain = answer.resolve_chaining()
    except dns.message.ChainTooLong:
        raise Fault(Reason.DNS_WRONG_ANSWER, f"{name}: its aliases go on without end, or in a circle") from None
    except dns.exception.DNSException:
        raise Fault(Reason.DNS_WRONG_ANSWER, f"{name}: what came is no answer to one question") from None
    if chain.answer is not None:
        return list(chain.answer)
    alias = f", which is an alias of {_short(chain.canonical_name)}" if chain.cnames else ""
    referred = [each for each in answer.authority if each.rdtype == dns.rdatatype.NS]
    elsewhere = f"; it refers to other name servers ({', '.join(sorted(_short(ns.target) for ns in referred[0])[:4])})" if referred else ""
    raise Fault(Reason.DNS_NO_ANSWER, f"no {kind} record for {name}{alias}{elsewhere}")


def judge(found: Sequence[dns.rdata.Rdata], expected: Sequence[str], kind: str, name: str, *, exact: bool) -> list[str]:
    """Return the first `MAX_RECORDS` as text. Raises Fault `dns_wrong_answer` when an expected one is missing, or one is too many."""
    said = texts(found)
    wanted = [record_of(text, kind) for text in expected]
    missing = [text for text, record in zip(expected, wanted, strict=True) if not any(_alike(record, each) for each in found)]
    more = [each for each in found if not any(_alike(each, record) for record in wanted)] if exact and wanted else []
    if missing:
        raise Fault(Reason.DNS_WRONG_ANSWER, f"{name}: {', '.join(said)}; expected {', '.join(missing)}"[:200], {"answers": said})
    if more:
        raise Fault(Reason.DNS_WRONG_ANSWER, f"{name}: {', '.join(texts(more))} beside what is expected"[:200], {"answers": said})
    return said


def texts(found: Sequence[dns.rdata.Rdata]) -> list[str]:
    """Return records as text, so many and so long as may be kept."""
    return [record.to_text()[:_LONGEST] for record in found[:MAX_RECORDS]]


def _alike(one: dns.rdata.Rdata, other: dns.rdata.Rdata) -> bool:
    """Whether two records say the same: names in any case, texts whatever pieces they come in."""
    if isinstance(one, TXT) and isinstance(other, TXT):
        return b"".join(one.strings) == b"".join(other.strings)
    return bool(one == other)


def _short(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)[:80]
