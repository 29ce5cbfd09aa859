"""Who should hear of a cause, read straight from the routes of the inventory; shares no code with `alerts.routing`."""

from monitor.core.city import SITES, City, Kind, Node, Route
from monitor.prove.world import Manner, World

CARRIERS = frozenset({Kind.HUB, Kind.INTERNET, Kind.RESOLVER, Kind.KECAMATAN})


def expected(world: World, cause: str, failing: frozenset[str]) -> frozenset[str]:
    """Return the receivers whom some route names for this node and those of the `failing` that hang on it."""
    city, node = world.city, world.city.nodes[cause]
    fault = f"link:{cause}" if node.kind is Kind.LINK else f"node:{cause}"
    gone = [city.nodes[each] for each in world.sight(frozenset({fault}), Manner.ALIKE).failing if each == cause or each in failing]
    hit = [each for each in gone if each is node or each.kind is not Kind.LINK]
    return frozenset(receiver for route in city.routes if _matches(city, route, node, hit) for receiver in route.to)


def _matches(city: City, route: Route, node: Node, hit: list[Node]) -> bool:
    opds = {each.id for each in hit if each.kind is Kind.OPD} | {each.owner for each in hit if _is_opd(city, each.owner)}
    offices = {each.id for each in hit if each.kind is Kind.OPD}
    urusan = {affair for each in hit for affair in each.urusan}
    urusan |= {affair.id for affair in city.urusan.values() if offices.intersection(affair.opds)}
    places = {each.id for each in hit} | {each.kecamatan for each in hit if each.kecamatan}
    asked = [
        (route.severities, {_severity(node, hit)}),
        (route.kinds, {str(node.kind)}),
        (route.sites, places),
        (route.opds, opds),
        (route.urusan, urusan),
    ]
    return all(not wanted or not found.isdisjoint(wanted) for wanted, found in asked)


def _severity(node: Node, hit: list[Node]) -> str:
    """A line is redundancy lost; what carries the city, or has sites behind it, is critical; anything else is major."""
    if node.kind is Kind.LINK:
        return "minor"
    return "critical" if node.kind in CARRIERS or any(each.kind in SITES for each in hit if each is not node) else "major"


def _is_opd(city: City, owner: str) -> bool:
    return owner in city.nodes and city.nodes[owner].kind is Kind.OPD
