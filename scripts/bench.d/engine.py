"""The engine on 100,000 targets: looks a second, memory a target, and what the fall of a dead router costs.

There is no peer that does the same work, so the goal itself stands in the peer's place (`the goal`): ratios at most 1 hold.
`engine-look`: CPU of one quiet look, the least of ROUNDS. `engine-state`: memory of the engine beyond its inventory, after two
looks at every target. `engine-cascade`: the costliest single step while one of ten routers dies with 10,000 sites behind it
and is paged, and while it comes back. `engine-edges`: the top of a graph of a million edges falls, and comes back.
"""

import time
import tracemalloc
from collections.abc import Iterator

from bench_city import DEAD, TARGETS, big_city, good_looks, is_behind, look

from monitor.core.city import City, Kind, Node
from monitor.core.events import Event, InventoryLoaded, Verify
from monitor.core.topology import Topology
from monitor.engine import Engine, State

LAYERS, PARENTS = (100, 1_000, 9_000, 89_900), 10
ROUNDS = 3
MOST = 20


def bench() -> Iterator[dict[str, object]]:
    """Measure one after the other."""
    city = big_city()
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


def _round(engine: Engine, city: City, at: float) -> float:
    """One good look at every target; CPU seconds a look."""
    looks = good_looks(city, at)
    begun = time.process_time()
    for each in looks:
        engine.apply(each)
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
                cost, wanted = _step(engine, look(check, at, lost=dead and is_behind(check)))
                worst, more = max(worst, cost), more | dict.fromkeys(wanted)
            asked, at = list(dict.fromkeys([f"{DEAD}/icmp", *list(more)[:MOST]])), at + 1.0
    return worst


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
