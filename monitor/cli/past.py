"""What happened to one thing at one time, put together from a data folder: the scene that `explain` explains."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exporters.chain import Scene
from exporters.evidence import Episode, episodes, nearest
from monitor.core.city import Check, City
from monitor.core.events import Decision, Page, ProbeResult
from monitor.core.rules import Noise
from monitor.engine import Engine, State
from monitor.journal import Reader, Recorded
from monitor.replay import Rehearing

BEFORE, AFTER, FARTHEST = 3600.0, 900.0, 86400.0
DECISIONS = 200
JUST_BEFORE = 0.001


@dataclass(frozen=True, slots=True)
class Found:
    """The scene of a subject, the time asked about, and the pages of the incident asked for (empty when a thing was asked for)."""

    scene: Scene
    subject: str
    asked: float
    incident: Sequence[Page] = ()


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
        """Return the scene of an incident at its opening; None when no page tells of it."""
        pages = self._recorded.pages_of(number)
        if not pages:
            return None
        first = pages[0]
        city = self.city(first.at)
        subject = first.cause if first.cause in city.nodes else next(iter(first.members), first.cause)
        return Found(self._scene(city, subject, first.at, pages), subject, first.at, pages)

    def thing(self, subject: str, at: float) -> Found | None:
        """Return the scene of a node, link, check or risk at a time, or at the failures nearest to it; None when there is no such thing."""
        city = self.city(at)
        if not _has(city, subject):
            return None
        return Found(self._scene(city, subject, at, None), subject, at)

    def new_since(self, subject: str) -> float:
        """Return when the newest inventory was taken up, later than any look, if it has the subject; otherwise 0."""
        loaded = self._recorded.inventory_at(float("inf"))
        return loaded.at if loaded and loaded.at > self.newest and _has(loaded.city, subject) else 0.0

    def _scene(self, city: City, subject: str, at: float, pages: Sequence[Page] | None) -> Scene:
        check = city.checks.get(subject) or city.decider(subject)
        looks = self._looks(check, at) if check else []
        first = _episode(city, check, looks, at) if check else None
        moment = _moment(first, at)
        engine = self._engine(moment, first.first.sent if first else moment)
        learned = engine.state.beliefs[check.id].noise if check and check.id in engine.state.beliefs else None
        episode = _episode(city, check, looks, at, learned) if check else None
        if pages is None and episode:
            pages = self._recorded.pages(episode.first.sent, max(moment, episode.answer.at if episode.answer else at) + AFTER)
        reports = self._recorded.reports(pages[0].at, float("inf")) if pages else {}
        last = next((look for look in reversed(looks) if look.at <= at), None)
        return Scene(engine, moment, episode, last, pages or (), reports, lambda about: self._decisions(about, moment))

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


def _episode(city: City, check: Check, looks: Sequence[ProbeResult], at: float, learned: Noise | None = None) -> Episode | None:
    return nearest(episodes(city.rules[check.grade], check, looks, learned), at)


def _moment(episode: Episode | None, at: float) -> float:
    """Return the time itself when losses ran then, else the moment at which the nearest ones stood highest: just before the answer."""
    if episode is None or not episode.distance(at):
        return at
    return (episode.answer.at if episode.answer else episode.weighed[-1].look.at) - JUST_BEFORE
