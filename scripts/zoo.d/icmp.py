"""The situations of tests/test_probes_icmp_zoo.py beside fping, icmplib and blackbox_exporter.

All look in one network namespace, at a network on a TUN device of which we play every machine. Each is told the same size, hop limit,
count and time-out, so far as it can be told; blackbox_exporter sends one packet whatever is wanted.
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
from zoo_peers import Case, Said, Well

from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from tests.ground import own_network
from tests.liars import Liars, ip, liars
from tests.test_probes_icmp_zoo import CASES, LIES, Lie, target_of

PAGE, CASE = "docs/zoo-icmp.md", "situation"
PEERS = ("fping", "icmplib", "blackbox_exporter")
PATIENCE = 1.0
HEAD = """# The zoo of ICMP: what others say of the same situations

`tests/test_probes_icmp_zoo.py` plays every machine of a network on a TUN device, and holds Pantau to the verdict, the reason, its words
and its values in {count} situations (there over raw sockets, too). Here the same were looked at by fping {fping}, icmplib {icmplib}
(`ping`, over raw sockets) and blackbox_exporter {blackbox} as well, each from a process of its own, in the same namespace, and told the
same size, hop limit and count so far as it can be told: icmplib knows neither DF nor a hop limit, and blackbox_exporter sends one packet
whatever is wanted. All wait for {patience:g} s. OK is whoever heard a reply; **bold**: its OK or FAIL is not ours.

Not ours is not always wrong: with some packets lost, one program's single packet may come through, or not.
Made anew by `scripts/zoo icmp`.
"""
SAID_BY_FPING = re.compile(r"^(ICMP .*?) from (\S+) for ", re.MULTILINE)


def name_of(number: int) -> str:
    """The name of a case in the table."""
    lie, old = CASES[number]
    return f"{lie.name}, IPv{4 if old else 6}"


def case_of(number: int) -> Case:
    """What the tests hold us to."""
    lie, _ = CASES[number]
    return Case(name_of(number), lie.verdict, lie.reason, PATIENCE)


def _house(lie: Lie) -> str:
    return "A router speaks" if lie.name.startswith("a router says") else "Replies, and what is none"


HOUSES: dict[str, list[Case]] = {_house(lie): [] for lie in LIES}
for _number, (_lie, _) in enumerate(CASES):
    HOUSES[_house(_lie)].append(case_of(_number))


def head() -> str:
    """What stands above the tables."""
    return HEAD.format(
        count=len(CASES),
        fping=peers.version("fping"),
        icmplib=importlib.metadata.version("icmplib"),
        blackbox=peers.version("prometheus-blackbox-exporter"),
        patience=PATIENCE,
    )


async def as_pantau(asked: Mapping[str, object]) -> Well:
    """Look as the daemon does."""
    async with Vantage.of() as vantage:
        return peers.said_by_us(await look_at("icmp", str(asked["target"]), dict(asked["options"]), PATIENCE, vantage))  # type: ignore[call-overload]


async def as_icmplib(asked: Mapping[str, object]) -> Well:
    """Ping as its documentation does."""
    import icmplib  # noqa: PLC0415 - only in its own process

    options = dict(asked["options"])  # type: ignore[call-overload]
    size = {"payload_size": int(str(options["size"]))} if "size" in options else {}
    try:
        found = icmplib.ping(
            str(asked["target"]), int(options.get("count", 1)), float(options.get("packet_interval", 1)), PATIENCE, privileged=True, **size
        )
    except icmplib.ICMPLibError as error:
        return False, type(error).__name__
    more = found.packets_sent > 1 and found.packets_received not in {0, found.packets_sent}
    return found.is_alive, f"{found.packets_received} of {found.packets_sent}" if more else ""


async def as_fping(target: str, options: Mapping[str, object]) -> Said:
    """Ping as a command does."""
    count = int(str(options.get("count", 1)))
    words = [bench_peers.need("fping"), f"-c{count}", f"-t{PATIENCE * 1000:.0f}", f"-p{10 if count > 1 else 1000}"]
    words += [f"-b{options['size']}"] if "size" in options else []
    words += [f"-H{options['ttl']}"] if "ttl" in options else []
    words += ["-M"] if options.get("df") else []
    code, told, seconds = await peers.command([*words, target])
    loss = re.search(r"xmt/rcv/%loss = (\d+)/(\d+)/", told)
    sent, received = (int(loss[1]), int(loss[2])) if loss else (0, 0)
    router = SAID_BY_FPING.search(told)
    unreadable = "" if loss or code is None else told.strip().splitlines()[-1]
    lost = f"{received} of {sent}" if received not in {0, sent} else ""
    said = f"{router[2]}: {router[1]}" if router else "duplicates" if "duplicate" in told else ""
    return Said(received > 0, ", ".join(filter(None, (lost, said, unreadable, "no end" * (code is None)))), seconds, PATIENCE)


def modules() -> str:
    """The modules of blackbox_exporter, one for each case, whose options differ."""
    found = {}
    for number, (lie, old) in enumerate(CASES):
        asked: dict[str, object] = {"preferred_ip_protocol": "ip4" if old else "ip6", "ip_protocol_fallback": False}
        named = {"size": "payload_size", "df": "dont_fragment", "ttl": "ttl"}
        asked |= {named[key]: value for key, value in lie.options.items() if key in named}
        if not old:
            asked.pop("dont_fragment", None)  # it refuses that over IPv6
        found[f"a{number}"] = {"prober": "icmp", "timeout": f"{PATIENCE}s", "icmp": asked}
    return json.dumps({"modules": found})


async def looks(folder: Path) -> AsyncIterator[tuple[Case, Sequence[Said]]]:
    """Yield each situation with what each program said of it."""
    pantau, icmplib = (peers.Child(__file__, name) for name in ("pantau", "icmplib"))
    with own_network(), liars() as network, bench_peers.blackbox(modules(), folder) as blackbox:
        for number, (lie, _) in enumerate(CASES):
            target = target_of(number)
            lying(network, target, lie)
            said = [await pantau.look(PATIENCE, target=target, options=lie.options)]
            lying(network, target, lie)
            said.append(await as_fping(target, lie.options))
            lying(network, target, lie)
            said.append(await icmplib.look(PATIENCE, target=target, options=lie.options))
            lying(network, target, lie)
            said.append(await peers.ask_blackbox(blackbox, f"a{number}", target, PATIENCE))
            yield case_of(number), said
        await pantau.end()
        await icmplib.end()


def lying(network: Liars, target: str, lie: Lie) -> None:
    """Let the machine there begin anew, and our kernel forget what a router said of the width of its link."""
    network.live(target, lie.habit())
    ip("route flush cache")
    ip("-6 route flush cache")


if __name__ == "__main__":
    peers.serve({"pantau": as_pantau, "icmplib": as_icmplib}[sys.argv[1]])
