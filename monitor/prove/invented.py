"""Invented cities: trees, rings (two arms that meet), double uplinks, shared risks; 20 to 60 nodes, the same for the same seed.

Every third one has addresses of both families.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from monitor.core.city import Application, Check, City, Kind, Link, Node, Receiver, Risk, Route
from monitor.core.rules import Grade

SMALLEST, LARGEST = 20, 60
TIMES: Mapping[Grade, tuple[float, float]] = {
    Grade.CORE: (3.0, 1.0), Grade.FIBRE: (10.0, 2.0), Grade.METRO: (10.0, 2.0), Grade.RADIO: (10.0, 3.0),
    Grade.VPN: (10.0, 3.0), Grade.APP: (20.0, 5.0),
}  # fmt: skip
LINES = (Grade.FIBRE, Grade.FIBRE, Grade.METRO, Grade.RADIO, Grade.VPN)
RECEIVERS = ("piket", "layar", "dinkes")


@dataclass(slots=True)
class Draft:
    """A city while it is being invented."""

    chance: random.Random
    nodes: dict[str, Node] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    apps: dict[str, Application] = field(default_factory=dict)

    def add(self, node: str, kind: Kind, parents: tuple[str, ...], grade: Grade) -> str:
        """Add a node with a line to each parent; where there are two and more, each line is looked at too; SNMP tells of ports."""
        self._node(node, kind, (parents,) if parents else (), grade)
        for number, parent in enumerate(parents):
            name = f"link-{node}" if number == 0 else f"link-{node}-{parent}"
            watched = len(parents) > 1 and kind is not Kind.INTERNET
            line = grade if number == 0 else self.chance.choice(LINES)
            port = f"ether{len(self.links)}" if len(self.nodes[parent].checks) > 1 else ""
            self.links[name] = Link(name, node, parent, line, backup=number > 0, address=name if watched else "", port=port)
            if watched:
                self._node(name, Kind.LINK, ((node,), (parent,)), line)
        return node

    def app(self, number: int) -> None:
        """Add an application on the hub or at a site, which may need an earlier one."""
        name, host = f"app-{number}", self.chance.choice(["hub", *(node.id for node in self.nodes.values() if node.kind is Kind.OPD)])
        needs = [app for app in self.apps if self.chance.random() < 0.4]
        self.apps[name] = Application(name, f"https://{name}.pantau.test", host)
        self._node(name, Kind.APP, ((host,), *((other,) for other in needs)), Grade.APP)

    def _node(self, node: str, kind: Kind, groups: tuple[tuple[str, ...], ...], grade: Grade) -> None:
        looks = [self._check(node, "http" if kind is Kind.APP else "icmp", grade, TIMES[grade])]
        if kind in {Kind.KECAMATAN, Kind.OPD} and self.chance.random() < 0.7:
            looks.append(self._check(node, "snmp", grade, (60.0, 5.0)))
        self.nodes[node] = Node(node, kind, node, groups, tuple(looks))

    def _check(self, node: str, kind: str, grade: Grade, times: tuple[float, float]) -> str:
        check = Check(f"{node}/{kind}", node, kind, node, grade, *times)
        self.checks[check.id] = check
        return check.id


def invented(seed: int) -> City:
    """Return the invented city of this number."""
    draft = Draft(random.Random(seed))  # noqa: S311 - the same number shall give the same city
    _top(draft)
    _trunk(draft)
    wanted = draft.chance.randint(SMALLEST, LARGEST)
    apps = draft.chance.randint(1, 4)
    while len(draft.nodes) < wanted - apps:
        _leaf(draft, len(draft.nodes))
    for number in range(apps):
        draft.app(number)
    risks = _risks(draft)
    nodes = {
        node.id: replace(node, risks=tuple(risk.id for risk in risks.values() if node.id in risk.members)) for node in draft.nodes.values()
    }
    return City(
        f"Kota {seed}",
        nodes=nodes,
        checks=draft.checks if seed % 3 != 2 else _addressed(draft.checks, seed),
        links=draft.links,
        applications=draft.apps,
        risks=risks,
        receivers={name: Receiver(name, "webhook", name) for name in RECEIVERS},
        routes=_routes(draft),
    )


def _addressed(checks: Mapping[str, Check], seed: int) -> dict[str, Check]:
    """Give each node an address, a third of them of IPv6; applications have names."""
    chance, addresses = random.Random(f"addresses {seed}"), dict[str, str]()  # noqa: S311 - the same number shall give the same city
    for number, check in enumerate(checks.values(), 1):
        address = f"2001:db8::{number:x}" if chance.random() < 1 / 3 else f"198.51.100.{number}"
        addresses.setdefault(check.node, address if check.kind != "http" else check.target)
    return {check.id: replace(check, target=addresses[check.node]) for check in checks.values()}


def _top(draft: Draft) -> None:
    draft.add("hub", Kind.HUB, (), Grade.CORE)
    uplinks = [draft.add(f"isp-{number}", Kind.ISP, ("hub",), Grade.METRO) for number in range(draft.chance.randint(1, 2))]
    draft.add("internet", Kind.INTERNET, tuple(uplinks), Grade.METRO)


def _trunk(draft: Draft) -> None:
    """Add kecamatan: on the hub, in a chain, or in a ring whose arms meet in the last one."""
    number = draft.chance.randint(2, 5)
    shape = draft.chance.choice(["star", "chain", "ring"])
    for turn in range(number):
        above: tuple[str, ...] = ("hub",) if turn < 2 or shape == "star" else (f"kec-{turn - 2}",)
        if shape == "ring" and turn == number - 1 and number > 2:
            above = (f"kec-{turn - 1}", f"kec-{turn - 2}")
        draft.add(f"kec-{turn}", Kind.KECAMATAN, above, draft.chance.choice([Grade.CORE, Grade.FIBRE]))


def _leaf(draft: Draft, number: int) -> None:
    """Add a site: mostly below one kecamatan, sometimes below two, or on the hub and a kecamatan."""
    kecamatan = [node.id for node in draft.nodes.values() if node.kind is Kind.KECAMATAN]
    form = draft.chance.random()
    if form < 0.6:
        draft.add(f"kel-{number}", Kind.KELURAHAN, (draft.chance.choice(kecamatan),), draft.chance.choice(LINES))
    elif form < 0.8:
        draft.add(f"opd-{number}", Kind.OPD, ("hub",), Grade.FIBRE)
    else:
        below = ("hub", *kecamatan)
        draft.add(f"opd-{number}", Kind.OPD, tuple(draft.chance.sample(below, 2)), draft.chance.choice(LINES))


def _risks(draft: Draft) -> dict[str, Risk]:
    sites = [node.id for node in draft.nodes.values() if node.kind in {Kind.KECAMATAN, Kind.KELURAHAN, Kind.OPD}]
    found = {}
    for number in range(draft.chance.randint(1, 3)):
        river = draft.chance.random() < 0.4
        members = tuple(sorted(draft.chance.sample(sites, draft.chance.randint(2, min(6, len(sites))))))
        name = f"sungai-{number}" if river else f"pln-{number}"
        found[name] = Risk(name, "river" if river else "feeder", name, members, 3600.0 if river else 15.0, 1200.0)
    return found


def _routes(draft: Draft) -> tuple[Route, ...]:
    """Everybody hears of something, and one hears of few things."""
    some = tuple(draft.chance.sample([node.id for node in draft.nodes.values()], 3))
    return Route(("layar",)), Route(("piket",), severities=("critical", "major")), Route(("dinkes",), sites=some)
