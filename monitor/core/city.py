"""The city as the rules see it: nodes that are looked at, what each needs, and who is told. Resolved, frozen, pure.

`monitor.inventory` makes a `City` from `inventory.yaml`; everything here is already checked and free of defaults.
Ids are the inventory's. A secret is never a value here: it is a reference such as `!credential telegram`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from monitor.core.rules import GRADES, Grade, Rule
from monitor.core.traps import Traps


class Kind(StrEnum):
    """What a node is; `SITES` are the kinds that are counted as sites."""

    HUB = "hub"
    ISP = "isp"
    INTERNET = "internet"
    RESOLVER = "resolver"
    KECAMATAN = "kecamatan"
    KELURAHAN = "kelurahan"
    PUSKESMAS = "puskesmas"
    OPD = "opd"
    TITIK = "titik"
    LINK = "link"
    APP = "app"


SITES = frozenset({Kind.KECAMATAN, Kind.KELURAHAN, Kind.PUSKESMAS, Kind.OPD, Kind.TITIK})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at: `id` is `node/kind`, or `node/kind-name` for a further one of that kind; times in seconds.

    `options` are the keys of the probe kind in JSON form, as its options type in `monitor.probes` reads them.
    """

    id: str
    node: str
    kind: str
    target: str
    grade: Grade
    interval: float
    timeout: float
    options: Mapping[str, object] = field(default_factory=dict)
    where: str = field(default="", compare=False)

    @property
    def host(self) -> str:
        """The name or address that it looks at."""
        return urlsplit(self.target).hostname or self.target if "://" in self.target else self.target

    def looks_at_the_same(self, other: "Check") -> bool:
        """Tell whether two checks look at the same thing; a new interval or time-out changes no belief."""
        return (self.node, self.kind, self.target, self.options) == (other.node, other.kind, other.target, other.options)


@dataclass(frozen=True, slots=True)
class Node:
    """One node: a site, router, uplink, watched link or application.

    It is reachable when in every group of `groups` at least one node forwards. `checks[0]` decides it; a node without
    checks is not looked at. `owner` is the OPD (or kecamatan) that answers for it, `risks` the feeders, ducts, masts
    and rivers it shares. `where` is `file:line` in the inventory.
    """

    id: str
    kind: Kind
    name: str
    groups: tuple[tuple[str, ...], ...] = ()
    checks: tuple[str, ...] = ()
    owner: str = ""
    kecamatan: str = ""
    urusan: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    hours: str = "24x7"
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A line from `child` up to `parent`; with an `address` (of its far end) it is also a node of kind LINK with the same id.

    `port` is the interface of the parent's device that it is plugged into, as SNMP names it (empty: not known).
    """

    id: str
    child: str
    parent: str
    grade: Grade
    provider: str = ""
    backup: bool = False
    address: str = ""
    port: str = ""
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Application:
    """What people need to know of an application beside its node (same id): who uses it and who last looked after it."""

    id: str
    url: str
    host: str
    users: tuple[str, ...] = ()
    vendor: str = ""
    contract_end: str = ""
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Risk:
    """Something that takes several nodes at once but cannot answer: a feeder, duct, mast or river. `window` in seconds."""

    id: str
    kind: str
    name: str
    members: tuple[str, ...] = ()
    window: float = 15.0
    battery: float = 0.0
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Urusan:
    """One of the city's affairs (refuse, education, health, ...) and the OPD that hold it."""

    id: str
    name: str
    opds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be told; contacts are references or addresses as a channel reads them."""

    id: str
    name: str
    opd: str = ""
    contacts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where a page goes: a channel of `alerts.channels` and its options; `language` is `id`, `en` or `id+en`."""

    id: str
    channel: str
    name: str
    language: str = "id+en"
    options: Mapping[str, object] = field(default_factory=dict)
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Route:
    """Tells `to` of every incident that matches all of the given lists; an empty list matches everything."""

    to: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    opds: tuple[str, ...] = ()
    urusan: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class City:
    """The whole resolved inventory. `fingerprint` names its content; `utc_offset` is in hours (WIB is 7).

    `rules` are the detection rules of the classes.
    `page` is the address by which people open the status page, without a slash at its end (empty: none is told).
    """

    name: str
    fingerprint: str = ""
    utc_offset: float = 7.0
    page: str = ""
    resolver: tuple[str, ...] = ()
    ca: str = ""
    icmp_backend: str = "shared"
    snmp_backend: str = "auto"
    traps: Traps = field(default_factory=Traps)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    applications: Mapping[str, Application] = field(default_factory=dict)
    risks: Mapping[str, Risk] = field(default_factory=dict)
    urusan: Mapping[str, Urusan] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    receivers: Mapping[str, Receiver] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    rules: Mapping[Grade, Rule] = field(default_factory=lambda: GRADES)

    def decider(self, node: str) -> Check | None:
        """Return the check that decides a node, None for one that is not looked at."""
        found = self.nodes.get(node)
        return self.checks[found.checks[0]] if found and found.checks else None
