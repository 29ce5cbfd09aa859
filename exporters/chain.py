"""WHY, OR WHY NOT: the chain from the looks to the phone, each ring with the line of the inventory it hangs on. Pure.

A ring that did not hold is the last one of the chain, with the value that would have passed. Everything is read from the engine as it
was, from recorded looks and from the journal; nothing is judged here a second time but the odds, by the belief's own code.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alerts import routing
from alerts.incidents import Cause
from exporters.evidence import Episode, odds, passing
from monitor.core.belief import Belief, Status, answered
from monitor.core.city import Check, City, Node
from monitor.core.down import least_span
from monitor.core.events import Decision, Delivered, Page, ProbeResult
from monitor.core.learning import heavy
from monitor.core.promise import promise
from monitor.core.rules import Rule
from monitor.core.verdict import Verdict
from monitor.engine import Condition, Engine

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring of the chain: its name, whether it held, the facts for its sentence and the lines of the inventory it hangs on."""

    name: str
    held: bool
    facts: Facts = field(default_factory=dict)
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known at a time: the engine as it was, the episode of losses in question, what was told and what came of it."""

    engine: Engine
    at: float
    episode: Episode | None = None
    last_look: ProbeResult | None = None
    pages: Sequence[Page] = ()
    reports: Mapping[str, Delivered] = field(default_factory=dict)
    decisions: Callable[[str], Sequence[Decision]] = lambda _subject: ()

    @property
    def city(self) -> City:
        """The inventory of that time."""
        return self.engine.state.city


def chain(scene: Scene, subject: str) -> list[Ring]:
    """Return the chain of a node, link or check up to the first ring that did not hold."""
    rings: list[Ring] = []
    for ring in _rings(scene, subject):
        rings.append(ring)
        if not ring.held and ring.name != "page":  # a page that failed says nothing about the next receiver's
            break
    return rings


def _rings(scene: Scene, subject: str) -> Iterator[Ring]:
    city = scene.city
    node = city.nodes.get(city.checks[subject].node if subject in city.checks else subject)
    if node is None:
        yield _unlisted(city, subject)
        return
    yield Ring("listed", held=True, facts={"id": node.id, "kind": node.kind.value}, where=(node.where,))
    if not node.checks:
        yield Ring("watched", held=False, facts={"id": node.id}, where=(node.where,))
        return
    check = city.checks[subject if subject in city.checks else node.checks[0]]
    yield from _seen(scene, node, check)
    yield from _placed(scene, node)
    yield from _told(scene, node)


def _unlisted(city: City, subject: str) -> Ring:
    link = city.links.get(subject)
    if link:
        return Ring("link", held=False, facts={"child": link.child, "parent": link.parent}, where=(link.where,))
    risk = city.risks.get(subject)
    return Ring("risk_only", held=False, facts={"members": risk.members}, where=(risk.where,)) if risk else Ring("listed", held=False)


# -- what was seen


def _seen(scene: Scene, node: Node, check: Check) -> Iterator[Ring]:
    known, engine, rule = scene.engine.state.beliefs[check.id], scene.engine, scene.city.rules[check.grade]
    about = {"check": check.id, "kind": check.kind, "target": check.target, "grade": check.grade.value, "interval": check.interval}
    yield Ring("watched", held=True, facts=about, where=(check.where,))
    yield _promised(rule, check, known)
    if engine.blind and node.groups:
        yield Ring("sighted", held=False, facts={"gateway": _tops(engine)})
    if known.status is Status.NEW:
        yield Ring("ever_answered", held=False, facts={"looks": sum(known.counts.values())}, where=(check.where,))
    episode = scene.episode
    lost = episode.known if episode else known
    if not lost.losses:
        last = scene.last_look
        facts = {"last_ok": known.last_ok, "last": last, "needed": rule.odds, "span_needed": rule.span}
        yield Ring("unsure" if last and last.verdict is Verdict.UNSURE else "lost", held=False, facts=facts)
    yield _weighed(rule, check, lost, episode)
    if check.id != node.checks[0]:
        yield Ring("decides", held=False, facts={"check": check.id, "decider": node.checks[0]}, where=(check.where,))


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


def _tops(engine: Engine) -> list[str]:
    return [node.id for node in engine.state.city.nodes.values() if not node.groups]


# -- where it stands


def _placed(scene: Scene, node: Node) -> Iterator[Ring]:
    engine, groups = scene.engine, [_group(scene, group) for group in node.groups]
    facts = {"groups": groups, "dead": [group for group in groups if not any(each["forwards"] for each in group)]}
    yield Ring("reachable", held=engine.topology.reachable(node.id), facts=facts, where=(node.where,))
    if node.id in engine.state.silent:
        yield Ring("silent", held=False, facts={"since": engine.state.silent[node.id], "speakers": _speakers(engine, node.id)})
    waiting = engine.state.gate.get(node.id)
    if waiting:
        yield Ring("gate", held=False, facts={"after": waiting.after, "deadline": waiting.deadline, "groups": groups})
    since = scene.episode.first.sent if scene.episode else engine.state.beliefs[node.checks[0]].first_loss
    decided = [each for each in scene.decisions(node.id) if each.what == "root" and since <= each.at <= scene.at + 1]
    if decided:
        yield Ring("gate", held=True, facts={"why": decided[0].why, "at": decided[0].at, "groups": groups})


def _group(scene: Scene, group: Iterable[str]) -> list[dict[str, Any]]:
    return [_parent(scene, parent) for parent in group]


def _parent(scene: Scene, parent: str) -> dict[str, Any]:
    engine, check = scene.engine, scene.city.decider(parent)
    known = engine.state.beliefs[check.id] if check else None
    condition = engine.condition(parent, scene.at) if parent in scene.city.nodes else Condition.UNWATCHED
    return {
        "id": parent,
        "condition": condition,
        "forwards": engine.topology.forwards(parent),
        "last_ok": known.last_ok if known else 0.0,
        "where": scene.city.nodes[parent].where if parent in scene.city.nodes else "",
    }


def _speakers(engine: Engine, node: str) -> list[tuple[str, float]]:
    """Who is reached through a silent node alone and answered last, with the time."""
    city, found = engine.state.city, []
    for child in engine.topology.hanging(node):
        check = city.decider(child)
        if check and engine.state.beliefs[check.id].status is Status.UP:
            found.append((child, engine.state.beliefs[check.id].last_ok))
    return sorted(found, key=lambda each: -each[1])[:3]


# -- who was told


def _told(scene: Scene, node: Node) -> Iterator[Ring]:
    pages = [page for page in scene.pages if node.id in (page.cause, *page.members)]
    incident = scene.engine.incident_of(node.id)
    if not pages and incident is None:
        yield Ring("incident", held=False, facts={"condition": scene.engine.condition(node.id, scene.at)})
        return
    cause = _cause_of(pages[-1]) if pages else incident.cause if incident else None
    if cause is None:
        return
    number = pages[-1].incident if pages else incident.id if incident else ""
    yield Ring("incident", held=True, facts={"incident": number, "cause": cause}, where=_risk_line(scene.city, cause.node))
    yield _routed(scene.city, cause)
    for page in pages:
        yield paged(scene, page)


def _cause_of(page: Page) -> Cause:
    return Cause(
        page.cause, page.why, page.reason, page.detail, page.since, page.severity, page.alike, page.members, page.instead, page.behind,
        page.opds, page.urusan,
    )  # fmt: skip


def _risk_line(city: City, cause: str) -> tuple[str, ...]:
    risk = city.risks.get(cause)
    return (risk.where,) if risk else ()


def _routed(city: City, cause: Cause) -> Ring:
    members, behind = (tuple(each for each in ids if each in city.nodes) for ids in (cause.members, cause.behind))
    known = replace(cause, members=members, behind=behind)
    matched = [route for route in city.routes if routing.mismatch(city, route, known) is None]
    missed = [(route, key) for route in city.routes if (key := routing.mismatch(city, route, known))]
    facts = {"matched": [route.to for route in matched], "missed": missed, "cause": known}
    return Ring("route", held=bool(matched), facts=facts, where=tuple(route.where for route in matched))


def paged(scene: Scene, page: Page) -> Ring:
    """Return the ring of one page: when it was decided, and what became of it."""
    receiver, report = scene.city.receivers.get(page.receiver), scene.reports.get(page.key)
    facts = {"page": page, "report": report, "receiver": receiver}
    return Ring("page", held=report is None or report.ok, facts=facts, where=(receiver.where,) if receiver else ())
