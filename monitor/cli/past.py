"""What happened to one thing at one time, put together from a data folder: the scene that `explain` explains."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from exporters.chain import turns
from exporters.evidence import Episode, episodes, nearest
from exporters.scene import Scene, way_in
from monitor.core.city import Check, City
from monitor.core.events import Decision, Page, ProbeResult, Why
from monitor.core.rules import Noise
from monitor.core.verdict import ANSWERED, Verdict
from monitor.engine import Engine, State
from monitor.journal import Reader, Recorded
from monitor.replay import Rehearing

BEFORE, AFTER, FARTHEST = 3600.0, 900.0, 86400.0
DECISIONS = 200
JUST_BEFORE = 0.001


@dataclass(frozen=True, slots=True)
class Found:
    """The scene of a subject, the time asked about, and the pages and the number of the incident (empty when a thing was asked for)."""

    scene: Scene
    subject: str
    asked: float
    incident: Sequence[Page] = ()
    number: str = ""
    later: float = 0.0


class Past:
    """A data folder, read for one question. Methods raise JournalError."""

    def __init__(self, folder: Path) -> None:
        self._recorded, self._reader = Recorded(folder), Reader(folder / "journal.db")

    def close(self) -> None:
        """Let go of the files."""
        self._recorded.close()
        self._reader.close()

    @property
    def oldest(self) -> float:
        """The time of the oldest look."""
        return self._recorded.span()[0]

    @property
    def newest(self) -> float:
        """The time of the newest look: what is known stands for that moment."""
        return self._recorded.span()[1]

    def city(self, at: float) -> City:
        """Return the inventory of a time, an empty one when there was none."""
        return self._recorded.city_at(at) or City("")

    def incident(self, number: str) -> Found | None:
        """Return the scene of an incident, or of one page by its key, at its opening; None when there was no such thing."""
        number, _, of_page = number.partition("/")
        pages = [page for page in self._recorded.pages_of(number) if not of_page or page.key == f"{number}/{of_page}"]
        opened = next((each for each in reversed(self._decisions(number, math.inf)) if each.what == "open"), None)
        if opened is None or (of_page and not pages):
            return None
        at = pages[0].at if of_page else opened.at
        members = pages[0].members if of_page else tuple(str(opened.numbers["members"]).split(", "))
        cause = pages[0].cause if of_page else str(opened.numbers["cause"])
        subject = cause if cause in members else members[0]
        return Found(self._scene(self.city(at), subject, at, pages, number), subject, at, pages, number)

    def caused(self, risk: str, at: float) -> Found | None:
        """Return the scene of the day's newest incident before a time that named this shared risk; None when none did."""
        if risk in self.city(at).nodes:
            return None
        told = [page for page in self._recorded.pages(at - FARTHEST, at + JUST_BEFORE) if page.cause == risk]
        if not told:
            return None
        last, pages = told[-1], self._recorded.pages_of(told[-1].incident)
        first = next(page for page in pages if page.cause == risk)
        subject = first.members[0]
        return Found(self._scene(self.city(first.at), subject, first.at, pages, last.incident), subject, first.at, pages, last.incident)

    def thing(self, subject: str, at: float) -> Found | None:
        """Return the scene of a node, link, check or risk at a time, or at the failures nearest to it; None when there is no such thing."""
        city = self.city(at)
        if not _has(city, subject):
            return None
        scene = self._scene(city, subject, at)
        return Found(scene, subject, at, later=self._later(scene, subject))

    def new_since(self, subject: str) -> float:
        """Return when the newest inventory was taken up, later than any look, if it has the subject; otherwise 0."""
        loaded = self._recorded.inventory_at(float("inf"))
        return loaded.at if loaded and loaded.at > self.newest and _has(loaded.city, subject) else 0.0

    def _scene(self, city: City, subject: str, at: float, pages: Sequence[Page] = (), number: str = "") -> Scene:
        check = city.checks.get(subject) or city.decider(subject)
        looks, decided = (self._looks(check, at), self._decisions(check.node, at + AFTER)) if check else ([], ())
        spans = list(self._blind(city, at + AFTER)) if check and city.nodes[check.node].groups else []
        seen = [_in_our_light(look, spans) for look in looks]
        anew = sorted(each.at for each in decided if each.why is Why.PARENT_RETURNED)
        first = _episode(city, check, seen, at, anew) if check else None
        moment = _moment(first, at, decided, spans)
        if first and not first.distance(at):
            seen = [look for look in seen if look.at <= moment]
        engine = self._engine(moment, first.first.sent if first else moment)
        learned = engine.state.beliefs[check.id].noise if check and check.id in engine.state.beliefs else None
        episode = _episode(city, check, seen, moment, anew, learned) if check else None
        if first and episode:
            episode.until = first.until  # whatever became of it: only what was told until then belongs to it
            end = min(max(moment, episode.until), moment + FARTHEST) + AFTER
            pages = pages if number else self._recorded.pages(episode.first.sent, end)
        reports = self._recorded.reports(pages[0].at, math.inf) if pages else {}
        last = next((look for look in reversed(looks) if look.at <= at), None)
        told = partial(self._decisions, at=moment)
        return Scene(engine, moment, episode, last, pages, reports, told, self._answered, self._way, number)

    def _blind(self, city: City, until: float) -> Iterator[tuple[float, float]]:
        """Yield from when to when we were cut off ourselves: then a look that failed said nothing."""
        for top in (node for node in city.nodes.values() if not node.groups and node.checks):
            back = [each.at for each in self._decisions(top.checks[0], until) if each.what == "up"]
            for lost in (each.at for each in self._decisions(top.id, until) if each.what == "root"):
                yield lost, min((at for at in back if at > lost), default=math.inf)

    def _later(self, scene: Scene, subject: str) -> float:
        """Return when it was last decided about losses that still ran at the time asked about; 0 when that was before it."""
        node = scene.city.checks[subject].node if subject in scene.city.checks else subject
        if scene.episode is None or scene.episode.answer:
            return 0.0
        ends = [each.at for each in self._decisions(scene.city.nodes[node].checks[0], math.inf) if each.what == "up" and each.at > scene.at]
        decided = turns(self._decisions(node, min(ends, default=math.inf)), scene.at + JUST_BEFORE)
        return next((each.at + 1 for each in decided if each.what != "suspect"), 0.0)

    def _answered(self, check: str, after: float, until: float) -> ProbeResult | None:
        looks = self._recorded.looks(after, until + JUST_BEFORE, {check})
        return next((look for look in looks if look.sent > after and look.verdict in ANSWERED), None)

    def _way(self, incident: str) -> Decision | None:
        return way_in(self._decisions(incident, math.inf))

    def _looks(self, check: Check, at: float) -> list[ProbeResult]:
        """Return the looks around a time, from before the first loss on when it was in doubt then."""
        begin = at - BEFORE
        for decision in self._decisions(check.id, at):
            if decision.what == "up":
                break
            begin = min(begin, decision.at - BEFORE)
        return list(self._recorded.looks(begin, at + AFTER, {check.id}))

    def _decisions(self, about: str, at: float) -> Sequence[Decision]:
        return self._reader.decisions(about, DECISIONS, at)

    def _engine(self, at: float, first_loss: float) -> Engine:
        """Return the engine as it was: from a snapshot when there is one of that time, else by judging anew from before the first loss."""
        kept = self._recorded.kept_before(at)
        if kept is None:
            heard, begin = Rehearing(), max(min(at, first_loss) - BEFORE, at - FARTHEST)
            heard.begin(begin, self.city(begin), self._recorded.learned_before(begin))
            for event in self._recorded.events(begin, at + JUST_BEFORE):
                heard.take(event)
            return heard.engine
        engine = Engine(kept.state or State(City("")))
        for event in kept.tail:
            engine.apply(event)
        return engine


def _has(city: City, subject: str) -> bool:
    return any(subject in known for known in (city.nodes, city.checks, city.links, city.risks))


def _in_our_light(look: ProbeResult, spans: Sequence[tuple[float, float]]) -> ProbeResult:
    """Return what a look said, given how we stood ourselves."""
    blind = look.verdict is Verdict.FAIL and any(begin < look.at < end for begin, end in spans)
    return replace(look, verdict=Verdict.UNSURE) if blind else look


def _episode(
    city: City, check: Check, looks: Sequence[ProbeResult], at: float, anew: Sequence[float], learned: Noise | None = None
) -> Episode | None:
    return nearest(episodes(city.rules[check.grade], check, looks, learned, anew), at)


def _moment(episode: Episode | None, at: float, decided: Sequence[Decision], spans: Sequence[tuple[float, float]]) -> float:
    """Return the time itself when losses ran then, else the moment that explains the nearest ones.

    That is when it was last decided about them, or we were cut off, or they stood highest: just before the answer.
    """
    if episode is None:
        return at
    if not episode.distance(at):
        return max(at, episode.first.at)
    begin, end = episode.first.sent, episode.until
    turn = next((each for each in turns(decided, begin) if each.at <= end and each.what != "suspect"), None)
    if turn:
        return turn.at
    freed = [each.at for each in turns(decided, begin) if each.at <= end]
    sighted = [span[1] for span in spans if span[0] < end and span[1] > begin]
    return min([*freed, *sighted, end if episode.answer else episode.weighed[-1].look.at]) - JUST_BEFORE
