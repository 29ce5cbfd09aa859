"""What Prometheus reads: a projection of the engine's state at the moment of the scrape, never a second state.

`METRICS` is the table of all series: name, type, labels and help; `docs/metrics.md` is written from it. Labels come only from the
inventory and from closed words, so their number is bounded; a target that has gone takes its series with it.
"""

import asyncio
import math
import platform
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from typing import NamedTuple

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from exporters.status import ANSWERS, SEEN, SILENT, conditions, open_incidents
from exporters.view import Figures, View
from monitor.core.belief import Belief, Status, answered, status_at
from monitor.core.city import SITES, Check, City, Kind
from monitor.core.learning import heavy
from monitor.core.promise import fleet
from monitor.core.rules import Rule
from monitor.core.traps import Fate
from monitor.core.verdict import Verdict
from monitor.engine import Condition, Engine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ALWAYS_COUNTED = (Verdict.OK, Verdict.FAIL)
RESULTS = ("ok", "retry", "given_up")
SLICE = 500
"""As many samples are put into words in one turn of the loop: in a few milliseconds."""

Rows = Iterable[tuple[tuple[str, ...], float]]


class Named(NamedTuple):
    """One metric: its type, the names of its labels, and what it says."""

    kind: str
    labels: tuple[str, ...]
    help: str


SITE, APP, LINK = ("site", "kind", "kecamatan"), ("app", "owner", "host"), ("link", "child", "parent", "grade", "provider")
BACKBONE, CHECK, INCIDENT = ("node", "kind"), ("check", "node", "kind"), ("cause", "severity")

METRICS: dict[str, Named] = {
    "pantau_build_info": Named("gauge", ("version", "python"), "1; which Pantau this is."),
    "pantau_start_time_seconds": Named("gauge", (), "When the daemon started, in epoch seconds."),
    "pantau_ready": Named("gauge", (), "1 when the daemon looks and its journal works, else 0."),
    "pantau_config_info": Named("gauge", ("city", "fingerprint"), "1; the content of the inventory in use."),
    "pantau_config_reload_failures_total": Named(
        "counter", (), "Inventories that were refused since the start; the old one stayed in use."
    ),
    "pantau_config_last_reload_successful": Named("gauge", (), "1 when the file last read is the one in use, 0 when it was refused."),
    "pantau_config_last_reload_success_timestamp_seconds": Named("gauge", (), "When the inventory in use was read, in epoch seconds."),
    "pantau_sites": Named("gauge", ("condition",), "Sites by condition."),
    "pantau_apps": Named("gauge", ("condition",), "Applications by condition."),
    "pantau_site_up": Named("gauge", SITE, "1 when the site answers, 0 when not; no sample while that is not known."),
    "pantau_site_condition": Named("gauge", (*SITE, "condition"), "1 for the condition that the site is in."),
    "pantau_app_up": Named("gauge", APP, "1 when the application answers as it should, 0 when not; no sample while that is not known."),
    "pantau_app_condition": Named("gauge", (*APP, "condition"), "1 for the condition that the application is in."),
    "pantau_link_up": Named("gauge", LINK, "1 when the watched link answers, 0 when not; no sample while that is not known."),
    "pantau_link_condition": Named("gauge", (*LINK, "condition"), "1 for the condition that the watched link is in."),
    "pantau_backbone_up": Named(
        "gauge", BACKBONE, "1 when the hub, the ISP or the internet answers, 0 when not; no sample while not known."
    ),
    "pantau_backbone_condition": Named(
        "gauge", (*BACKBONE, "condition"), "1 for the condition that the hub, the ISP or the internet is in."
    ),
    "pantau_checks": Named("gauge", ("status",), "Checks by what is believed of them."),
    "pantau_check_looks_total": Named("counter", (*CHECK, "verdict"), "Looks by verdict since the check is known; survives a restart."),
    "pantau_check_rtt_seconds": Named("gauge", CHECK, "Round trip, or whole exchange, of the last look; no sample when it got no answer."),
    "pantau_check_loss_ratio": Named("gauge", CHECK, "Share of packets lost in the last look that sent packets, 0 to 1."),
    "pantau_check_last_look_timestamp_seconds": Named(
        "gauge", CHECK, "When the check was last looked at with a valid result, epoch seconds."
    ),
    "pantau_check_noise_ratio": Named("gauge", CHECK, "Share of looks that a good target is believed to lose, 0 to 1."),
    "pantau_check_noise_seconds": Named("gauge", CHECK, "Time over which its losses are believed to hang together."),
    "pantau_check_noise_heavy_tail": Named("gauge", CHECK, "1 when its bursts have a heavy tail: more pages may be false than is stated."),
    "pantau_check_downs_total": Named("counter", CHECK, "Times the check was believed down; survives a restart."),
    "pantau_check_brief_downs_total": Named("counter", CHECK, "Those that were over within a minute; false ones are mostly among them."),
    "pantau_false_pages_stated_per_year": Named("gauge", (), "False pages a year that the rules allow at most, all targets together."),
    "pantau_incident_open": Named("gauge", INCIDENT, "1 for every open incident."),
    "pantau_incident_opened_timestamp_seconds": Named("gauge", INCIDENT, "When the open incident was opened, in epoch seconds."),
    "pantau_incident_sites_behind": Named("gauge", INCIDENT, "Sites that the open incident keeps out of reach, its cause not counted."),
    "pantau_pages_owed": Named("gauge", ("receiver",), "Pages decided and not yet delivered."),
    "pantau_pages_owed_oldest_timestamp_seconds": Named(
        "gauge", (), "When the oldest page not yet delivered was decided; no sample when none is."
    ),
    "pantau_deliveries_total": Named("counter", ("channel", "result"), "Attempts to deliver a page since the start."),
    "pantau_look_delay_seconds": Named("histogram", (), "How long after they were due looks were sent, since the start."),
    "pantau_traps_total": Named("counter", ("fate",), "SNMP traps and informs since the start, by what became of them."),
    "pantau_loop_lag_seconds": Named("gauge", (), "How late the daemon's loop was when it last measured itself."),
    "pantau_engine_ignored_total": Named("counter", ("event",), "Events that the engine could not use, by what was wrong with them."),
    "pantau_journal_bytes": Named("gauge", (), "Size of the journal and its log on disk."),
    "pantau_journal_rows": Named("gauge", ("table",), "Rows in the journal by table."),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What one scrape sees: one moment, one state."""

    engine: Engine
    at: float
    figures: Figures
    ready: bool
    city: City
    conditions: dict[str, Condition]

    def labels(self, wanted: frozenset[Kind]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Return the id and the labels of every looked-at node of these kinds."""
        for node_id in self.conditions:
            node = self.city.nodes[node_id]
            if node.kind not in wanted:
                continue
            if node.kind is Kind.APP:
                application = self.city.applications.get(node_id)
                yield node_id, (node_id, node.owner, application.host if application else "")
            elif node.kind is Kind.LINK:
                link = self.city.links[node_id]
                yield node_id, (node_id, link.child, link.parent, link.grade.value, link.provider)
            elif node.kind in SITES:
                yield node_id, (node_id, node.kind.value, node.kecamatan)
            else:
                yield node_id, (node_id, node.kind.value)


def _up(kinds: frozenset[Kind]) -> Callable[[Scene], Rows]:
    def rows(scene: Scene) -> Rows:
        for node, labels in scene.labels(kinds):
            if scene.conditions[node] in ANSWERS | SILENT:
                yield labels, float(scene.conditions[node] in ANSWERS)

    return rows


def _condition(kinds: frozenset[Kind]) -> Callable[[Scene], Rows]:
    return lambda scene: (((*labels, scene.conditions[node].value), 1.0) for node, labels in scene.labels(kinds))


def _number(kinds: frozenset[Kind]) -> Callable[[Scene], Rows]:
    def rows(scene: Scene) -> Rows:
        each = Counter(condition for node, condition in scene.conditions.items() if scene.city.nodes[node].kind in kinds)
        return [((condition.value,), float(each[condition])) for condition in SEEN]

    return rows


def _beliefs(scene: Scene) -> Iterator[tuple[Check, tuple[str, ...], Belief]]:
    """Every check with its labels and what is believed of it."""
    for check in scene.city.checks.values():
        belief = scene.engine.state.beliefs.get(check.id)
        if belief is not None:
            yield check, (check.id, check.node, check.kind), belief


def _checks(scene: Scene) -> Rows:
    each = Counter(status_at(check, belief, scene.at) for check, _, belief in _beliefs(scene))
    return [((status.value,), float(each[status])) for status in Status]


def _looks(scene: Scene) -> Rows:
    for _, labels, belief in _beliefs(scene):
        for verdict in Verdict:
            if verdict in belief.counts or verdict in ALWAYS_COUNTED:
                yield (*labels, verdict.value), float(belief.counts.get(verdict, 0))


def _rtt(scene: Scene) -> Rows:
    return ((labels, belief.seconds) for _, labels, belief in _beliefs(scene) if belief.seconds is not None)


def _loss(scene: Scene) -> Rows:
    for _, labels, belief in _beliefs(scene):
        sent, received = belief.values.get("sent"), belief.values.get("received")
        if isinstance(sent, int) and isinstance(received, int) and sent > 0:
            yield labels, 1 - received / sent


def _last_look(scene: Scene) -> Rows:
    return ((labels, belief.last_valid) for _, labels, belief in _beliefs(scene) if belief.last_valid)


def _of_checks(value: Callable[[Rule, Check, Belief], float]) -> Callable[[Scene], Rows]:
    return lambda scene: ((labels, value(scene.city.rules[check.grade], check, belief)) for check, labels, belief in _beliefs(scene))


def _incidents(value: Callable[[Scene, str, float, tuple[str, ...]], float]) -> Callable[[Scene], Rows]:
    def rows(scene: Scene) -> Rows:
        found = {(one.cause.node, one.cause.severity.value): one for one in open_incidents(scene.engine)}
        return [(labels, value(scene, one.id, one.opened, one.cause.behind)) for labels, one in found.items()]

    return rows


def _sites_behind(scene: Scene, _incident: str, _opened: float, behind: tuple[str, ...]) -> float:
    return float(sum(1 for node in behind if node in scene.city.nodes and scene.city.nodes[node].kind in SITES))


def _owed(scene: Scene) -> Rows:
    each = Counter(page.receiver for page in scene.engine.state.owed.values())
    return [((receiver,), float(each[receiver])) for receiver in scene.city.receivers]


def _oldest(scene: Scene) -> Rows:
    times = [page.at for page in scene.engine.state.owed.values()]
    return [((), min(times))] if times else []


def _delays(scene: Scene) -> Rows:
    """Return the looks by the bound of their delay, as Prometheus writes bounds, and last the sum of all."""
    yield from (((str(bound) if bound < math.inf else "+Inf",), looks) for bound, looks in scene.figures.delays or ((math.inf, 0),))
    yield (), scene.figures.delayed


def _deliveries(scene: Scene) -> Rows:
    channels = {receiver.channel for receiver in scene.city.receivers.values()}
    every = {(channel, result): 0 for channel in sorted(channels) for result in RESULTS} | dict(scene.figures.deliveries)
    return [(labels, float(number)) for labels, number in every.items()]


def _build(_scene: Scene) -> Rows:
    return [((version("pantau"), platform.python_version()), 1.0)]


def _one(value: Callable[[Scene], float]) -> Callable[[Scene], Rows]:
    return lambda scene: [((), float(value(scene)))]


BACKBONE_KINDS = frozenset({Kind.HUB, Kind.ISP, Kind.INTERNET, Kind.RESOLVER})
APPS, LINKS = frozenset({Kind.APP}), frozenset({Kind.LINK})

ROWS: dict[str, Callable[[Scene], Rows]] = {
    "pantau_build_info": _build,
    "pantau_start_time_seconds": _one(lambda scene: scene.figures.started),
    "pantau_ready": _one(lambda scene: scene.ready),
    "pantau_config_info": lambda scene: [((scene.city.name, scene.city.fingerprint), 1.0)],
    "pantau_config_reload_failures_total": _one(lambda scene: scene.figures.reload_failures),
    "pantau_config_last_reload_successful": _one(lambda scene: not scene.figures.reload_error),
    "pantau_config_last_reload_success_timestamp_seconds": _one(lambda scene: scene.figures.reloaded),
    "pantau_sites": _number(SITES),
    "pantau_apps": _number(APPS),
    "pantau_site_up": _up(SITES),
    "pantau_site_condition": _condition(SITES),
    "pantau_app_up": _up(APPS),
    "pantau_app_condition": _condition(APPS),
    "pantau_link_up": _up(LINKS),
    "pantau_link_condition": _condition(LINKS),
    "pantau_backbone_up": _up(BACKBONE_KINDS),
    "pantau_backbone_condition": _condition(BACKBONE_KINDS),
    "pantau_checks": _checks,
    "pantau_check_looks_total": _looks,
    "pantau_check_rtt_seconds": _rtt,
    "pantau_check_loss_ratio": _loss,
    "pantau_check_last_look_timestamp_seconds": _last_look,
    "pantau_check_noise_ratio": _of_checks(lambda rule, _check, belief: (belief.noise or rule.noise).p),
    "pantau_check_noise_seconds": _of_checks(lambda rule, _check, belief: (belief.noise or rule.noise).tau),
    "pantau_check_noise_heavy_tail": _of_checks(lambda rule, _check, belief: heavy(rule, belief.learned, answered(belief))),
    "pantau_check_downs_total": _of_checks(lambda _rule, _check, belief: belief.downs),
    "pantau_check_brief_downs_total": _of_checks(lambda _rule, _check, belief: belief.brief),
    "pantau_false_pages_stated_per_year": _one(lambda scene: fleet(scene.city, scene.engine.state.beliefs).false),
    "pantau_incident_open": _incidents(lambda *_: 1.0),
    "pantau_incident_opened_timestamp_seconds": _incidents(lambda _scene, _id, opened, _behind: opened),
    "pantau_incident_sites_behind": _incidents(_sites_behind),
    "pantau_pages_owed": _owed,
    "pantau_pages_owed_oldest_timestamp_seconds": _oldest,
    "pantau_deliveries_total": _deliveries,
    "pantau_look_delay_seconds": _delays,
    "pantau_traps_total": lambda scene: [((fate.value,), float(scene.figures.traps.get(fate, 0))) for fate in Fate],
    "pantau_loop_lag_seconds": _one(lambda scene: scene.figures.loop_lag),
    "pantau_engine_ignored_total": lambda scene: [((word,), float(number)) for word, number in scene.engine.state.counts.items()],
    "pantau_journal_bytes": _one(lambda scene: scene.figures.journal_bytes),
    "pantau_journal_rows": lambda scene: [((table,), float(number)) for table, number in scene.figures.journal.items()],
}


class _Families(Collector):
    """Lets `generate_latest` write one family that is already there."""

    def __init__(self, *families: Metric) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _family(name: str, rows: Rows) -> Metric:
    named = METRICS[name]
    if named.kind == "histogram":
        *buckets, (_, total) = rows
        return HistogramMetricFamily(name, named.help, [(bound, looks) for (bound,), looks in buckets], total)
    family = (CounterMetricFamily if named.kind == "counter" else GaugeMetricFamily)(name, named.help, labels=named.labels)
    for labels, value in rows:
        family.add_metric(labels, value)
    return family


async def exposition(view: View) -> AsyncIterator[bytes]:
    """Yield the text that Prometheus reads, `SLICE` samples at a time; then others get their turn: no scrape holds the loop."""
    engine, at = view.engine(), view.now()
    scene = Scene(engine, at, view.figures(), not view.ready(), engine.state.city, conditions(engine, at))
    for name, rows in ROWS.items():
        left, head = iter(rows(scene)), b""
        while (some := list(islice(left, SLICE))) or not head:
            text = generate_latest(_Families(_family(name, some)))
            yield text.removeprefix(head)
            head = head or b"".join(text.splitlines(keepends=True)[:2])
            await asyncio.sleep(0)
    yield generate_latest(_Families(*ProcessCollector(registry=None).collect()))


def reference() -> str:
    """Return docs/metrics.md: every metric with its labels and its sentence."""
    lines = [
        "# Metrics",
        "",
        "Written by `scripts/generate` from `exporters/metrics.py`. `GET /metrics` answers in the text format 0.0.4; beside these stand",
        "the `process_*` metrics of the Prometheus client. A target that leaves the inventory takes its series with it at the next scrape.",
        "`condition` is one of " + ", ".join(f"`{condition.value}`" for condition in SEEN) + ".",
        "",
        "| name | type | labels | says |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{name}` | {m.kind} | {', '.join(f'`{label}`' for label in m.labels) or '–'} | {m.help} |" for name, m in METRICS.items()]
    return "\n".join(lines) + "\n"
