"""The engine on 100,000 targets: looks a second, memory a target, and what the fall of a dead router costs.

There is no peer that does the same work, so the goal itself stands in the peer's place (`the goal`): ratios at most 1 hold.
`engine-look`: CPU of one quiet look, the least of ROUNDS. `engine-state`: memory of the engine beyond its inventory, after two
looks at every target. `engine-cascade`: the costliest single step while one of ten routers dies with 10,000 sites behind it
and is paged, and while it comes back. `engine-edges`: the top of a graph of a million edges falls, and comes back.
"""

import time
import tracemalloc
from collections.abc import Iterator

from monitor.core.city import Check, City, Kind, Node, Receiver, Route
from monitor.core.events import Event, InventoryLoaded, ProbeResult, Verify
from monitor.core.rules import Grade
from monitor.core.topology import Topology
from monitor.core.verdict import Reason, Verdict
from monitor.engine import Engine, State

TARGETS, ROUTERS = 100_000, 10
LAYERS, PARENTS = (100, 1_000, 9_000, 89_900), 10
ROUNDS = 3
DEAD, MOST = "router-3", 20


def bench() -> Iterator[dict[str, object]]:
    """Measure one after the other."""
    city = _city()
    tracemalloc.start()
    engine = Engine(State(City("")))
    engine.apply(InventoryLoaded(0.0, city))
    for number in range(2):
        _round(engine, city, 100.0 + 20 * number)
    held = tracemalloc.get_traced_memory()[0] / TARGETS
    tracemalloc.stop()
    yield _row("engine-state", held, 1024, "bytes/target")
    yield _row("engine-look", 1e6 * min(_round(engine, city, 200.0 + 20 * number) for number in range(ROUNDS)), 1e6 / 300_000, "us/look")
    yield _row("engine-cascade", _cascade(engine, 300.0), 0.1, "s")
    yield _row("engine-edges", _edges(), 1.0, "s")


def _row(name: str, ours: float, goal: float, unit: str) -> dict[str, object]:
    return {"bench": name, "ours": round(ours, 4), "peer": "the goal", "theirs": round(goal, 4), "unit": unit, "goal": 1.0}


def _city() -> City:
    nodes, checks = {"hub": Node("hub", Kind.HUB, "hub", (), ("hub/icmp",))}, {"hub/icmp": _check("hub", Grade.CORE)}
    for number in range(TARGETS + ROUTERS):
        router = number < ROUTERS
        node = f"router-{number}" if router else f"site-{number}"
        above = "hub" if router else f"router-{number % ROUTERS}"
        nodes[node] = Node(node, Kind.KECAMATAN if router else Kind.KELURAHAN, node, ((above,),), (f"{node}/icmp",))
        checks[f"{node}/icmp"] = _check(node, Grade.CORE if router else Grade.FIBRE)
    return City("", nodes=nodes, checks=checks, routes=(Route(("all",)),), receivers={"all": Receiver("all", "webhook", "all")})


def _check(node: str, grade: Grade) -> Check:
    interval, timeout = (3.0, 1.0) if grade is Grade.CORE else (10.0, 2.0)
    return Check(f"{node}/icmp", node, "icmp", node, grade, interval, timeout)


def _round(engine: Engine, city: City, at: float) -> float:
    """One good look at every target; CPU seconds a look."""
    looks = [
        ProbeResult(check, round(at + n * 1e-4, 3), round(at + n * 1e-4 + 0.01, 3), Verdict.OK, None, 0.01)
        for n, check in enumerate(city.checks)
    ]
    begun = time.process_time()
    for look in looks:
        engine.apply(look)
    return (time.process_time() - begun) / len(looks)


def _cascade(engine: Engine, at: float) -> float:
    """Let a router die and come back, every look made that the engine asks for; return the costliest step in CPU seconds."""
    worst = 0.0
    for dead in (True, False):
        asked = [f"{DEAD}/icmp"]
        while bool(engine.open_incidents()) is not dead:
            more: dict[str, None] = {}
            for check in asked:
                at = round(at + 0.05, 3)
                cost, wanted = _step(engine, _look(check, at, lost=dead and _is_behind(check)))
                worst, more = max(worst, cost), more | dict.fromkeys(wanted)
            asked, at = list(dict.fromkeys([f"{DEAD}/icmp", *list(more)[:MOST]])), at + 1.0
    return worst


def _is_behind(check: str) -> bool:
    node = check.partition("/")[0]
    return node == DEAD or (node.startswith("site-") and int(node.removeprefix("site-")) % ROUTERS == int(DEAD[-1]))


def _look(check: str, at: float, *, lost: bool) -> ProbeResult:
    verdict, reason, seconds = (Verdict.FAIL, Reason.TIMEOUT, None) if lost else (Verdict.OK, None, 0.01)
    return ProbeResult(check, at, round(at + 0.01, 3), verdict, reason, seconds)


def _step(engine: Engine, event: Event) -> tuple[float, set[str]]:
    begun = time.process_time()
    effects = engine.apply(event)
    cost = time.process_time() - begun
    return cost, {effect.check for effect in effects if isinstance(effect, Verify)}


def _edges() -> float:
    """A graph in layers, each node with one group of ten parents; the top falls and comes back: the costlier of the two."""
    nodes, above = {"top": Node("top", Kind.HUB, "top")}, ["top"]
    for depth, size in enumerate(LAYERS):
        layer = [f"{depth}-{number}" for number in range(size)]
        for number, node in enumerate(layer):
            parents = tuple(dict.fromkeys(above[(number * 7 + step * 13) % len(above)] for step in range(PARENTS)))
            nodes[node] = Node(node, Kind.TITIK, node, (parents,))
        above = layer
    topology = Topology(nodes)
    costs = []
    for down in (True, False):
        begun = time.process_time()
        topology.set_down("top", down=down)
        costs.append(time.process_time() - begun)
    return max(costs)
