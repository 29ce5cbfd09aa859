"""The last rings of the chain: the incident of a root, the routes by which people are told, each page and its receipt. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from alerts import routing
from alerts.incidents import Cause, Incident
from exporters.scene import Ring, Scene
from monitor.core.city import City, Node, Route
from monitor.core.events import Page


def told(scene: Scene, node: Node) -> Iterator[Ring]:
    """Yield the rings from the incident to the receipts; the first that breaks says why nobody was told."""
    pages, incident = _pages(scene, node.id), scene.engine.incident_of(node.id)
    if pages:
        number, cause = pages[-1].incident, _cause_of(pages[-1])
    elif incident:
        number, cause = incident.id, incident.cause
    else:
        yield Ring("incident", held=False, facts={"condition": scene.engine.condition(node.id, scene.at)})
        return
    yield Ring("incident", held=True, facts={"incident": number, "cause": cause}, where=_risk_line(scene.city, cause.node))
    yield from _traced(scene, number)
    yield _routed(scene.city, cause)
    if not pages and incident:
        yield from _kept_back(incident)
    for page in pages:
        yield paged(scene, page)


def _pages(scene: Scene, node: str) -> list[Page]:
    """Return the pages of the incidents that told of a node while it failed, from the first on that names it."""
    if scene.incident:
        return [page for page in scene.pages if page.incident == scene.incident]
    episode = scene.episode
    begin, end = (episode.first.sent, episode.until) if episode else (0.0, scene.at)
    named = [page for page in scene.pages if node in (page.cause, *page.members) and begin <= page.at <= end]
    return [page for page in scene.pages if named and page.at >= named[0].at and page.incident in {each.incident for each in named}]


def _kept_back(incident: Incident) -> Iterator[Ring]:
    """Of what was told before no news is sent at once: it flaps, or what more has fallen is gathered."""
    if incident.falls and incident.split_at:
        yield Ring("flapping", held=False, facts={"incident": incident.id, "falls": incident.falls, "until": incident.split_at})
    elif incident.update_at:
        yield Ring("gathered", held=False, facts={"incident": incident.id, "until": incident.update_at})


def _cause_of(page: Page) -> Cause:
    return Cause(
        page.cause, page.why, page.reason, page.detail, page.since, page.severity, page.alike, page.members, page.instead, page.behind,
        page.opds, page.urusan,
    )  # fmt: skip


def _traced(scene: Scene, incident: str) -> Iterator[Ring]:
    """Say how far the way to the cause went when the incident was opened; nothing where that is not known."""
    if found := scene.way(incident):
        homes = {check.target: check.node for check in [*scene.city.checks.values()][::-1]}  # whoever is listed first
        routers = [(address, homes.get(address, "")) for address in str(found.numbers["way"]).split()]
        yield Ring("traced", held=True, facts={**found.numbers, "at": found.at, "routers": routers})


def _risk_line(city: City, cause: str) -> tuple[str, ...]:
    risk = city.risks.get(cause)
    return (risk.where,) if risk else ()


def _routed(city: City, cause: Cause) -> Ring:
    members, behind = (tuple(each for each in ids if each in city.nodes) for ids in (cause.members, cause.behind))
    known = replace(cause, members=members, behind=behind)
    missed = [(route, keys) for route in city.routes if (keys := _unmet(city, route, known))]
    matched = [route for route in city.routes if routing.mismatch(city, route, known) is None]
    kinds = list(dict.fromkeys(city.nodes[each].kind.value for each in (*members, known.node) if each in city.nodes))
    facts = {"matched": matched, "missed": missed, "cause": known, "kinds": kinds}
    return Ring("route", held=bool(matched), facts=facts, where=tuple(route.where for route in matched))


def _unmet(city: City, route: Route, cause: Cause) -> Sequence[str]:
    """Return the keys of all conditions that keep a route from matching."""
    keys: list[str] = []
    while key := routing.mismatch(city, route, cause):
        keys.append(key)
        route = replace(route, **{key: ()})  # type: ignore[arg-type]  # a key of conditions, each of which is a tuple
    return keys


def paged(scene: Scene, page: Page) -> Ring:
    """Return the ring of one page: when it was decided, and what became of it."""
    receiver, report = scene.city.receivers.get(page.receiver), scene.reports.get(page.key)
    facts = {"page": page, "report": report, "receiver": receiver}
    return Ring("page", held=report is None or report.ok, facts=facts, where=(receiver.where,) if receiver else ())
