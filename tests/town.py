"""A town to show: two kecamatan, what is behind them, applications, and an engine that was told what to believe of each."""

import math
from collections.abc import Mapping

from alerts.incidents import Cause, Incident, Member
from exporters.view import Bell, View
from monitor.core.belief import Belief, Status
from monitor.core.city import SITES, Application, Check, City, Kind, Link, Node, Receiver, Risk, Urusan
from monitor.core.events import Page, Severity, Step, Why
from monitor.core.rules import Grade
from monitor.core.verdict import Reason, Verdict
from monitor.engine import Engine, State

NOW = 1_795_503_900.0  # 2026-11-24 14.05 WIB
CENTRE = (-7.6453, 112.9075)
KECAMATAN = {"gadingrejo": (-7.6407, 112.8863), "purworejo": (-7.6654, 112.8976)}


def _look(node: str, kind: str = "icmp", grade: Grade = Grade.FIBRE) -> Check:
    return Check(f"{node}/{kind}", node, kind, "198.18.0.1", grade, 10, 2, where="inventory.yaml:7")


def _site(kind: Kind, word: str, parent: str, place: tuple[float, float], kecamatan: str = "") -> Node:
    prefix = {Kind.KELURAHAN: "kel", Kind.PUSKESMAS: "pkm", Kind.OPD: "opd", Kind.KECAMATAN: "kec"}[kind]
    node = f"{prefix}-{word}"
    name = f"{kind.value.capitalize() if kind is not Kind.OPD else 'Dinas'} {word.capitalize()}"
    return Node(
        node, kind, name, ((parent,),), (f"{node}/icmp",), "", kecamatan, latitude=place[0], longitude=place[1], where="inventory.yaml:12"
    )


def _nodes(kelurahan: int, opds: int) -> list[Node]:
    nodes = [Node("hub", Kind.HUB, "Kantor Wali Kota", (), ("hub/icmp",), latitude=CENTRE[0], longitude=CENTRE[1])]
    nodes.append(Node("internet", Kind.INTERNET, "Internet", (("hub",),), ("internet/icmp",)))
    for number, (word, (latitude, longitude)) in enumerate(KECAMATAN.items()):
        kecamatan = f"kec-{word}"
        nodes.append(_site(Kind.KECAMATAN, word, "hub", (latitude, longitude), kecamatan))
        for turn in range(kelurahan):
            angle = math.tau * turn / kelurahan
            place = (latitude + 0.006 * math.sin(angle), longitude + 0.008 * math.cos(angle))
            nodes.append(_site(Kind.KELURAHAN, f"{'abcdefghijklmnopqrstuvwxyz'[turn]}{number}", kecamatan, place, kecamatan))
        nodes.append(_site(Kind.PUSKESMAS, word, kecamatan, (latitude, longitude), kecamatan))
    nodes.extend(_site(Kind.OPD, f"dinas{turn}", "hub", CENTRE) for turn in range(opds))
    return nodes


def town(kelurahan: int = 3, opds: int = 2) -> City:
    """Return a town; `opd-dinas0` has a second, watched link to kec-purworejo and owns `app-portal`."""
    nodes = {node.id: node for node in _nodes(kelurahan, opds)}
    links = {
        f"link-{node.id}": Link(f"link-{node.id}", node.id, node.groups[0][0], Grade.FIBRE) for node in nodes.values() if node.kind in SITES
    }
    backup = "link-opd-dinas0-b"
    links[backup] = Link(backup, "opd-dinas0", "kec-purworejo", Grade.RADIO, "Telkom", backup=True, address="198.19.0.1")
    nodes[backup] = Node(
        backup,
        Kind.LINK,
        "Jalur cadangan Dinas Dinas0 dan Pelayanan Terpadu Satu Pintu – Kecamatan Purworejo",
        (("opd-dinas0",), ("kec-purworejo",)),
        (f"{backup}/icmp",),
    )
    nodes["app-portal"] = Node(
        "app-portal", Kind.APP, "Portal <Kota>", (("hub",),), ("app-portal/http",), "opd-dinas0", urusan=("kominfo",)
    )
    checks = [_look(node.id) for node in nodes.values() if node.kind is not Kind.APP] + [_look("app-portal", "http", Grade.APP)]
    return City(
        "Kota Pasuruan",
        "f00dfeed",
        nodes=nodes,
        checks={check.id: check for check in checks},
        links=links,
        applications={"app-portal": Application("app-portal", "https://portal.pantau.test", "hub", ("masyarakat",))},
        risks={"sungai-welang": Risk("sungai-welang", "river", "Sungai Welang", ("kel-a0", "kel-b0", "kel-c0"))},
        urusan={"kominfo": Urusan("kominfo", "Komunikasi dan informatika", ("opd-dinas0",))},
        receivers={"tg-noc": Receiver("tg-noc", "telegram", "Petugas piket"), "surel": Receiver("surel", "mail", "Kabid")},
    )


def up(at: float = NOW - 3) -> Belief:
    """Return what is believed of a check that answers."""
    return Belief(
        Status.UP, NOW - 86400, last_ok=at, last_ok_sent=at, last_valid=at, last_sent=at, verdict=Verdict.OK, seconds=0.0042,
        values={"sent": 2, "received": 2}, counts={Verdict.OK: 100, Verdict.FAIL: 1},
    )  # fmt: skip


def down(since: float = NOW - 600) -> Belief:
    """Return what is believed of a check that does not answer."""
    return Belief(
        Status.DOWN, since, 7, 20.0, since - 20, NOW - 4, since, last_ok=since - 30, last_valid=NOW - 4, last_sent=NOW - 4,
        verdict=Verdict.FAIL, reason=Reason.TIMEOUT, values={"sent": 4, "received": 1}, counts={Verdict.OK: 90, Verdict.FAIL: 12},
    )  # fmt: skip


def engine_of(city: City, beliefs: Mapping[str, Belief] | None = None, *incidents: Incident, owed: tuple[Page, ...] = ()) -> Engine:
    """Return an engine that believes this (of all else: it answers) and has these incidents."""
    believed = {check: up() for check in city.checks} | dict(beliefs or {})
    state = State(
        city=city,
        beliefs=believed,
        incidents={incident.id: incident for incident in incidents},
        owed={page.key: page for page in owed},
        counts={"unknown_check": 2},
        serial=17,
    )
    return Engine(state)


def unheard(since: float, last_valid: float = 0.0) -> Engine:
    """Return the engine of a town that is watched since then, and of which nothing has ever answered."""
    return engine_of(town(), {check: Belief(since=since, last_valid=last_valid) for check in town().checks})


def cut(city: City, word: str = "gadingrejo", incident: str = "g17") -> tuple[dict[str, Belief], Incident, Page]:
    """Return what is believed, the incident and a page still owed when this kecamatan is cut off."""
    kecamatan = f"kec-{word}"
    behind = tuple(node.id for node in city.nodes.values() if node.kecamatan == kecamatan and node.id != kecamatan)
    cause = Cause(
        kecamatan, Why.ROOT_VERIFIED, Reason.TIMEOUT, "", (NOW - 630, NOW - 620), Severity.CRITICAL, (kecamatan, f"link-{kecamatan}"),
        (kecamatan,), (), behind, ("opd-dinas0",), ("kominfo",),
    )  # fmt: skip
    found = Incident(incident, cause, NOW - 600, {kecamatan: Member(NOW - 620)}, ["tg-noc", "surel"], 1)
    page = Page(
        f"{incident}/1/surel",
        incident,
        Step.OPEN,
        "surel",
        NOW - 600,
        kecamatan,
        cause.severity,
        cause.why,
        cause.reason,
        "",
        cause.since,
        NOW - 600,
    )
    return {f"{node}/icmp": down() for node in (kecamatan, *behind)}, found, page


def cut_engine(city: City | None = None) -> Engine:
    """Return the engine of a town of which Gadingrejo is cut off."""
    city = city or town()
    beliefs, incident, page = cut(city)
    return engine_of(city, beliefs, incident, owed=(page,))


def view_of(engine: Engine, **further: object) -> View:
    """Return the view on one engine at NOW."""
    return View(engine=lambda: engine, now=lambda: NOW, bell=Bell(), **further)  # type: ignore[arg-type]
