"""Pings over real ways of the kernel: its routers, filters, routes and narrow links, how they refuse, and who says so."""

import functools
from dataclasses import dataclass

import pytest

from tests.conftest import need
from tests.ground import look_inside


@dataclass(frozen=True)
class Side:
    """Addresses of one family: ours, the hub's towards us and towards the end, the end's; a target and its net by number."""

    us: str
    hub: str
    hub_down: str
    end: str
    target: str
    net: str
    bits: int
    flag: str
    quiet: str = ""


SIDES = {
    "ip": Side("198.18.0.1", "198.18.0.2", "198.19.0.1", "198.19.0.2", "198.20.{}.1", "198.20.{}.0/24", 30, "-4"),
    "ip6": Side("2001:db8::1", "2001:db8::2", "2001:db8:1::1", "2001:db8:1::2", "2001:db8:{}::1", "2001:db8:{}::/48", 64, "-6", " nodad"),
}


@dataclass(frozen=True)
class Way:
    """A way to one target of its own beyond the hub: `rule` of nftables there, or `route` of it, or neither."""

    name: str
    verdict: str
    reason: str | None
    detail: str = ""
    rule: str = ""
    route: str = ""
    family: str = "ip"
    count: int = 1
    df: bool = False
    size: int = 56
    ttl: int | None = None
    by: str = "hub"
    values: tuple[tuple[str, int], ...] = ()


def rejecting(word: str, detail: str, family: str = "ip") -> Way:
    kind = "icmp" if family == "ip" else "icmpv6"
    return Way(f"reject with {kind} {word}", "FAIL", "unreachable", detail, rule=f"reject with {kind} type {word}", family=family)


def routed(word: str, detail: str, family: str = "ip") -> Way:
    return Way(f"route {word}, {family}", "FAIL", "unreachable", detail, route=word, family=family)


NARROW = "packet too big, at most 1300 bytes pass"
LOOP, LOOP_6 = "time to live ended on the way", "hop limit ended on the way"
WAYS = [
    Way("through", "OK", None, values=(("received", 1),)),
    Way("through, ip6", "OK", None, family="ip6"),
    rejecting("net-unreachable", "network unreachable"),
    rejecting("host-unreachable", "host unreachable"),
    rejecting("prot-unreachable", "protocol unreachable"),
    rejecting("port-unreachable", "port unreachable"),
    rejecting("net-prohibited", "network prohibited"),
    rejecting("host-prohibited", "host prohibited"),
    rejecting("admin-prohibited", "prohibited by a filter"),
    rejecting("no-route", "no route to the destination", "ip6"),
    rejecting("admin-prohibited", "prohibited by a filter", "ip6"),
    rejecting("addr-unreachable", "address unreachable", "ip6"),
    rejecting("port-unreachable", "port unreachable", "ip6"),
    rejecting("policy-fail", "prohibited by a filter on the source", "ip6"),
    rejecting("reject-route", "route rejects", "ip6"),
    Way("dropped", "FAIL", "timeout", rule="drop"),
    Way("dropped, ip6", "FAIL", "timeout", rule="drop", family="ip6"),
    Way("no more than two a minute", "WARN", "packet_loss", "2 of 4 answered", "limit rate over 2/minute burst 2 packets drop", count=4),
    Way("the reply comes from another address", "FAIL", "timeout", rule="SPOOF ip saddr set 198.19.0.66"),
    Way("the reply comes from another address, ip6", "FAIL", "timeout", rule="SPOOF ip6 saddr set 2001:db8:1::66", family="ip6"),
    Way("the hub sends it twice", "OK", None, rule="dup to 198.19.0.2", count=4, values=(("received", 4), ("duplicates", 3))),
    Way("the hub sends it twice, ip6", "OK", None, rule="dup to 2001:db8:1::2", family="ip6", count=4, values=(("duplicates", 3),)),
    routed("unreachable", "host unreachable"),
    routed("prohibit", "prohibited by a filter"),
    Way("route blackhole", "FAIL", "timeout", route="blackhole"),
    routed("unreachable", "no route to the destination", "ip6"),
    routed("prohibit", "prohibited by a filter", "ip6"),
    Way("a loop of routes", "FAIL", "unreachable", f"{LOOP} (a loop of routes?)", route="LOOP", by="end"),
    Way("a loop of routes, ip6", "FAIL", "unreachable", f"{LOOP_6} (a loop of routes?)", route="LOOP", by="end", family="ip6"),
    Way("fewer hops than needed", "FAIL", "unreachable", LOOP, ttl=1),
    Way("fewer hops than needed, ip6", "FAIL", "unreachable", LOOP_6, ttl=1, family="ip6"),
    Way("as many hops as needed", "OK", None, ttl=2),
    Way("too big for a narrow link", "FAIL", "unreachable", NARROW, size=1400, df=True),
    Way("too big for a narrow link, ip6", "FAIL", "unreachable", NARROW, size=1400, df=True, family="ip6"),
    Way("divided for a narrow link", "OK", None, size=1400),
    Way("divided for a narrow link, ip6", "OK", None, size=4000, family="ip6"),
    Way("small enough for a narrow link", "OK", None, size=1272, df=True),
    Way("too big for our own link", "UNSURE", "no_route", "larger than our own link takes", size=1600, df=True),
]  # fmt: skip
NETWORK = """
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; ip netns add hub; ip netns add end
for each in hub end; do ip -n $each link set lo up; ip netns exec $each sh -c 'cd /proc/sys/net; echo 1 >ipv4/ip_forward
    echo 0 >ipv4/icmp_ratemask; echo 0 >ipv6/icmp/ratelimit; echo 0 >ipv6/conf/default/accept_dad; echo 1 >ipv6/conf/all/forwarding
    echo 0 >ipv4/conf/all/rp_filter; echo 0 >ipv4/conf/default/rp_filter'; done
ip link add us0 type veth peer name us1 netns hub; ip -n hub link add hub1 type veth peer name end0 netns end
ip link set us0 up; ip -n hub link set us1 up; ip -n hub link set hub1 mtu 1300 up; ip -n end link set end0 mtu 1300 up
"""


def network() -> str:
    """The script of the network: us, a hub with filters and routes, one end with the addresses of all targets behind a narrow link."""
    script = [NETWORK]
    for kind, side in SIDES.items():
        made = f"/{side.bits} dev {{}}{side.quiet}"
        script += [
            f"ip {side.flag} addr add {side.us}{made.format('us0')}; ip -n hub {side.flag} addr add {side.hub}{made.format('us1')}",
            f"ip -n hub {side.flag} addr add {side.hub_down}{made.format('hub1')}",
            f"ip -n end {side.flag} addr add {side.end}{made.format('end0')}",
            f"ip {side.flag} route add default via {side.hub}; ip -n end {side.flag} route add default via {side.hub_down}",
            f"ip netns exec hub nft 'add table {kind} ways; add chain {kind} ways over {{ type filter hook forward priority 0; }}'",
            f"ip netns exec end nft 'add table {kind} ways; add chain {kind} ways back {{ type filter hook postrouting priority 300; }}'",
        ]
    return "\n".join([*script, *(line for number, way in enumerate(WAYS) for line in _built(number, way))])


def target(number: int) -> str:
    return SIDES[WAYS[number].family].target.format(number + 16)


def _built(number: int, way: Way) -> list[str]:
    side, there = SIDES[way.family], target(number)
    net = side.net.format(number + 16)
    through = way.route in {"", "LOOP"}
    lines = [f"ip -n hub {side.flag} route add " + (f"{net} via {side.end}" if through else f"{way.route} {net}")]
    if way.route != "LOOP":
        lines.append(f"ip -n end {side.flag} addr add {there} dev lo{side.quiet}")
    if way.rule.startswith("SPOOF "):
        lines.append(f"ip netns exec end nft add rule {way.family} ways back {way.family} saddr {there} {way.rule.removeprefix('SPOOF ')}")
    elif way.rule:
        lines.append(f"ip netns exec hub nft add rule {way.family} ways over {way.family} daddr {there} {way.rule}")
    return lines


BETTER_WAY = """
ip netns add hub; ip netns add end; ip netns exec hub sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip link add us0 type veth peer name us1 netns hub; ip -n hub link add hub1 type veth peer name end0 netns end
ip -n hub link add lan type bridge; for each in us1 hub1; do ip -n hub link set $each master lan up; done
ip link set us0 up; ip -n hub link set lan up; ip -n end link set end0 up
ip addr add 198.18.0.1/24 dev us0; ip -n hub addr add 198.18.0.2/24 dev lan; ip -n end addr add 198.18.0.3/24 dev end0
ip -n end link set lo up; ip -n end addr add 198.20.0.1 dev lo
ip route add default via 198.18.0.2; ip -n hub route add 198.20.0.0/24 via 198.18.0.3; ip -n hub route add 198.21.0.0/24 via 198.18.0.4
"""
"""All three on one link: the hub, whom we ask the way, sends what is for the end back out of where it came from."""


@functools.cache
def found() -> dict[str, dict[str, object]]:
    need("nft")
    keys = ("count", "size", "df", "ttl")
    looks: list[dict[str, object]] = [
        {"kind": "icmp", "target": target(number), "timeout": 1, "packet_interval": 0.02} | {key: getattr(way, key) for key in keys}
        for number, way in enumerate(WAYS)
    ]
    return look_inside(network(), *looks)


@pytest.mark.parametrize("number", range(len(WAYS)), ids=lambda number: WAYS[number].name)
def test_what_a_way_does_to_a_ping_is_its_reason_and_names_who_did_it(number: int) -> None:
    way, outcome = WAYS[number], found()[str(number)]
    assert (outcome["verdict"], outcome["reason"]) == (way.verdict, way.reason), outcome
    if way.reason == "unreachable":
        assert outcome["detail"] == f"{getattr(SIDES[way.family], way.by)} says: {way.detail}"
    elif way.detail:
        assert outcome["detail"] == way.detail
    values = outcome["values"]
    assert isinstance(values, dict)
    assert [values.get(key) for key, _ in way.values] == [value for _, value in way.values]


REFUSED = [number for number, way in enumerate(WAYS) if way.reason == "unreachable" and (way.rule or way.route not in {"", "LOOP"})]
OTHERS: dict[str, dict[str, object]] = {
    "tcp": {"port": 80},
    "http": {"url": "http://{}/"},
    "snmp": {"version": "2c"},
    "dns": {"name": "a.test"},
    "ntp": {},
}
OWN = [
    (f"{flag} {route}", f"ip {flag} route add {route} {net}", address)
    for flag, net, address in (("-4", "198.21.{}.0/24", "198.21.{}.1"), ("-6", "2001:db8:f{}::/48", "2001:db8:f{}::1"))
    for route in ("unreachable", "prohibit", "blackhole")
]


def _look(kind: str, at: str) -> dict[str, object]:
    words = {key: word.format(f"[{at}]" if ":" in at else at) if isinstance(word, str) else word for key, word in OTHERS[kind].items()}
    # a refusal that comes while connect() is still at it is lost on Linux: what it sends again after a second is refused, too
    return {"kind": kind, "target": at, "timeout": 4 if kind in {"tcp", "http"} else 1} | words


@functools.cache
def refused() -> dict[str, dict[str, object]]:
    return look_inside(network(), *(_look(kind, target(number)) for number in REFUSED for kind in OTHERS))


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("place", range(len(REFUSED)), ids=lambda place: WAYS[REFUSED[place]].name)
def test_what_a_router_refuses_is_no_fault_of_ours_whoever_asks(place: int, kind: str) -> None:
    outcome = refused()[str(place * len(OTHERS) + list(OTHERS).index(kind))]
    assert outcome["verdict"] == "FAIL", outcome
    if kind in {"tcp", "http"}:  # Linux tells sockets of UDP not all that it hears
        assert outcome["reason"] == ("refused" if "port-unreachable" in WAYS[REFUSED[place]].name else "unreachable"), outcome


@functools.cache
def forbidden() -> dict[str, dict[str, object]]:
    ours = "\n".join(line.format(number) for number, (_, line, _) in enumerate(OWN))
    return look_inside(ours, *(_look(kind, at.format(number)) for number, (_, _, at) in enumerate(OWN) for kind in OTHERS))


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("number", range(len(OWN)), ids=lambda number: OWN[number][0])
def test_what_our_own_kernel_lets_not_go_is_ours(number: int, kind: str) -> None:
    outcome = forbidden()[str(number * len(OTHERS) + list(OTHERS).index(kind))]
    assert (outcome["verdict"], outcome["reason"]) == ("UNSURE", "no_route"), outcome


def test_a_router_that_knows_a_better_way_is_told_with_the_look_and_decides_nothing() -> None:
    to_well: dict[str, object] = {"kind": "icmp", "target": "198.20.0.1", "timeout": 1}
    to_mute = to_well | {"target": "198.21.0.1", "count": 3, "packet_interval": 0.1}  # a router does not say it with every packet
    answers = look_inside(BETTER_WAY, to_well, to_mute)
    well, mute = answers["0"], answers["1"]
    assert (well["verdict"], well["values"]) == (
        "OK",
        {"sent": 1, "received": 1, "redirect": "198.18.0.2 says: a better way is 198.18.0.3"},
    ), well
    assert (mute["verdict"], mute["reason"]) == ("FAIL", "timeout"), mute
    assert mute["detail"] == "no reply within 1 s; 198.18.0.2 says: a better way is 198.18.0.4"
