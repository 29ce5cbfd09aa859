"""The status page in parts: what each shows, read from the engine at one moment. The looks are in `templates/` and `static/`.

A text that may change by itself (a round trip, a duration) is marked `data-live="name"` in the template; a part is new only when
something else in it changed. So a live page is sent little, and a page without scripts still shows everything.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alerts.incidents import Incident
from alerts.story import name_of
from alerts.words import REASONS, UNNAMED, WHYS, count, lasted, pick, say
from exporters.picture import Labels, Picture, draw
from exporters.status import BEGINNING, SEEN, SILENT, conditions, counts, hit, open_incidents
from exporters.texts import CONDITIONS, NEWS, SEVERITIES, hour, round_trip, text
from exporters.view import View
from monitor.core.belief import Belief
from monitor.core.city import SITES, City, Kind, Node
from monitor.core.events import Decision, Severity, Step, Why
from monitor.core.promise import fleet
from monitor.engine import Condition

HERE = Path(__file__).parent
LIVE = re.compile(r'(data-live="([^"]*)"[^>]*>)([^<]*)')
NAMES = 6
RECENT, RECENT_ROWS = 200, 12
TOLD_AS_NEWS = frozenset(
    {Why.FIRST_OK, Why.ODDS_REACHED, Why.PORT_DOWN, Why.RECOVERED, Why.NO_VALID_LOOK, Why.TARGET_REMOVED, Why.GIVEN_UP}
)
GROUP_ORDER = (Kind.KECAMATAN, Kind.KELURAHAN, Kind.PUSKESMAS, Kind.OPD, Kind.TITIK)

TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True, slots=True)
class Row:
    """A node as a person reads it: its sign, its name, how fast it answers, and what is wrong."""

    id: str
    name: str
    kind: Kind
    condition: Condition
    word: str
    rtt: str
    wrong: str
    where: str


@dataclass(frozen=True, slots=True)
class Card:
    """An open incident as a person reads it."""

    id: str
    cause: str
    severity: Severity
    severity_word: str
    wrong: str
    started: str
    last_answer: str
    lasted: str
    fallen: Sequence[str]
    behind: Sequence[tuple[str, Sequence[str]]]
    sites_behind: int
    opds: Sequence[str]
    urusan: Sequence[str]
    told: Sequence[tuple[str, bool]]
    alike: Sequence[str]
    instead: Sequence[str]


@dataclass(frozen=True, slots=True)
class Group:
    """The sites of one kecamatan (or of none), by kind."""

    id: str
    name: str
    rows: Sequence[Row]
    up: int

    @property
    def calm(self) -> bool:
        """Whether every site in it is up, or has never been."""
        return all(row.condition in (Condition.UP, Condition.NEW) for row in self.rows)


class Glance:
    """One look at the city in one language: everything on the page is read from here, so it is of one moment."""

    def __init__(self, view: View, language: str) -> None:
        self.engine, self.at, self.language = view.engine(), view.now(), language
        self.city: City = self.engine.state.city
        self.figures, self.not_ready = view.figures(), view.ready()
        self.conditions = conditions(self.engine, self.at)
        self.incidents = open_incidents(self.engine)
        self.decisions: Sequence[Decision] = view.decisions("", RECENT)

    def say(self, key: str, **parts: object) -> str:
        """Return a text of the page."""
        return text(key, self.language, **parts)

    def hour(self, at: float, *, seconds: bool = False) -> str:
        """Return a time of day as the city reads it."""
        return hour(at, self.city.utc_offset, self.language, self.at, seconds=seconds)

    def name(self, key: str) -> str:
        """Return the name of a node, shared risk or receiver, its id when it has left the inventory."""
        return name_of(self.city, key)

    def short(self, node: Node) -> str:
        """Return the name of a node where its kind is plain to see: "Gentong" of eight kelurahan."""
        kind = f"{node.kind.value} "
        return node.name[len(kind) :] if node.name.lower().startswith(kind) else node.name

    def of(self, kinds: Iterable[Kind]) -> Iterator[Condition]:
        """Return the conditions of the nodes of these kinds."""
        return (condition for node, condition in self.conditions.items() if self.city.nodes[node].kind in kinds)

    def count(self, *kinds: Kind) -> Mapping[str, int]:
        """Return how many of these kinds are up, down and unknown."""
        return counts(self.of(kinds))

    @property
    def sites(self) -> Mapping[str, int]:
        """How many sites are up, down and unknown."""
        return self.count(*SITES)

    def row(self, node: Node) -> Row:
        """Return one node as a row."""
        belief = self.engine.state.beliefs.get(node.checks[0], Belief())
        condition = self.conditions[node.id]
        wrong = (
            ""
            if condition in (Condition.UP, Condition.NEW, Condition.SHADOWED) or not belief.reason
            else pick(REASONS[belief.reason], self.language)
        )
        rtt = "" if condition in SILENT else round_trip(belief.seconds, self.language)
        return Row(node.id, node.name, node.kind, condition, self.word(condition), rtt, wrong, node.where)

    def rows(self, *kinds: Kind) -> list[Row]:
        """Return the looked-at nodes of these kinds."""
        return [self.row(node) for node in self.city.nodes.values() if node.checks and node.kind in kinds]

    def word(self, condition: Condition) -> str:
        """Return a condition in words."""
        return pick(CONDITIONS[condition], self.language)

    def never_answered(self) -> list[Row]:
        """Return what has never answered, except while everything is new: then the watch has only just begun."""
        rows = [self.row(node) for node in self.city.nodes.values() if self.conditions.get(node.id) is Condition.NEW]
        return rows if len(rows) < len(self.conditions) else []

    def groups(self) -> list[Group]:
        """Return the sites by kecamatan, those that belong to none at the end."""
        members: dict[str, list[Row]] = {node.id: [] for node in self.city.nodes.values() if node.kind is Kind.KECAMATAN}
        for node in sorted(self.city.nodes.values(), key=lambda node: GROUP_ORDER.index(node.kind) if node.kind in SITES else 0):
            if node.kind in SITES and node.checks:
                home = node.id if node.kind is Kind.KECAMATAN else node.kecamatan
                members.setdefault(home if home in self.city.nodes else "", []).append(self.row(node))
        groups = [
            Group(home or "-", self.name(home) if home else self.say("elsewhere"), rows, _answering(rows)) for home, rows in members.items()
        ]
        return sorted((group for group in groups if group.rows), key=lambda group: group.id == "-")

    def cards(self) -> list[Card]:
        """Return the open incidents, the heaviest first."""
        return [self._card(incident) for incident in self.incidents]

    def _card(self, incident: Incident) -> Card:
        cause, language = incident.cause, self.language
        taken = [node for node in hit(self.city, incident) if node.id != cause.node]
        behind = [node for node in taken if node.id not in cause.members]
        kinds = {kind: [self.short(node) for node in behind if node.kind is kind] for kind in dict.fromkeys(node.kind for node in behind)}
        owed = {page.receiver for page in self.engine.state.owed.values() if page.incident == incident.id}
        return Card(
            id=incident.id,
            cause=self.name(cause.node),
            severity=cause.severity,
            severity_word=pick(SEVERITIES[cause.severity], language),
            wrong=self._wrong(incident),
            started=self.hour(cause.since[1]),
            last_answer=self.hour(cause.since[0], seconds=True) if cause.since[0] else "",
            lasted=lasted(_whole_minutes(self.at - cause.since[1]), language),
            fallen=[node.name for node in taken if node.id in cause.members],
            behind=[(count(kind, len(names), language), names) for kind, names in kinds.items()],
            sites_behind=sum(node.kind in SITES for node in taken),
            opds=[self.name(opd) for opd in cause.opds],
            urusan=[self.city.urusan[key].name if key in self.city.urusan else key for key in cause.urusan],
            told=[(self.name(receiver), receiver in owed) for receiver in incident.told],
            alike=[self._thing(key) for key in cause.alike if key != cause.node],
            instead=[self.name(key) if key else say("separate", self.language) for key in cause.instead],
        )

    def _wrong(self, incident: Incident) -> str:
        """What is wrong, or that nothing is just now but that it flaps."""
        if incident.calm_at:
            return self.say("flapping", count=incident.falls)
        return pick(REASONS[incident.cause.reason] if incident.cause.reason else UNNAMED, self.language)

    def _thing(self, key: str) -> str:
        link = self.city.links.get(key)
        return say("link", self.language, child=self.name(link.child), parent=self.name(link.parent)) if link else self.name(key)

    def mood(self) -> str:
        """Return what the whole page looks like: bad, warn, unsure or well."""
        if any(incident.cause.severity is not Severity.MINOR for incident in self.incidents):
            return "bad"
        if self.incidents:
            return "warn"
        sites = self.sites
        return "unsure" if self.not_ready or sites["unknown"] > sites["new"] or not sites["up"] else "well"

    def headline(self) -> str:
        """Return the one sentence that says how the city is."""
        sites, cards = self.sites, self.cards()
        if cards:
            first = cards[0]
            key = "one_incident" if len(cards) == 1 else "incidents"
            said = [self.say(key, cause=first.cause, count=len(cards))]
            said += [self.say("fell" if first.fallen else "behind", count=first.sites_behind)] if first.sites_behind else []
            return ", ".join([*said, self.say("since", time=first.started)])
        if self.not_ready:
            return self.say("not_ready", why=self.not_ready)
        if not sites["up"] and self.at - self.figures.started < BEGINNING:
            return self.say("starting")
        if unseen := sites["unknown"] - sites["new"]:
            return self.say("blind", count=f"{unseen} {self.say('sites')}")
        return self.say("all_well" if sites["up"] else "nobody_answers")

    def promise(self) -> str:
        """Return how many pages may be false, and how many outages were so short that they may have been."""
        said = fleet(self.city, self.engine.state.beliefs)
        return self.say("promise", one_in=f"{said.one_in:.0f}", false=f"{said.false:.2g}", downs=said.downs, brief=said.brief)

    def _speaker(self, subject: str) -> str:
        """Return the name of a node when its deciding check has the news; of another check's news also which check."""
        key, _, kind = subject.partition("/")
        node = self.city.nodes.get(key)
        return self.name(key) if not node or not kind or node.checks[:1] == (subject,) else f"{node.name} ({kind})"

    def news(self) -> list[tuple[str, str, str]]:
        """Return what changed lately: when, whose names, and what; equal things of the same minute are one line."""
        told = [each for each in self.decisions if each.why in TOLD_AS_NEWS and each.what != Step.END]
        lines = []
        for (minute, why), same in groupby(told, key=lambda decision: (int(decision.at // 60), decision.why)):
            names = list(dict.fromkeys(self._speaker(decision.subject) for decision in same))
            shown = ", ".join(names[:3]) + (f" {self.say('and_more', count=len(names) - 3)}" if len(names) > 3 else "")
            lines.append((self.hour(minute * 60), shown, pick(NEWS.get(why, WHYS[why]), self.language)))
        return lines[:RECENT_ROWS]


def _answering(rows: Sequence[Row]) -> int:
    return counts(row.condition for row in rows)["up"]


def _whole_minutes(seconds: float) -> float:
    return seconds if seconds < 60 else seconds // 60 * 60


@lru_cache(maxsize=4)
def _drawn(box: "_Box") -> Picture:
    return draw(box.city)


@dataclass(frozen=True, slots=True)
class _Box:
    """Carries a city past the cache, which must not hash it."""

    city: City

    def __hash__(self) -> int:
        return hash(self.city.fingerprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Box) and other.city is self.city


def parts(view: View, language: str) -> Iterator[tuple[str, str]]:
    """Yield (id, HTML) of every part of the page, all of one moment; there may be work for others between two of them."""
    glance = Glance(view, language)
    picture = _drawn(_Box(glance.city))
    shared = {"glance": glance, "say": glance.say, "names": NAMES, "Condition": Condition, "Kind": Kind, "seen": SEEN}
    for part in ("headline", "incidents", "map"):
        yield part, TEMPLATES.get_template(f"{part}.html").render(shared, picture=picture, labels=Labels())
    for group in glance.groups():
        yield f"group-{group.id}", TEMPLATES.get_template("group.html").render(shared, group=group)
    for part in ("apps", "backbone", "fresh", "recent"):
        yield part, TEMPLATES.get_template(f"{part}.html").render(shared)


def steady(html: str) -> tuple[str, dict[str, str]]:
    """Return a part without the texts that change by themselves, and these by name."""
    return LIVE.sub(r"\1", html), {found[2]: unescape(found[3]) for found in LIVE.finditer(html)}


def whole(rendered: Mapping[str, str], language: str, seen: str, city: str) -> str:
    """Return the page made of its parts; `seen` is the version that they are of."""
    say = {"say": lambda key, **values: text(key, language, **values)}
    return TEMPLATES.get_template("page.html").render(
        say, parts=rendered, language=language, seen=seen, city=city, version=version("pantau")
    )
