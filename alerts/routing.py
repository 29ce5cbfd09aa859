"""Who hears of an incident: every route that matches adds its receivers. Pure; one function decides, with its reason."""

from collections.abc import Iterable

from alerts.incidents import Cause
from monitor.core.city import City, Node, Route


def receivers(city: City, cause: Cause) -> tuple[str, ...]:
    """Return the ids of all receivers of an incident with this cause, each once, in the order of the routes."""
    return tuple(dict.fromkeys(receiver for _, receiver in matches(city, cause)))


def matches(city: City, cause: Cause) -> list[tuple[Route, str]]:
    """Return (route, receiver) for every route that matches: the reason why somebody is told."""
    return [(route, receiver) for route in city.routes if mismatch(city, route, cause) is None for receiver in route.to]


def mismatch(city: City, route: Route, cause: Cause) -> str | None:
    """Return the key of the first condition that keeps a route from matching, or None when it matches."""
    concerned = (city.nodes[node] for node in (*cause.members, *cause.behind))
    conditions: tuple[tuple[str, tuple[str, ...], Iterable[str]], ...] = (
        ("severities", route.severities, (cause.severity,)),
        ("kinds", route.kinds, {city.nodes[each].kind for each in (*cause.members, cause.node) if each in city.nodes}),
        ("sites", route.sites, _ids(concerned)),
        ("opds", route.opds, cause.opds),
        ("urusan", route.urusan, cause.urusan),
    )
    return next((key for key, wanted, has in conditions if wanted and not set(wanted) & set(has)), None)


def _ids(nodes: Iterable[Node]) -> Iterable[str]:
    for node in nodes:
        yield node.id
        if node.kecamatan:
            yield node.kecamatan
