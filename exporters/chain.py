"""WHY, OR WHY NOT: the chain from the looks to the phone, each ring with the line of the inventory it hangs on. Pure.

A ring that did not hold is the last one of the chain, with the value that would have passed. Everything is read from the engine as it
was, from recorded looks and from the journal; nothing is judged here a second time but the odds, by the belief's own code.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from exporters.evidence import Episode, odds, passing
from exporters.scene import Ring, Scene
from exporters.told import told
from monitor.core.belief import Belief, Status, answered, status_at
from monitor.core.city import Check, Kind, Node
from monitor.core.down import least_span
from monitor.core.events import Decision, Why
from monitor.core.learning import heavy
from monitor.core.promise import promise
from monitor.core.rules import Rule
from monitor.core.verdict import Verdict
from monitor.engine import Condition, Engine
from monitor.probes.discreet import address

TURNS = frozenset({"root", "shadowed", "no_reply", "suspect"})
"""What may be decided about a node that fails."""


def chain(scene: Scene, subject: str) -> list[Ring]:
    """Return the chain of a node, link or check up to the first ring that did not hold."""
    rings: list[Ring] = []
    for ring in _rings(scene, subject):
        rings.append(ring)
        if not ring.held and ring.name != "page":  # a page that failed says nothing about the next receiver's
            break
    return rings


def turns(decisions: Sequence[Decision], since: float) -> list[Decision]:
    """Return what was decided about a node since it began to fail, the newest first."""
    return [each for each in decisions if each.what in TURNS and each.at >= since]


def _rings(scene: Scene, subject: str) -> Iterator[Ring]:
    city = scene.city
    node = city.nodes.get(city.checks[subject].node if subject in city.checks else subject)
    if node is None:
        yield _unlisted(scene, subject)
        return
    yield Ring("listed", held=True, facts={"id": node.id, "kind": node.kind.value}, where=(node.where,))
    if not node.checks:
        yield Ring("watched", held=False, facts={"id": node.id}, where=(node.where,))
        return
    check = city.checks[subject if subject in city.checks else node.checks[0]]
    yield from _watched(scene, node, check)
    yield from _seen(scene, node, check)
    yield from _placed(scene, node)
    yield from told(scene, node)


def _unlisted(scene: Scene, subject: str) -> Ring:
    city = scene.city
    link, risk = city.links.get(subject), city.risks.get(subject)
    if link:
        only = sum(other.child == link.child for other in city.links.values()) == 1
        return Ring("link", held=False, facts={"id": link.id, "child": link.child, "only": only}, where=(link.where,))
    if risk:
        members = [_parent(scene, member) for member in risk.members]
        return Ring("risk_only", held=False, facts={"members": members, "window": risk.window}, where=(risk.where,))
    return Ring("listed", held=False)


# -- what was seen


def _watched(scene: Scene, node: Node, check: Check) -> Iterator[Ring]:
    about = {"check": check.id, "kind": check.kind, "target": address(check.target), "grade": check.grade.value, "interval": check.interval}
    yield Ring("watched", held=True, facts=about, where=(check.where,))
    if check.id != node.checks[0]:
        known = scene.engine.state.beliefs[check.id]
        condition = Condition(status_at(check, known, scene.at).value)
        facts = {"check": check.id, "decider": node.checks[0], "condition": condition, "last": known}
        yield Ring("decides", held=False, facts=facts, where=(check.where,))


def _seen(scene: Scene, node: Node, check: Check) -> Iterator[Ring]:
    known, engine, rule = scene.engine.state.beliefs[check.id], scene.engine, scene.city.rules[check.grade]
    yield _promised(rule, check, known)
    if engine.blind and node.groups:
        yield Ring("sighted", held=False, facts={"gateway": _tops(scene)}, where=tuple(each["where"] for each in _tops(scene)))
    if known.status is Status.NEW:
        facts = {"looks": sum(known.counts.values()), "last": known}
        yield Ring("ever_answered", held=False, facts=facts, where=(check.where,))
    episode = scene.episode
    lost = episode.known if episode else known
    if not lost.losses:
        last = scene.last_look
        facts = {"last_ok": known.last_ok, "last": last, "more": passing(rule, check, known), "span_needed": rule.span}
        name = "unsure" if last and last.verdict is Verdict.UNSURE else "lost"
        yield Ring(name, held=False, facts={**facts, "incident": _of_ours(scene)}, where=(check.where,))
    ring = _weighed(rule, check, lost, episode)
    port = _port(scene, check, lost)
    if not ring.held and (port or not engine.topology.reachable(node.id)):  # then more losses would not bring a page either
        ring = Ring("doubted", held=True, facts=ring.facts, where=ring.where)
    yield ring
    if port:
        yield port


def _port(scene: Scene, check: Check, lost: Belief) -> Ring | None:
    """Say that it was DOWN because the device above called the port of its line down."""
    facts = (each for each in scene.decisions(check.id) if each.why is Why.PORT_DOWN and lost.first_loss <= each.at <= scene.at + 1)
    told = next(facts, None)
    lines = [link for link in scene.city.links.values() if link.port and check.node in (link.id, link.child)]
    if not told or not lines:
        return None
    return Ring("port", held=True, facts={"at": told.at, "device": lines[0].parent, "port": lines[0].port}, where=(lines[0].where,))


def _of_ours(scene: Scene) -> str:
    """Return the open incident of the name server, by which looks at names fail; nothing when there is none."""
    servers = (node.id for node in scene.city.nodes.values() if node.kind is Kind.RESOLVER)
    return next((incident.id for incident in map(scene.engine.incident_of, servers) if incident), "")


def _promised(rule: Rule, check: Check, known: Belief) -> Ring:
    """Say what the target is used to, what follows from it, and what came of it."""
    noise, said = known.noise or rule.noise, promise(rule, check, known)
    tail = heavy(rule, known.learned, answered(known))
    facts = {
        "heavy": tail,
        "p": noise.p,
        "tau": noise.tau,
        "worst": said.worst,
        "one_in": 1 / said.share,
        "downs": known.downs,
        "brief": known.brief,
    }
    return Ring("promised", held=True, facts=facts)


def _weighed(rule: Rule, check: Check, lost: Belief, episode: Episode | None) -> Ring:
    down = lost.status is Status.DOWN
    facts = {
        "episode": episode,
        "losses": lost.losses,
        "first": lost.first_loss,
        "odds": odds(rule, check, lost),
        "needed": rule.odds,
        "span": lost.last_loss - lost.first_loss,
        "span_needed": least_span(rule, lost.reason),
        "more": 0 if down else passing(rule, check, lost),
    }
    return Ring("odds", held=down, facts=facts, where=(check.where,))


def _tops(scene: Scene) -> list[dict[str, Any]]:
    return [_parent(scene, node.id) for node in scene.city.nodes.values() if not node.groups and node.kind is Kind.HUB]


# -- where it stands


def _placed(scene: Scene, node: Node) -> Iterator[Ring]:
    engine, city = scene.engine, scene.city
    groups = [[_parent(scene, parent) for parent in group] for group in node.groups]
    known = engine.state.beliefs[node.checks[0]]
    since = scene.episode.first.sent if scene.episode else known.first_loss
    turn = next((each for each in turns(scene.decisions(node.id), since) if each.at <= scene.at + 1), None)
    root = turn is not None and turn.what == "root"
    own = root or node.id in engine.desk.open
    way = engine.topology.reachable(node.id)
    dead = [group for group in groups if not any(each["forwards"] for each in group)]
    facts = {"groups": groups, "dead": dead, "app": node.kind is Kind.APP, "own": own}
    yield Ring("reachable", held=way or own, facts=facts, where=_lines(node, dead))
    if node.id in engine.state.silent:
        yield Ring(
            "silent", held=False, facts={"since": engine.state.silent[node.id], "speakers": _speakers(engine, node.id)}, where=(node.where,)
        )
    if node.id in engine.state.gate:
        yield _waits(scene, node, groups)
    if turn and turn.what == "suspect":
        yield Ring("anew", held=False, facts={"at": turn.at})
    if turn and root:
        after = scene.episode.decided if scene.episode and scene.episode.decided else known.decided
        behind = node.kind is not Kind.APP and any(city.decider(child) for child in engine.topology.hanging(node.id))
        facts = {"verified": turn.why is Why.ROOT_VERIFIED, "at": turn.at, "after": after, "behind": behind}
        yield Ring("gate", held=True, facts={**facts, "witnesses": _witnesses(scene, node, after, turn.at)})


def _lines(node: Node, dead: Sequence[Sequence[dict[str, Any]]]) -> tuple[str, ...]:
    """Return the line of a node, and those of the parents that stand in its way."""
    return (node.where, *(each["where"] for group in dead for each in group))


def _waits(scene: Scene, node: Node, groups: Sequence[Sequence[dict[str, Any]]]) -> Ring:
    """Say for whom a root still waits: for those above it, behind it, or beside it."""
    engine, wait = scene.engine, scene.engine.state.gate[node.id]
    above = not engine.gate.verified(node.id, wait.after)
    behind = [] if above or engine.gate.open_to(node.id) else [_asked(scene.city.checks[check], node) for check in wait.asked]
    facts = {"after": wait.after, "deadline": wait.deadline, "groups": groups if above else (), "behind": behind}
    facts["away"] = engine.gate.away(node.id)
    return Ring("gate", held=False, facts=facts, where=(node.where,))


def _asked(check: Check, node: Node) -> str:
    """Return whom a check asks: a node behind, or another check of the node itself."""
    return check.id if check.node == node.id else check.node


def _witnesses(scene: Scene, node: Node, after: float, until: float) -> list[dict[str, Any]]:
    """Return the parents of a root, with the answer after its deciding loss for which it waited at the gate (0: none is known)."""
    found = []
    for parent in scene.engine.topology.parents(node.id):
        check = scene.city.decider(parent)
        if check is None:
            continue
        look, known = scene.answered(check.id, after, until), scene.engine.state.beliefs[check.id]
        sent = look.sent if look else known.last_ok_sent if after < known.last_ok_sent and known.last_ok <= until else 0.0
        found.append({"id": parent, "answered": sent, "condition": scene.engine.condition(parent, scene.at)})
    return found


def _parent(scene: Scene, parent: str) -> dict[str, Any]:
    engine, check = scene.engine, scene.city.decider(parent)
    listed = scene.city.nodes.get(parent)
    fallen = [] if engine.topology.forwards(parent) else [each for each in _fallen(engine, parent) if each != parent]
    incident, known = engine.incident_of(parent), engine.state.beliefs[check.id] if check else Belief()
    return {
        "id": parent,
        "condition": engine.condition(parent, scene.at) if listed else Condition.UNWATCHED,
        "forwards": engine.topology.forwards(parent),
        "fallen": fallen,
        "incident": incident.id if incident else "",
        "last_ok": known.last_ok,
        "again": known.first_ok if known.status is Status.DOWN else 0.0,
        "where": listed.where if listed else "",
    }


def _fallen(engine: Engine, node: str) -> list[str]:
    """Return what is down and keeps a node from forwarding: itself, or what stands above it."""
    topology, listed = engine.topology, engine.state.city.nodes.get(node)
    if listed is None or topology.reachable(node):
        return [node]
    dead = [group for group in listed.groups if not any(map(topology.forwards, group))]
    return list(dict.fromkeys(each for group in dead for parent in group for each in _fallen(engine, parent)))


def _speakers(engine: Engine, node: str) -> list[tuple[str, float]]:
    """Who is reached through a silent node alone and answered last, with the time."""
    city, found = engine.state.city, []
    for child in engine.topology.hanging(node):
        check = city.decider(child)
        if check and engine.state.beliefs[check.id].status is Status.UP:
            found.append((child, engine.state.beliefs[check.id].last_ok))
    return sorted(found, key=lambda each: -each[1])[:3]
