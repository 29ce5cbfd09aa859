"""DNS looks: what a name server may answer, and what of it is believed; a small liar on loopback, and a real `unbound`."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rcode
import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.attempt import Attempt
from monitor.probes.dns_answer import MAX_RECORDS
from monitor.probes.faults import Fault
from monitor.probes.names import Names
from tests.conftest import need
from tests.nameservers import NAME, Voice, cut, framed, reply, saying, serving, silent
from tests.webs import look_in_time

A = f"{NAME} 60 IN A 198.18.0.9"
OTHERS = [f"{NAME} 60 IN A 198.18.{at // 250}.{at % 250}" for at in range(900)]


async def look(server: str, timeout: float = 0.6, /, **options: object) -> Outcome:
    async with Vantage.of() as vantage:
        return await look_in_time("dns", server, {"name": NAME.rstrip("."), **options}, timeout, vantage)


def altered(**changes: object) -> Voice:
    """The right answer, but for some attributes of the message."""

    def voice(asked: dns.message.Message) -> list[bytes]:
        said = dns.message.from_wire(reply(asked, A))
        for name, value in changes.items():
            setattr(said, name, value)
        return [said.to_wire()]

    return voice


def wrong_id(asked: dns.message.Message) -> list[bytes]:
    return [bytes([reply(asked, A)[0] ^ 1]) + reply(asked, A)[1:]]


def twice(asked: dns.message.Message) -> list[bytes]:
    said, question = reply(asked, A), asked.to_wire()[12:]
    return [said[:4] + b"\0\2" + said[6:12] + question + said[12:]]


def in_small_letters(asked: dns.message.Message) -> list[bytes]:
    said = reply(asked, A)
    return [said[:12] + said[12:].lower()]  # the header has no letters


def over_tcp(*records: str, length: int | None = None, keep: int = 65537) -> Voice:
    """The answer as it goes over TCP; `length` is another than it has, `keep` cuts it short."""
    return lambda asked: [framed(reply(asked, *records), length)[:keep]]


def circle(asked: dns.message.Message) -> bytes:
    """An answer whose name points at itself."""
    return reply(asked)[:6] + b"\0\1" + reply(asked)[8:] + b"\xc0" + bytes([len(reply(asked))]) + b"\0\1\0\1\0\0\0\x3c\0\4\xc6\x12\0\x09"


@dataclass(frozen=True)
class Case:
    """What the server says over UDP and TCP, from which mouth; what must come of it."""

    name: str
    udp: Voice
    verdict: Verdict = Verdict.FAIL
    reason: Reason | None = None
    words: str = ""
    tcp: Voice | None = None
    mouth: str = ""
    options: dict[str, object] = field(default_factory=dict)


def well(name: str, udp: Voice, tcp: Voice | None = None, /, **options: object) -> Case:
    return Case(name, udp, Verdict.OK, tcp=tcp, options=options)


TIMEOUT, SERVFAIL, NOTHING, WRONG = Reason.DNS_TIMEOUT, Reason.DNS_SERVFAIL, Reason.DNS_NO_ANSWER, Reason.DNS_WRONG_ANSWER
CHAIN = [f"{NAME} 60 IN CNAME a.test.", "a.test. 60 IN CNAME b.test.", "b.test. 60 IN A 198.18.0.9"]
ROUND = [f"{NAME} 60 IN CNAME a.test.", f"a.test. 60 IN CNAME {NAME}"]
CASES = [
    well("the right answer", saying(A)),
    well("what was expected", saying(A), expect="198.18.0.9"),
    well("all that was expected", saying(A, f"{NAME} 60 IN A 198.18.0.8"), expect=["198.18.0.8", "198.18.0.9"], exact=True),
    Case("silence", silent, reason=TIMEOUT),
    Case("nonsense without end", lambda asked: [asked.to_wire()[:2] + b"\x80" * 40] * 99, reason=WRONG, words="cannot be read"),
    Case("no such name", saying(rcode=dns.rcode.NXDOMAIN), reason=Reason.DNS_NXDOMAIN, words="does not exist"),
    Case("SERVFAIL", saying(rcode=dns.rcode.SERVFAIL), reason=SERVFAIL, words="SERVFAIL"),
    Case("REFUSED", saying(rcode=dns.rcode.REFUSED), reason=SERVFAIL, words="REFUSED"),
    Case("NOTIMP", saying(rcode=dns.rcode.NOTIMP), reason=SERVFAIL, words="NOTIMP"),
    Case("REFUSED without the question", altered(question=[], answer=[], flags=dns.flags.QR | 5), reason=SERVFAIL, words="REFUSED"),
    Case("another id", wrong_id, reason=TIMEOUT),
    Case("from another port", saying(A), reason=TIMEOUT, mouth="127.0.0.1"),
    Case("from another address", saying(A), reason=TIMEOUT, mouth="127.0.0.77"),
    Case("without the question", altered(question=[]), reason=TIMEOUT),
    Case("with the question twice", twice, reason=WRONG, words="no answer to one question"),
    Case("to another question", lambda _: [reply(dns.message.make_query("lain.test.", "A", id=1), A)], reason=TIMEOUT),
    Case("a question back", altered(flags=0), reason=TIMEOUT),
    Case("garbage", lambda asked: [b"", b"\0" * 5, asked.to_wire()[:2] + b"\xff" * 400], reason=TIMEOUT),
    well("garbage, then the answer", lambda asked: [b"\xff" * 40, *wrong_id(asked), reply(asked, A)]),
    Case("a name that points at itself", lambda asked: [circle(asked)], reason=TIMEOUT),
    Case("a name that points at itself, over TCP", cut, reason=WRONG, words="cannot be read", tcp=lambda asked: [framed(circle(asked))]),
    well("too long for UDP", cut, over_tcp(A)),
    Case("too long, and nobody listens at TCP", cut, reason=Reason.REFUSED, words="connection refused"),
    Case("too long, and TCP hangs up", cut, reason=Reason.REFUSED, words="ended the connection", tcp=over_tcp(A, keep=20)),
    Case("too long, and TCP hangs up within the length", cut, reason=Reason.REFUSED, words="ended the connection", tcp=over_tcp(keep=1)),
    Case("too long, and TCP stays silent", cut, reason=TIMEOUT, tcp=silent),
    Case("too long, and TCP answers another", cut, reason=WRONG, tcp=lambda asked: [framed(each) for each in wrong_id(asked)]),
    Case("too long, and garbage over TCP", cut, reason=WRONG, words="cannot be read", tcp=lambda _: [framed(b"\xff" * 99)]),
    well("900 records", cut, over_tcp(*OTHERS), expect="198.18.3.149"),
    Case("a longer answer than is read", cut, reason=WRONG, words="at most 16384 are read", tcp=lambda _: [framed(b"", 16385)]),
    Case("an answer and more over TCP", cut, Verdict.OK, tcp=lambda asked: [framed(reply(asked, A)), b"\0" * 9999]),
    well("a chain of aliases", saying(*CHAIN), expect="198.18.0.9"),
    well("the alias itself", saying(CHAIN[0]), type="CNAME", expect="A.test"),
    Case("aliases in a circle", saying(*ROUND), reason=WRONG, words="in a circle"),
    Case("an alias of nothing", saying(CHAIN[0]), reason=NOTHING, words="which is an alias of a.test"),
    Case("no records", saying(), reason=NOTHING, words="no A record for portal.pantau.test"),
    Case("another type", saying(f"{NAME} 60 IN AAAA 2001:db8::9"), reason=NOTHING),
    Case("records of another name", saying("lain.test. 60 IN A 198.18.0.9"), reason=NOTHING),
    Case("a lame delegation", saying(authority="test. 60 IN NS ns.lain.test."), reason=NOTHING, words="other name servers (ns.lain.test)"),
    well("the name in other letters", in_small_letters, name="PORTAL.Pantau.TEST"),
    Case("none of what was expected", saying(A), reason=WRONG, words="198.18.0.9; expected 198.18.0.8", options={"expect": "198.18.0.8"}),
    Case("one of two", saying(A), reason=WRONG, words="expected 198.18.0.8", options={"expect": ["198.18.0.9", "198.18.0.8"]}),
    Case(
        "one beside what was expected",
        saying(A, f"{NAME} 60 IN A 203.0.113.6"),
        reason=WRONG,
        words="203.0.113.6 beside what is expected",
        options={"expect": "198.18.0.9", "exact": True},
    ),
    well("an address written otherwise", saying(f"{NAME} 60 IN AAAA 2001:db8::9"), type="AAAA", expect="2001:DB8:0:0::9"),
    well("a mail server", saying(f"{NAME} 60 IN MX 10 Surel.Pantau.test."), type="MX", expect="10 surel.pantau.test"),
    well("a text in pieces", saying(f'{NAME} 60 IN TXT "v=spf1 " "-all"'), type="TXT", expect="v=spf1 -all"),
    Case("a text in other letters", saying(f'{NAME} 60 IN TXT "Abc"'), reason=WRONG, options={"type": "TXT", "expect": "abc"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_a_name_server_says_is_judged_and_what_is_no_answer_of_its_is_not(case: Case) -> None:
    async with serving(case.udp, case.tcp, case.mouth) as server:
        outcome = await look(server, 0.6 if case.reason is TIMEOUT else 3.0, **case.options)
    assert (outcome.verdict, outcome.reason) == (case.verdict, case.reason), outcome
    assert case.words in outcome.detail


async def test_of_a_huge_answer_a_few_records_are_kept() -> None:
    async with serving(cut, over_tcp(*OTHERS)) as server:
        outcome = await look(server)
    kept = outcome.values["answers"]
    assert isinstance(kept, list)
    assert len(kept) == MAX_RECORDS
    assert set(kept) < {record.rpartition(" ")[2] for record in OTHERS}


@pytest.mark.parametrize(
    ("address", "name"), [("198.18.0.9", "9.0.18.198.in-addr.arpa."), ("2001:db8::9", "9" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa.")]
)
async def test_a_pointer_may_be_asked_for_by_address(address: str, name: str) -> None:
    async with serving(saying(f"{name} 60 IN PTR portal.pantau.test.")) as server:
        outcome = await look(server, name=address, type="PTR", expect="portal.pantau.test")
    assert (outcome.verdict, outcome.detail) == (Verdict.OK, "")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"expect": "portal"}, "'portal' is no A record"),
        ({"expect": "198.18.0.9", "type": "AAAA"}, "'198.18.0.9' is no AAAA record"),
        ({"expect": "mail.test", "type": "MX"}, "'mail.test' is no MX record"),
        ({"name": "a..test"}, "is no name that can be asked for"),
        ({"name": "a" * 70}, "is no name that can be asked for"),
        ({"server": "ns.test"}, "'ns.test' is not the address of a name server"),
    ],
)
async def test_what_can_never_be_the_answer_is_a_wrong_key(keys: dict[str, object], words: str) -> None:
    outcome = await look("127.0.0.1:9", **keys)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.INTERNAL)
    assert words in outcome.detail


async def test_a_resolver_of_ours_that_sends_garbage_is_our_own_fault() -> None:
    async with serving(cut, lambda _: [framed(b"\xff" * 99)]) as server, Vantage.of([server]) as vantage:
        with pytest.raises(Fault) as caught:
            await vantage.share(Names).resolve("portal.pantau.test", Attempt(1.0))
    assert caught.value.reason is Reason.OWN_RESOLVER


ZONE = """
server:
    directory: "{folder}"
    interface: 127.0.0.1@53
    do-daemonize: no
    use-syslog: no
    username: ""
    chroot: ""
    pidfile: ""
    module-config: "iterator"
    do-not-query-localhost: no
    verbosity: 1
    local-zone: "pantau.test." static
    local-data: "portal.pantau.test. 60 IN A 198.18.0.9"
    local-data: "portal.pantau.test. 60 IN A 198.18.0.8"
    local-data: "alias.pantau.test. 60 IN CNAME portal.pantau.test."
    local-data-ptr: "198.18.0.9 portal.pantau.test"
    local-zone: "tutup.test." refuse
{texts}
remote-control:
    control-enable: no
"""


@pytest.fixture(name="unbound")
def unbound_fixture(ground: None, tmp_path: Path) -> Iterator[str]:
    """A real resolver with a zone of its own; yields its address and port."""
    del ground
    texts = "\n".join(f"    local-data: 'panjang.pantau.test. 60 IN TXT \"{at:03d}{'x' * 200}\"'" for at in range(40))
    (tmp_path / "unbound.conf").write_text(ZONE.format(folder=tmp_path, texts=texts))
    command = [need("unbound"), "-d", "-c", str(tmp_path / "unbound.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            heard = next((line for line in process.stderr if "start of service" in line), "")
            assert heard, "unbound did not start"
            yield "127.0.0.1:53"
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("name", "options", "verdict", "reason"),
    [
        ("portal", {"expect": ["198.18.0.8", "198.18.0.9"], "exact": True}, Verdict.OK, None),
        ("portal", {"expect": "198.18.0.7"}, Verdict.FAIL, WRONG),
        ("portal", {"type": "AAAA"}, Verdict.FAIL, NOTHING),
        ("alias", {"type": "CNAME", "expect": "portal.pantau.test"}, Verdict.OK, None),
        ("panjang", {"type": "TXT", "expect": "017" + "x" * 200}, Verdict.OK, None),
        ("hilang", {}, Verdict.FAIL, Reason.DNS_NXDOMAIN),
    ],
)
async def test_a_real_name_server_is_judged_by_its_answers(
    unbound: str, name: str, options: dict[str, object], verdict: Verdict, reason: Reason | None
) -> None:
    outcome = await look(unbound, 5.0, name=f"{name}.pantau.test", **options)
    assert (outcome.verdict, outcome.reason) == (verdict, reason), outcome


async def test_a_real_name_server_may_refuse(unbound: str) -> None:
    outcome = await look(unbound, 5.0, name="a.tutup.test")
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, SERVFAIL), outcome
    pointer = await look(unbound, 5.0, name="198.18.0.9", type="PTR", expect="portal.pantau.test")
    assert pointer.verdict is Verdict.OK
