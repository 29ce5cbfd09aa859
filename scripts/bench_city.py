"""The city of the benches: 100,000 sites behind ten routers behind a hub, each looked at once in ten seconds."""

from monitor.core.city import Check, City, Kind, Node, Receiver, Route
from monitor.core.events import ProbeResult
from monitor.core.rules import Grade
from monitor.core.verdict import Reason, Verdict

TARGETS, ROUTERS = 100_000, 10
DEAD, BEHIND = "router-3", TARGETS // ROUTERS


def big_city() -> City:
    """Return it; the sites of a router stand together, as they do in an inventory that people wrote."""
    above = {"hub": ""} | {f"router-{number}": "hub" for number in range(ROUTERS)}
    above |= {f"site-{number}": f"router-{number // BEHIND}" for number in range(TARGETS)}
    nodes = {node: _node(node, parent) for node, parent in above.items()}
    checks = [_check(node, Grade.FIBRE if node.startswith("site") else Grade.CORE) for node in nodes]
    routes, receivers = (Route(("all",)),), {"all": Receiver("all", "webhook", "all")}
    return City("", nodes=nodes, checks={check.id: check for check in checks}, routes=routes, receivers=receivers)


def _node(node: str, parent: str) -> Node:
    kind = {"hub": Kind.HUB, "router": Kind.KECAMATAN, "site": Kind.KELURAHAN}[node.partition("-")[0]]
    return Node(node, kind, node, ((parent,),) if parent else (), (f"{node}/icmp",))


def _check(node: str, grade: Grade) -> Check:
    interval, timeout = (3.0, 1.0) if grade is Grade.CORE else (10.0, 2.0)
    return Check(f"{node}/icmp", node, "icmp", node, grade, interval, timeout)


def good_looks(city: City, at: float) -> list[ProbeResult]:
    """Return one good look at every target, one after the other within ten seconds from `at` on."""
    times = [at + number * 1e-4 for number in range(len(city.checks))]
    return [
        ProbeResult(check, round(sent, 3), round(sent + 0.01, 3), Verdict.OK, None, 0.01)
        for check, sent in zip(city.checks, times, strict=True)
    ]


def is_behind(check: str) -> bool:
    """Tell whether a check looks at the router that dies, or at what is behind it."""
    node = check.partition("/")[0]
    return node == DEAD or (node.startswith("site-") and f"router-{int(node.removeprefix('site-')) // BEHIND}" == DEAD)


def look(check: str, at: float, *, lost: bool) -> ProbeResult:
    """Return a look that was lost or answered at once."""
    verdict, reason, seconds = (Verdict.FAIL, Reason.TIMEOUT, None) if lost else (Verdict.OK, None, 0.01)
    return ProbeResult(check, at, round(at + 0.01, 3), verdict, reason, seconds)
