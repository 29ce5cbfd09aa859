"""A draft without problems -> the City: links, parents, owners, members of risks. Nothing is judged here."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from urllib.parse import urlsplit

from monitor.core.city import Application, Check, City, Kind, Link, Node, Person, Receiver, Risk, Route, Urusan
from monitor.core.rules import Grade
from monitor.core.traps import Traps, TrapUser
from monitor.inventory.checks import Wanted, link_check, wanted
from monitor.inventory.draft import Draft
from monitor.inventory.shape import LinedPart, NodePart, SitePart, TrapsPart
from monitor.inventory.tree import Path


def resolve(draft: Draft) -> City:
    """Return the city that the file describes."""
    file, lines = draft.file, links(draft)
    witnesses = dict(_resolvers(draft))
    looks = [each.check for each in all_checks(draft)] + list(witnesses.values())
    by_node: dict[str, tuple[str, ...]] = {}
    for check in looks:
        by_node[check.node] = (*by_node.get(check.node, ()), check.id)
    nodes = {node.id: replace(node, checks=by_node.get(node.id, ())) for node in (*_nodes(draft, lines), *witnesses)}
    head = file.city
    city = City(
        name=head.name if head else "",
        utc_offset=head.utc_offset if head else 7.0,
        page=(head.page if head else "") or "",
        resolver=head.resolver if head else (),
        ca=(head.ca if head else "") or "",
        icmp_backend=head.icmp_backend if head else "shared",
        snmp_backend=head.snmp_backend if head else "auto",
        traps=_traps(head.traps if head else None),
        nodes=nodes,
        checks={check.id: check for check in looks},
        links={link.id: link for link, _, _ in lines},
        applications=_applications(draft),
        risks=_risks(draft, nodes),
        urusan={key: Urusan(key, part.name, part.opds) for key, part in file.urusan.items()},
        people={key: Person(key, part.name, part.opd or "", part.contacts) for key, part in file.people.items()},
        groups=dict(file.groups),
        receivers=_receivers(draft),
        routes=tuple(_routes(draft)),
        rules=draft.rules,
    )
    return replace(city, fingerprint=fingerprint(city))


def _traps(part: TrapsPart | None) -> Traps:
    if part is None:
        return Traps()
    users = (TrapUser(user.name, user.auth or "", user.auth_protocol, user.priv or "", user.priv_protocol) for user in part.users)
    return Traps(part.listen, part.communities, tuple(users))


def _resolvers(draft: Draft) -> Iterator[tuple[Node, Check]]:
    """Watch the name servers that we depend on ourselves: were they dead, nothing that has a name could be seen."""
    host = next((urlsplit(app.url).hostname for app in draft.file.apps.values()), None)
    hub = draft.file.hub
    addresses = draft.file.city.resolver if draft.file.city and hub and host else ()
    interval, timeout = draft.times(Grade.CORE)
    for number, address in enumerate(addresses, 1):
        key, where = "resolver" if len(addresses) == 1 else f"resolver-{number}", draft.where(("city", "resolver"))
        check = Check(f"{key}/dns", key, "dns", address, Grade.CORE, interval, timeout, {"name": host}, where)
        owner = hub.owner if hub else ""
        yield Node(key, Kind.RESOLVER, f"Server nama {address}", (("hub",),), owner=owner or "", address=address, where=where), check


def links(draft: Draft) -> list[tuple[Link, str, Path]]:
    """Return every line with its name and the way to it; the first of a node is its main line, the others are backups."""
    found = []
    for node, (path, part) in draft.nodes.items():
        if not isinstance(part, LinedPart):
            continue
        for number, line in enumerate(part.via):
            given = draft.nodes.get(line.to)
            backup = number > 0
            name = line.name or f"{'Jalur cadangan' if backup else 'Jalur'} {part.name} – {given[1].name if given else line.to}"
            here: Path = (*path, "via", number) if "via" in part.model_fields_set and len(part.via) > 1 else path
            link = Link(
                id=line.id or (f"link-{node}-{line.to}" if backup else f"link-{node}"),
                child=node,
                parent=line.to,
                grade=draft.link_grade(part, line),
                provider=line.provider or part.provider or draft.provider(draft.link_grade(part, line)),
                backup=backup,
                address=line.address or "",
                port=line.port or (part.port if len(part.via) == 1 else "") or "",
                where=draft.where(here),
            )
            found.append((link, name, here))
    return found


def all_checks(draft: Draft) -> list[Wanted]:
    """Return the checks of nodes, applications and watched lines."""
    watched = [(link, path) for link, _, path in links(draft) if link.address]
    return wanted(draft) + [link_check(draft, link.id, link.address, link.grade, path) for link, path in watched]


def _nodes(draft: Draft, lines: list[tuple[Link, str, Path]]) -> Iterator[Node]:
    held: dict[str, tuple[str, ...]] = {}
    for affair, urusan in draft.file.urusan.items():
        for opd in urusan.opds:
            held[opd] = (*held.get(opd, ()), affair)
    nodes = {node: _node(draft, node, path, part, held) for node, (path, part) in draft.nodes.items()}
    yield from nodes.values()
    for link, name, _ in lines:
        if link.address:
            child = nodes[link.child]
            groups = ((link.child,), (link.parent,))
            yield replace(child, id=link.id, kind=Kind.LINK, name=name, groups=groups, risks=(), address=link.address, where=link.where)
    yield from _app_nodes(draft)


def _node(draft: Draft, node: str, path: Path, part: NodePart, held: Mapping[str, tuple[str, ...]]) -> Node:
    kind = draft.kind(node)
    kecamatan = _kecamatan(draft, node)
    shared = (key for key, risk in draft.file.risks.items() if {node, kecamatan} & set(risk.members))
    owner = part.owner or (node if kind in {Kind.OPD, Kind.KECAMATAN} else kecamatan)
    parents = tuple(dict.fromkeys(line.to for line in part.via)) if isinstance(part, LinedPart) else ()
    return Node(
        id=node,
        kind=kind,
        name=part.name,
        groups=(parents,) if parents else (),
        owner=owner,
        kecamatan=kecamatan,
        urusan=part.urusan or (held.get(owner, ()) if isinstance(part, SitePart) else ()),
        risks=tuple(dict.fromkeys((*part.risks, *shared))),
        hours=part.hours or "24x7",
        address=part.address or "",
        latitude=part.at[0] if part.at else None,
        longitude=part.at[1] if part.at else None,
        where=draft.where(path),
    )


def _kecamatan(draft: Draft, node: str) -> str:
    """Return the kecamatan that a site lies in: the one it names, itself, or the first above it. An OPD lies where it says."""
    part, kind = draft.nodes[node][1], draft.kind(node)
    if isinstance(part, SitePart) and part.kecamatan:
        return part.kecamatan
    if kind is Kind.KECAMATAN:
        return node
    if kind not in {Kind.KELURAHAN, Kind.PUSKESMAS, Kind.TITIK}:
        return ""
    for _ in draft.nodes:
        if not isinstance(part, LinedPart) or not part.via or part.via[0].to not in draft.nodes:
            break
        above = part.via[0].to
        if draft.kind(above) is Kind.KECAMATAN:
            return above
        part = draft.nodes[above][1]
    return ""


def _app_nodes(draft: Draft) -> Iterator[Node]:
    for app, part in draft.file.apps.items():
        groups = ((part.host,), *((other,) for other in dict.fromkeys(part.needs)))
        yield Node(
            id=app,
            kind=Kind.APP,
            name=part.name,
            groups=groups,
            owner=part.owner,
            urusan=part.urusan,
            hours=part.hours,
            address=part.address or "",
            where=draft.where(("apps", app)),
        )


def _applications(draft: Draft) -> dict[str, Application]:
    return {
        app: Application(app, part.url, part.host, part.users, part.vendor or "", part.contract_end or "", draft.where(("apps", app)))
        for app, part in draft.file.apps.items()
    }


def _risks(draft: Draft, nodes: Mapping[str, Node]) -> dict[str, Risk]:
    return {
        key: Risk(
            id=key,
            kind=part.kind,
            name=part.name,
            members=tuple(node.id for node in nodes.values() if key in node.risks),
            window=part.window,
            battery=part.battery,
            where=draft.where(("risks", key)),
        )
        for key, part in draft.file.risks.items()
    }


def _receivers(draft: Draft) -> dict[str, Receiver]:
    return {
        key: Receiver(key, part.channel, part.name, part.language, addressed(draft, key), draft.where(("receivers", key)))
        for key, part in draft.file.receivers.items()
    }


def addressed(draft: Draft, receiver: str) -> dict[str, object]:
    """Return the options of a receiver, with the contacts of people and groups in the place of their ids in `to`."""
    part = draft.file.receivers[receiver]
    options = dict(part.model_extra or {})
    if isinstance(options.get("to"), (str, list)):
        options["to"] = [address for word in _words(options["to"]) for address in _contacts(draft, word, part.channel)]
    return options


def _words(to: object) -> list[object]:
    return to if isinstance(to, list) else [to]


def _contacts(draft: Draft, word: object, channel: str) -> list[object]:
    people = draft.file.groups.get(word, (word,)) if isinstance(word, str) else (word,)
    found: list[object] = []
    for person in people:
        known = draft.file.people.get(person) if isinstance(person, str) else None
        found.append(known.contacts.get(channel, person) if known else person)
    return list(dict.fromkeys(found)) if all(isinstance(each, str) for each in found) else found


def _routes(draft: Draft) -> Iterator[Route]:
    for number, part in enumerate(draft.file.routes):
        where = draft.where(("routes", number))
        yield Route(part.to, part.kinds, part.sites, part.opds, part.urusan, part.severities, where)


def fingerprint(city: City) -> str:
    """Return a SHA-256 over what the city says, whatever the file's layout, comments and places."""
    said = _without_places(asdict(replace(city, fingerprint="")))
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def _without_places(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_places(each) for key, each in value.items() if key != "where"}
    if isinstance(value, (list, tuple)):
        return [_without_places(each) for each in value]
    return value
