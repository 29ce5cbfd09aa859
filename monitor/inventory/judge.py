"""Cross checks over the whole inventory: what is referred to, what is connected to what, addresses, people and routes."""

from collections.abc import Iterable, Iterator

from monitor.core.city import Kind
from monitor.core.events import Severity
from monitor.inventory.checks import wanted
from monitor.inventory.draft import PREFIXES, Draft
from monitor.inventory.problems import nearest
from monitor.inventory.resolve import links
from monitor.inventory.shape import LinedPart, SitePart
from monitor.inventory.tree import Branch, Path, at
from monitor.probes.snmp_options import SnmpOptions

READ = SnmpOptions.model_fields["read"].default
PUBLIC = ("masyarakat", "penyedia")


def judge(draft: Draft) -> None:
    """Say everything that the shape of the file cannot know."""
    _sections(draft)
    _ids(draft)
    for node in draft.nodes:
        _node(draft, node)
    _ways(draft)
    _ports(draft)
    _apps(draft)
    _circles(draft)
    _addresses(draft)
    _risks(draft)
    _people(draft)
    _routes(draft)


def _sections(draft: Draft) -> None:
    for section in ("city", "hub", "sites"):
        if section not in draft.tree.items:
            draft.say((section,), "is missing")


def _ids(draft: Draft) -> None:
    """Ids of nodes, lines and applications are one family; those of risks are beside them, so that none is taken for another."""
    seen: dict[str, Path] = {}
    for path in _every_id(draft):
        name = str(path[-1])
        if name in seen:
            draft.say(path, f"the id is taken, by {draft.where(seen[name])}", at_key=True)
        seen.setdefault(name, path)
    for link, _, path in links(draft):
        if link.id in seen:
            draft.say(path, f"the line's id {link.id} is taken, by {draft.where(seen[link.id])}: give it another with id:", at_key=True)
        seen[link.id] = path


def _every_id(draft: Draft) -> Iterator[Path]:
    yield from ((section,) for section in ("hub", "internet") if section in draft.tree.items)
    for section in ("uplinks", "sites", "apps", "risks"):
        part = draft.tree.items.get(section)
        yield from ((section, key) for key in (part.items if isinstance(part, Branch) else ()))


def _node(draft: Draft, node: str) -> None:
    path, part = draft.nodes[node]
    if isinstance(part, SitePart):
        if not part.kind and node.partition("-")[0] not in PREFIXES:
            draft.say(path, f"an id begins with {', '.join(f'{word}-' for word in PREFIXES)}; or say kind:", at_key=True)
        if part.kecamatan:
            draft.refer((*path, "kecamatan"), part.kecamatan, _of_kind(draft, Kind.KECAMATAN), "kecamatan")
    if part.owner:
        draft.refer(_said(draft, node, "owner"), part.owner, _owners(draft), "OPD or kecamatan")
    for number, risk in enumerate(part.risks):
        draft.refer((*path, "risks", number), risk, draft.named("risks"), "risk")
    for number, affair in enumerate(part.urusan):
        draft.refer((*path, "urusan", number), affair, draft.named("urusan"), "urusan")


def _said(draft: Draft, node: str, key: str) -> Path:
    """Return the way to where a node's key stands: with itself, or with its kind."""
    path = (*draft.nodes[node][0], key)
    shared: Path = ("kinds", draft.kind(node).value, key)
    return path if at(draft.tree, path) or not at(draft.tree, shared) else shared


def _of_kind(draft: Draft, *kinds: Kind) -> set[str]:
    """Return the ids of sites of these kinds, also of those that do not fit."""
    return {
        key for key in draft.named("sites") if (draft.kind(key) if key in draft.nodes else PREFIXES.get(key.partition("-")[0])) in kinds
    }


def _owners(draft: Draft) -> set[str]:
    return _of_kind(draft, Kind.OPD, Kind.KECAMATAN)


def _ways(draft: Draft) -> None:
    for node, (path, part) in draft.nodes.items():
        if not isinstance(part, LinedPart):
            continue
        if not part.via and "via" not in draft_keys(draft, path):
            draft.say((*path, "via"), "is missing: what is it connected to", at_key=True)
        for number, line in enumerate(part.via):
            said = _said(draft, node, "via")
            here: Path = (*said, number) if said[0] != "kinds" else said
            _way(draft, node, (*here, "to") if at(draft.tree, (*here, "to")) else here, line.to)
            if len(part.via) > 1 and not line.address and isinstance(part, SitePart):
                draft.say(here, f"the line to {line.to} needs an address: of several, each is looked at", at_key=True)


def draft_keys(draft: Draft, path: Path) -> Iterable[str]:
    """Return the keys that stand at the path, fitting or not."""
    found = at(draft.tree, path)
    return found.items if isinstance(found, Branch) else ()


def _way(draft: Draft, node: str, path: Path, to: str) -> None:
    """Say why `to` cannot be what `node` is connected to."""
    if to == node:
        draft.say(path, f"{node} cannot be connected to itself")
    elif to in draft.node_ids:
        return
    elif to in draft.named("apps"):
        draft.say(path, f"{to} is an application: nothing is connected through it")
    elif to in draft.named("risks"):
        draft.say(path, f"{to} is a shared risk, never a parent: name it in risks:")
    elif to in {link.id for link, _, _ in links(draft)}:
        draft.say(path, f"{to} is a line: name what it leads to")
    else:
        draft.say(path, f"there is no site {to!r} to be connected to", nearest(to, draft.node_ids))


def _ports(draft: Draft) -> None:
    """A port leads to one line, and something reads it."""
    read = {
        each.check.node for each in wanted(draft) if each.check.kind == "snmp" and "interfaces" in str(each.check.options.get("read", READ))
    }
    taken: dict[tuple[str, str], str] = {}
    for node, (path, part) in draft.nodes.items():
        if not isinstance(part, LinedPart):
            continue
        if part.port and len(part.via) > 1:
            draft.say((*path, "port"), "of several lines each has its own: say it with the line, in via:")
        for number, line in enumerate(part.via):
            port = line.port or (part.port if len(part.via) == 1 else None)
            here: Path = (*path, "via", number, "port") if line.port else (*path, "port")
            if not port or line.to not in draft.nodes:
                continue
            if line.to not in read:
                draft.say(here, f"nobody reads the interfaces of {line.to}: let it be asked by SNMP, or leave the port out")
            elif (other := taken.setdefault((line.to, port), node)) != node:
                draft.say(here, f"{port} of {line.to} leads to {other} already")


def _apps(draft: Draft) -> None:
    users = {kind.value for kind in PREFIXES.values()} | set(PUBLIC) | draft.named("sites")
    for app, part in draft.file.apps.items():
        path: Path = ("apps", app)
        draft.refer((*path, "owner"), part.owner, _of_kind(draft, Kind.OPD), "OPD")
        draft.refer((*path, "host"), part.host, draft.node_ids, "site")
        for number, other in enumerate(part.needs):
            if other == app:
                draft.say((*path, "needs", number), f"{app} cannot need itself")
            else:
                draft.refer((*path, "needs", number), other, draft.named("apps"), "application")
        for number, affair in enumerate(part.urusan):
            draft.refer((*path, "urusan", number), affair, draft.named("urusan"), "urusan")
        for number, user in enumerate(part.users):
            draft.refer((*path, "users", number), user, users, "kind of sites or site")


def _circles(draft: Draft) -> None:
    """Say every circle once, at the first of its members in the file."""
    above = {node: [line.to for line in part.via] for node, (_, part) in draft.nodes.items() if isinstance(part, LinedPart)}
    for circle in circles(above):
        draft.say((*draft.nodes[circle[0]][0], "via"), f"goes in a circle: {' -> '.join((*circle, circle[0]))}")
    for circle in circles({app: list(part.needs) for app, part in draft.file.apps.items()}):
        draft.say(("apps", circle[0], "needs"), f"goes in a circle: {' -> '.join((*circle, circle[0]))}")


def circles(above: dict[str, list[str]]) -> list[list[str]]:
    """Return circles of more than one member, at least one of those that hang together, in the order of `above`."""
    done: set[str] = set()
    found = []
    for start, nearest_above in above.items():
        road = {} if start in done else {start: iter(nearest_above)}
        while road:
            last = next(reversed(road))
            following = next(road[last], None)
            if following is None:
                done.add(last)
                del road[last]
            elif following in road and following != last:
                members = list(road)
                found.append(members[members.index(following) :])
            elif following in above and following not in done and following != last:
                road[following] = iter(above[following])
    return found


def _addresses(draft: Draft) -> None:
    seen: dict[str, tuple[str, Path]] = {}
    for owner, path, address in _every_address(draft):
        if address in seen:
            other, first = seen[address]
            draft.say(path, f"{address} is the address of {other} too, at {draft.where(first)}")
        seen.setdefault(address, (owner, path))


def _every_address(draft: Draft) -> Iterator[tuple[str, Path, str]]:
    for node, (path, part) in draft.nodes.items():
        if part.address:
            yield node, (*path, "address"), part.address
        for number, line in enumerate(part.via if isinstance(part, LinedPart) else ()):
            if line.address:
                yield line.id or f"the line of {node} to {line.to}", (*path, "via", number, "address"), line.address
    for app, application in draft.file.apps.items():
        if application.address:
            yield app, ("apps", app, "address"), application.address


def _risks(draft: Draft) -> None:
    for risk, part in draft.file.risks.items():
        for number, member in enumerate(part.members):
            draft.refer(("risks", risk, "members", number), member, draft.node_ids, "site")


def _people(draft: Draft) -> None:
    for affair, part in draft.file.urusan.items():
        for number, opd in enumerate(part.opds):
            draft.refer(("urusan", affair, "opds", number), opd, _of_kind(draft, Kind.OPD), "OPD")
    for person, someone in draft.file.people.items():
        if someone.opd:
            draft.refer(("people", person, "opd"), someone.opd, _of_kind(draft, Kind.OPD), "OPD")
    for group, members in draft.file.groups.items():
        if group in draft.named("people"):
            draft.say(("groups", group), "the id is that of a person too", at_key=True)
        for number, member in enumerate(members):
            draft.refer(("groups", group, number), member, draft.named("people"), "person")


def _routes(draft: Draft) -> None:
    sites = draft.node_ids | draft.named("apps") | {link.id for link, _, _ in links(draft)}
    known: tuple[tuple[str, set[str], str], ...] = (
        ("to", draft.named("receivers"), "receiver"),
        ("kinds", {kind.value for kind in Kind}, "kind"),
        ("sites", sites, "site"),
        ("opds", _of_kind(draft, Kind.OPD), "OPD"),
        ("urusan", draft.named("urusan"), "urusan"),
        ("severities", {severity.value for severity in Severity}, "severity"),
    )
    for number, route in enumerate(draft.file.routes):
        for key, words, what in known:
            for place, word in enumerate(getattr(route, key)):
                draft.refer(("routes", number, key, place), word, words, what)
