"""The name servers of tests/test_probes_dns.py beside bare dnspython and blackbox_exporter.

Everybody asks for the same name and type with the same time-out, and is told what to expect where something is expected: dnspython by
comparing the texts of the records, blackbox_exporter by a regular expression, of which one record must match.
"""

import importlib.metadata
import json
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bench_peers
import zoo_peers as peers
from zoo_peers import Said, Well

from monitor.core.verdict import Reason
from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from tests import test_probes_dns as zoo
from tests.nameservers import NAME, serving

PAGE, CASE = "docs/zoo-dns.md", "name server"
PEERS = ("dnspython", "blackbox_exporter")
HEAD = """# The zoo of DNS: what others say of the same name servers

`tests/test_probes_dns.py` keeps {count} name servers that say anything, and holds Pantau to the verdict and the reason of each. Here the
same were asked by bare dnspython {dnspython} (`asyncresolver.Resolver.resolve`, over UDP, over TCP where the answer is too long) and by
blackbox_exporter {blackbox} (over UDP, as it is set up by default) too, each with the same time-out, name and type; what is expected is
compared with the texts of the records, or is a regular expression that one of them must match. **Bold**: its OK or FAIL is not ours. Told
besides: memory that grew by more than {worth} MiB, and time over twice the time-out.

Not ours is not always wrong: a program that asks only over UDP takes what is too long for that as it comes.
Made anew by `scripts/zoo dns`.
"""


def case_of(case: zoo.Case) -> peers.Case:
    """What the tests hold us to."""
    return peers.Case(case.name, case.verdict, case.reason, patience(case))


def patience(case: zoo.Case) -> float:
    """Seconds that everybody is given."""
    return 0.6 if case.reason is Reason.DNS_TIMEOUT else 3.0


HOUSES = {"Name servers": [case_of(case) for case in zoo.CASES]}


def head() -> str:
    """What stands above the table."""
    return HEAD.format(
        count=len(zoo.CASES),
        dnspython=importlib.metadata.version("dnspython"),
        blackbox=peers.version("prometheus-blackbox-exporter"),
        worth=peers.WORTH_SAYING,
    )


def keys(case: zoo.Case) -> dict[str, object]:
    """The keys of Pantau's look."""
    return {"name": NAME.rstrip("."), **case.options}


def expected(case: zoo.Case) -> list[str]:
    """What is expected of the records."""
    wanted = case.options.get("expect", ())
    return [wanted] if isinstance(wanted, str) else [str(each) for each in wanted]  # type: ignore[attr-defined]


async def as_pantau(asked: Mapping[str, object]) -> Well:
    """Look as the daemon does."""
    async with Vantage.of() as vantage:
        outcome = await look_at("dns", str(asked["server"]), dict(asked["keys"]), float(str(asked["timeout"])), vantage)  # type: ignore[call-overload]
        return peers.said_by_us(outcome)


async def as_dnspython(asked: Mapping[str, object]) -> Well:
    """Ask as its documentation does."""
    import dns.asyncresolver  # noqa: PLC0415 - only in its own process
    import dns.exception  # noqa: PLC0415

    options = dict(asked["keys"])  # type: ignore[call-overload]
    address, _, port = str(asked["server"]).partition(":")
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = [address], int(port), float(str(asked["timeout"]))
    try:
        answer = await resolver.resolve(str(options["name"]), str(options.get("type", "A")), search=False)
    except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
        return False, type(error).__name__
    told = [record.to_text().strip('"').rstrip(".") for record in answer]
    missing = [wanted for wanted in asked["expected"] if wanted not in told]  # type: ignore[attr-defined]
    return not missing, f"{', '.join(told)}" if missing else f"{len(told)} records" if len(told) > 1 else ""


def modules() -> str:
    """The modules of blackbox_exporter, one for each case."""
    found = {}
    for number, case in enumerate(zoo.CASES):
        kind = str(case.options.get("type", "A"))
        records = [rf"\t{kind}\t.*{re.escape(wanted)}" for wanted in expected(case)] or [rf"\t{kind}\t"]
        asked = {
            "query_name": str(keys(case)["name"]),
            "query_type": kind,
            "preferred_ip_protocol": "ip4",
            "validate_answer_rrs": {"fail_if_none_matches_regexp": records},
        }
        found[f"a{number}"] = {"prober": "dns", "timeout": f"{patience(case)}s", "dns": asked}
    return json.dumps({"modules": found})


async def looks(folder: Path) -> AsyncIterator[tuple[peers.Case, Sequence[Said]]]:
    """Yield each name server with what each program said of it."""
    children = [peers.Child(__file__, name) for name in ("pantau", "dnspython")]
    with bench_peers.blackbox(modules(), folder) as blackbox:
        for number, case in enumerate(zoo.CASES):
            said = []
            for child in children:
                async with serving(case.udp, case.tcp, case.mouth) as server:
                    asked = {"server": server, "keys": keys(case), "expected": expected(case)}
                    said.append(await child.look(patience(case), timeout=patience(case), **asked))
            async with serving(case.udp, case.tcp, case.mouth) as server:
                said.append(await peers.ask_blackbox(blackbox, f"a{number}", server, patience(case)))
            yield case_of(case), said
    for child in children:
        await child.end()


if __name__ == "__main__":
    peers.serve({"pantau": as_pantau, "dnspython": as_dnspython}[sys.argv[1]])
