"""What is wrong now, and counts: the JSON that `pantau status`, `pantau check` and scripts read (commands.md)."""

from collections import Counter
from collections.abc import Iterable, Mapping

from alerts.incidents import Incident
from monitor.core.belief import STALE_INTERVALS
from monitor.core.city import SITES, City, Kind, Node, Risk
from monitor.engine import Condition, Engine

ANSWERS = frozenset({Condition.UP, Condition.DEGRADED, Condition.NO_REPLY, Condition.SUSPECT})
SILENT = frozenset({Condition.DOWN, Condition.SHADOWED})
SEEN = tuple(condition for condition in Condition if condition is not Condition.UNWATCHED)
PARTS = (Condition.DEGRADED, Condition.NO_REPLY, Condition.SUSPECT, Condition.SHADOWED, Condition.NEW)
HEAVIEST_FIRST = ("critical", "major", "minor")
BEGINNING = 60.0
"""Seconds in which nothing need be known yet."""


def conditions(engine: Engine, at: float) -> dict[str, Condition]:
    """Return the condition of every node that is looked at, by id."""
    return {node.id: condition(engine, node.id, at) for node in engine.state.city.nodes.values() if node.checks}


def condition(engine: Engine, node: str, at: float) -> Condition:
    """Return the condition of a node: what no look could tell anything of since it is in the inventory is not new but UNKNOWN."""
    found = engine.condition(node, at)
    if found is not Condition.NEW:
        return found
    decider = engine.state.city.checks[engine.state.city.nodes[node].checks[0]]
    belief = engine.state.beliefs[decider.id]
    patience = max(BEGINNING, STALE_INTERVALS * decider.interval + decider.timeout)
    return Condition.UNKNOWN if not belief.last_valid and at - belief.since > patience else found


def condition_of_risk(engine: Engine, risk: Risk, at: float) -> Condition:
    """Return the condition of what cannot be looked at itself: DOWN while an open incident names it as its cause."""
    if any(incident.cause.node == risk.id for incident in open_incidents(engine)):
        return Condition.DOWN
    seen = {condition(engine, member, at) for member in risk.members}
    return Condition.UP if seen & (ANSWERS | SILENT) else Condition.UNKNOWN


def counts(conditions: Iterable[Condition]) -> dict[str, int]:
    """Return how many answer, do not, or are not known: these three add up.

    Of those up, `degraded`, `no_reply` and `suspect` are said apart; of those down, `shadowed`; of those unknown, `new`.
    """
    each = Counter(conditions)
    up = sum(each[condition] for condition in ANSWERS)
    down = sum(each[condition] for condition in SILENT)
    return {"up": up, "down": down, "unknown": each.total() - up - down, **{part.value: each[part] for part in PARTS}}


def open_incidents(engine: Engine) -> list[Incident]:
    """Return the open incidents, the heaviest first, then the oldest."""
    found = [incident for incident in engine.state.incidents.values() if not incident.ended]
    return sorted(found, key=lambda one: (HEAVIEST_FIRST.index(one.cause.severity), one.opened, one.id))


def hit(city: City, incident: Incident) -> list[Node]:
    """Return the nodes an incident takes: its cause, its members and all that is behind them, as far as they still are in the city."""
    ids = dict.fromkeys((incident.cause.node, *incident.cause.members, *incident.cause.behind))
    return [city.nodes[node] for node in ids if node in city.nodes]


def incident_json(engine: Engine, incident: Incident) -> dict[str, object]:
    """Return one incident as JSON; `owed` are the receivers who still wait for a page of it."""
    cause, nodes = incident.cause, hit(engine.state.city, incident)
    owed = dict.fromkeys(page.receiver for page in engine.state.owed.values() if page.incident == incident.id)
    return {
        "id": incident.id,
        "cause": cause.node,
        "class": list(cause.alike),
        "members": list(cause.members),
        "instead": list(cause.instead),
        "severity": cause.severity.value,
        "why": cause.why.value,
        "reason": cause.reason.value if cause.reason else None,
        "detail": cause.detail,
        "since": list(cause.since),
        "opened": incident.opened,
        "ended": incident.ended or None,
        "falls": incident.falls,
        "shadowed": list(cause.behind),
        "impact": {
            "opds": list(cause.opds),
            "urusan": list(cause.urusan),
            "sites": [node.id for node in nodes if node.kind in SITES],
            "apps": [node.id for node in nodes if node.kind is Kind.APP],
        },
        "told": list(incident.told),
        "owed": list(owed),
    }


def status(engine: Engine, at: float, control: str = "", not_ready: str = "") -> Mapping[str, object]:
    """Return the state of the city as JSON.

    `control` is the daemon's socket, where words that change state go; `not_ready` says what the daemon does not do, if anything.
    """
    city, now = engine.state.city, conditions(engine, at)
    return {
        "at": at,
        "city": city.name,
        "utc_offset": city.utc_offset,
        "fingerprint": city.fingerprint,
        "control": control,
        "not_ready": not_ready,
        "sites": counts(condition for node, condition in now.items() if city.nodes[node].kind in SITES),
        "apps": counts(condition for node, condition in now.items() if city.nodes[node].kind is Kind.APP),
        "links": counts(condition for node, condition in now.items() if city.nodes[node].kind is Kind.LINK),
        "nodes": {node: condition.value for node, condition in now.items()},
        "risks": {risk.id: condition_of_risk(engine, risk, at).value for risk in city.risks.values()},
        "incidents": [incident_json(engine, incident) for incident in open_incidents(engine)],
        "owed": len(engine.state.owed),
    }
