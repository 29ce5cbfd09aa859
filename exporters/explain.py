"""Why something was paged, or why not: all that is known of a node, a check or an incident (`pantau explain`)."""

import itertools
import math
from collections.abc import Mapping, Sequence

from exporters.chain import chain
from exporters.scene import Scene, way_in
from exporters.sentences import rings_as_json
from exporters.status import condition, condition_of_risk, incident_json
from exporters.view import View
from monitor.core.belief import Belief, answered, status_at
from monitor.core.city import Check, Node, Risk
from monitor.core.down import least_span, prior
from monitor.core.events import Decision
from monitor.core.learning import heavy
from monitor.core.promise import promise
from monitor.core.rules import Rule
from monitor.engine import Engine
from monitor.probes.discreet import address

DECISIONS = 50

Json = dict[str, object]


def explain(view: View, subject: str) -> Json | None:
    """Return what is known of a node, check, link, shared risk or incident by its id; nothing when no such thing is known."""
    engine, at = view.engine(), view.now()
    state = engine.state
    found: Json
    if subject in state.city.nodes:
        found = _node(engine, state.city.nodes[subject], at)
    elif subject in state.city.checks:
        found = _check(engine, state.city.checks[subject], at)
    elif subject in state.incidents:
        found = {"what": "incident", **incident_json(engine, state.incidents[subject])}
    elif subject in state.city.links:
        link = state.city.links[subject]
        found = {
            "what": "link",
            "where": link.where,
            "child": link.child,
            "parent": link.parent,
            "grade": link.grade.value,
            "looked_at": False,
        }
    elif subject in state.city.risks:
        found = _risk(engine, state.city.risks[subject], at)
    else:
        return None
    head = {"subject": subject, "at": at, "utc_offset": state.city.utc_offset}
    return {**head, **found, "chain": _chain(view, subject, at), "decisions": _decisions(view, subject)}


def _chain(view: View, subject: str, at: float) -> list[Json]:
    """Return why it was paged, or the first step that kept it from it, by what is believed now (of an incident: of its first member)."""
    engine = view.engine()
    if incident := engine.state.incidents.get(subject):
        subject = next(iter(incident.members), incident.cause.node)

    def decisions(about: str) -> Sequence[Decision]:
        return view.decisions(about, DECISIONS)

    scene = Scene(engine, at, decisions=decisions, way=lambda number: way_in(decisions(number)))
    return rings_as_json(chain(scene, subject), scene.city, at)


def _node(engine: Engine, node: Node, at: float) -> Json:
    checks = engine.state.city.checks
    return {
        "what": "node",
        "name": node.name,
        "kind": node.kind.value,
        "where": node.where,
        "condition": condition(engine, node.id, at).value,
        "reachable": engine.topology.reachable(node.id),
        "groups": [[_parent(engine, parent, at) for parent in group] for group in node.groups],
        "checks": [_check(engine, checks[check], at) for check in node.checks],
        "incidents": [
            incident_json(engine, one)
            for one in engine.state.incidents.values()
            if node.id in (one.cause.node, *one.cause.members, *one.cause.behind)
        ],
    }


def _risk(engine: Engine, risk: Risk, at: float) -> Json:
    return {
        "what": "risk",
        "name": risk.name,
        "kind": risk.kind,
        "where": risk.where,
        "condition": condition_of_risk(engine, risk, at).value,
        "members": [{"id": member, "condition": condition(engine, member, at).value} for member in risk.members],
        "incidents": [incident_json(engine, one) for one in engine.state.incidents.values() if one.cause.node == risk.id],
    }


def _parent(engine: Engine, node: str, at: float) -> Json:
    return {"id": node, "condition": engine.condition(node, at).value, "forwards": engine.topology.forwards(node)}


def _check(engine: Engine, check: Check, at: float) -> Json:
    belief = engine.state.beliefs.get(check.id, Belief())
    return {
        "what": "check",
        "id": check.id,
        "node": check.node,
        "kind": check.kind,
        "target": address(check.target),
        "where": check.where,
        "grade": check.grade.value,
        "interval": check.interval,
        "timeout": check.timeout,
        "status": status_at(check, belief, at).value,
        "since": belief.since,
        "verdict": belief.verdict.value,
        "reason": belief.reason.value if belief.reason else None,
        "detail": belief.detail,
        "seconds": belief.seconds,
        "last_ok": belief.last_ok,
        "last_looked": belief.last_sent,
        "looks": {verdict.value: number for verdict, number in belief.counts.items()},
        "belief": _numbers(engine.state.city.rules[check.grade], check, belief),
    }


def _numbers(rule: Rule, check: Check, belief: Belief) -> Mapping[str, float]:
    """Return the evidence beside what DOWN needs, and what is promised of the check; odds as natural logarithms, spans in seconds."""
    noise, said = belief.noise or rule.noise, promise(rule, check, belief)
    return {
        "p": noise.p,
        "tau": noise.tau,
        "false_a_year": round(said.false, 4),
        "false_share": round(said.share, 4),
        "down_after": round(said.worst, 1),
        "downs": belief.downs,
        "brief": belief.brief,
        "heavy_tail": heavy(rule, belief.learned, answered(belief)),
        "losses": belief.losses,
        "log_odds": round(prior(rule, check) + belief.nats, 3),
        "log_odds_needed": round(math.log(rule.odds), 3),
        "span": round(belief.last_loss - belief.first_loss, 3) if belief.losses else 0.0,
        "span_needed": least_span(rule, belief.reason),
        "first_loss": belief.first_loss,
    }


def _decisions(view: View, subject: str) -> list[Json]:
    """Return the newest decisions on the subject and, of a node, on its checks: the newest first."""
    node = view.engine().state.city.nodes.get(subject)
    subjects = (subject, *node.checks) if node else (subject,)
    found = list(itertools.chain.from_iterable(view.decisions(one, DECISIONS) for one in subjects))
    found.sort(key=lambda decision: decision.at, reverse=True)
    return [decision_json(decision) for decision in found[:DECISIONS]]


def decision_json(decision: Decision) -> Json:
    """Return one decision as JSON."""
    return {
        "at": decision.at,
        "subject": decision.subject,
        "what": decision.what,
        "why": decision.why.value,
        "numbers": dict(decision.numbers),
    }
