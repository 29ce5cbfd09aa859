"""Where everything stands on the map: dots, lines, ground and rivers, from coordinates and topology. No picture of it is stored.

The plane is `WIDTH` units wide with north at the top. Coordinates often are those of an area, shared by several sites: a dot that would lie
on another moves to the nearest free place. A site without coordinates stands near what it hangs on.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from monitor.core.city import SITES, City, Kind, Node

WIDTH = 1000.0
MARGIN = 90.0
SPACING = 34.0
GOLDEN = math.pi * (3 - math.sqrt(5))
DRAWN = SITES | {Kind.HUB, Kind.ISP, Kind.INTERNET}
SKY = {Kind.INTERNET: 0, Kind.ISP: 1}
BIGGEST_FIRST = (Kind.HUB, Kind.KECAMATAN, Kind.KELURAHAN, Kind.PUSKESMAS, Kind.OPD, Kind.TITIK)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A link as it is drawn: its curve, and the node whose condition it shows (itself when it is looked at, else its child)."""

    id: str
    shows: str
    child: str
    parent: str
    grade: str
    backup: bool
    curve: str


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground of a kecamatan: discs around all of its sites and between them, which together make its shape."""

    kecamatan: str
    discs: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole map in units of the plane; `scale` is 1 where dots have all the room they want."""

    height: float
    scale: float
    places: Mapping[str, Point]
    lines: tuple[Line, ...]
    grounds: tuple[Ground, ...]
    rivers: Mapping[str, str] = field(default_factory=dict)


class Labels:
    """Keeps the names on the map apart, at the size that they have on a phone: below their dots, else above, else further off."""

    def __init__(self) -> None:
        self._boxes: list[tuple[Point, float, float]] = []

    def foot(self, place: Point, reach: float, name: str, *, large: bool) -> Point:
        """Return the middle of the foot of a name at a dot that reaches so far; the whole name is on the map."""
        size = 40.0 if large else 32.0  # as `.city text` of pantau.css on a phone
        across, (x, y) = 0.6 * size * len(name) + 20, place
        x = min(max(x, across / 2), max(WIDTH - across / 2, across / 2))
        feet = (y + reach + 24, y - reach - 8, y + reach + 24 + size, y - reach - 8 - size)
        foot = next((foot for foot in feet if self._free((x, foot), across, size)), feet[0])
        self._boxes.append(((x, foot), across, size))
        return x, foot

    def _free(self, foot: Point, across: float, size: float) -> bool:
        return all(
            abs(foot[0] - there[0]) >= (across + wide) / 2 or abs(foot[1] - there[1]) >= 0.85 * max(size, high)
            for there, wide, high in self._boxes
        )


def draw(city: City) -> Picture:
    """Return the map of a city; the same city always gives the same map."""
    nodes = [node for node in city.nodes.values() if node.kind in DRAWN]
    wanted, height = _project(nodes)
    spacing = min(SPACING, math.sqrt(0.35 * WIDTH * height / max(1, len(nodes))))
    places = _spread(nodes, wanted, spacing, height)
    return Picture(
        height,
        spacing / SPACING,
        places,
        tuple(_lines(city, places)),
        tuple(_grounds(city, places)),
        {risk.id: curve for risk in city.risks.values() if risk.kind == "river" and (curve := _river(city, risk.members, places, height))},
    )


def _project(nodes: list[Node]) -> tuple[dict[str, Point], float]:
    """Place what has coordinates on the plane, equirectangular around the middle; return the height that comes of it."""
    known = {node.id: (node.latitude, node.longitude) for node in nodes if node.latitude is not None and node.longitude is not None}
    if not known:
        return {}, WIDTH * 0.8
    south, north = min(lat for lat, _ in known.values()), max(lat for lat, _ in known.values())
    west, east = min(lon for _, lon in known.values()), max(lon for _, lon in known.values())
    squeeze = math.cos(math.radians((south + north) / 2))
    unit = (WIDTH - 2 * MARGIN) / max((east - west) * squeeze, (north - south) * 1.05, 1e-6)
    left = (WIDTH - (east - west) * squeeze * unit) / 2
    places = {node: (left + (lon - west) * squeeze * unit, 1.7 * MARGIN + (north - lat) * unit) for node, (lat, lon) in known.items()}
    return places, (north - south) * unit + 2.7 * MARGIN


def _spread(nodes: list[Node], wanted: Mapping[str, Point], spacing: float, height: float) -> dict[str, Point]:
    """Give every node its wanted place or the nearest free one, the important ones first."""
    places, taken = _sky(nodes, wanted, height), _Taken(spacing)
    walks: dict[Point, Iterator[Point]] = {}  # who shares a home goes on where the one before found its place
    for place in places.values():
        taken.add(place)
    for kind in BIGGEST_FIRST:
        for node in (node for node in nodes if node.kind is kind):
            home = wanted.get(node.id) or _beside(node, places, height)
            places[node.id] = next(spot for spot in walks.setdefault(home, _around(home, spacing)) if taken.free(spot))
            taken.add(places[node.id])
    return places


def _sky(nodes: list[Node], wanted: Mapping[str, Point], height: float) -> dict[str, Point]:
    """The internet and what leads to it stand outside the city, in the corner that is the emptiest."""
    far, low = WIDTH - 190.0, height - 140.0
    corners = ((190.0, 70.0), (far, 70.0), (190.0, low), (far, low))
    across, down = max(corners, key=lambda corner: min((math.dist(corner, place) for place in wanted.values()), default=0.0))
    places: dict[str, Point] = {}
    for kind, row in SKY.items():
        outward = row if down < height / 2 else 1 - row
        members = [node for node in nodes if node.kind is kind]
        for turn, node in enumerate(members):
            places[node.id] = (across + 190.0 * (turn - (len(members) - 1) / 2) * (1 if across < WIDTH / 2 else -1), down + 85.0 * outward)
    return places


def _beside(node: Node, places: Mapping[str, Point], height: float) -> Point:
    parents = (parent for group in node.groups for parent in group)
    return next((places[parent] for parent in parents if parent in places), (WIDTH / 2, height / 2))


def _around(home: Point, spacing: float) -> Iterator[Point]:
    """Places ever farther from home, in a sunflower's order."""
    yield home
    turn = 1
    while True:
        reach = spacing * 0.55 * math.sqrt(turn)
        yield home[0] + reach * math.cos(turn * GOLDEN), home[1] + reach * math.sin(turn * GOLDEN)
        turn += 1


class _Taken:
    """Which places are taken, found by square so that a city of any size costs the same a dot."""

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._squares: dict[tuple[int, int], list[Point]] = {}

    def _square(self, place: Point) -> tuple[int, int]:
        return int(place[0] // self._spacing), int(place[1] // self._spacing)

    def add(self, place: Point) -> None:
        self._squares.setdefault(self._square(place), []).append(place)

    def free(self, place: Point) -> bool:
        column, row = self._square(place)
        near = (spot for x in (-1, 0, 1) for y in (-1, 0, 1) for spot in self._squares.get((column + x, row + y), ()))
        return all(math.dist(place, spot) >= self._spacing for spot in near)


def _lines(city: City, places: Mapping[str, Point]) -> Iterator[Line]:
    for link in city.links.values():
        if link.child in places and link.parent in places:
            shows = link.id if link.id in city.nodes else link.child
            curve = _curve(places[link.child], places[link.parent], bend=0.16 if link.backup else 0.05)
            yield Line(link.id, shows, link.child, link.parent, link.grade.value, link.backup, curve)


def _curve(start: Point, end: Point, bend: float) -> str:
    across, up = end[0] - start[0], end[1] - start[1]
    middle = ((start[0] + end[0]) / 2 - bend * up, (start[1] + end[1]) / 2 + bend * across)
    return f"M{start[0]:.0f} {start[1]:.0f}Q{middle[0]:.0f} {middle[1]:.0f} {end[0]:.0f} {end[1]:.0f}"


def _grounds(city: City, places: Mapping[str, Point]) -> Iterator[Ground]:
    for centre in city.nodes.values():
        if centre.kind is Kind.KECAMATAN and centre.id in places:
            members = [
                node.id for node in city.nodes.values() if node.kecamatan == centre.id and node.id in places and node.kind is not Kind.OPD
            ]
            points = [places[node] for node in dict.fromkeys((centre.id, *members))]
            yield Ground(centre.id, (*points, *_bridges(points)))


def _bridges(points: list[Point]) -> Iterator[Point]:
    """Points between each place and the nearest one before it, so that the ground hangs together."""
    for at, here in enumerate(points[1:], 1):
        there = min(points[:at], key=lambda point: math.dist(here, point))
        steps = int(math.dist(here, there) // 45)
        for step in range(1, steps):
            share = step / steps
            yield here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])


def _river(city: City, members: tuple[str, ...], places: Mapping[str, Point], height: float) -> str:
    """The course of a river, guessed from the sites it takes when it floods: a smooth line among them, from south to north."""
    points = [places[node] for node in members if node in places and city.nodes[node].kind in SITES]
    if len(points) < 2:
        return ""
    steps = [height * step / 14 for step in range(15)]
    course = [(_drift(points, y, height / 7), y) for y in steps]
    return "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in course)


def _drift(points: list[Point], y: float, width: float) -> float:
    """The mean of the points' x, those at this height weighing most."""
    weights = [math.exp(-(((point[1] - y) / width) ** 2) / 2) + 1e-6 for point in points]
    return sum(weight * point[0] for weight, point in zip(weights, points, strict=True)) / sum(weights)
