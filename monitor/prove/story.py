"""The incidents of a run as their pages tell them, and what may be wrong with them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.events import Page, Step, Why


class Fault(StrEnum):
    """What may be wrong with the pages of a run."""

    FALSE = "false"
    NOT_TOLD = "not told"
    TWICE = "told twice"
    NOT_JOINED = "not joined"
    LATE_END = "ended late or never"
    EARLY_END = "ended while down"
    BLIND_END = "ended while blind"
    FORM = "form"
    ALIKE = "class"
    RECEIVERS = "receivers"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong: which kind, of what, at which second of the timeline, and the rest in words."""

    fault: Fault
    subject: str
    at: float
    words: str = ""


@dataclass(slots=True)
class Spell:
    """For this time an incident spoke of this cause."""

    cause: str
    start: float
    end: float = float("inf")
    members: frozenset[str] = frozenset()


@dataclass(slots=True)
class Story:
    """One incident as its pages tell it."""

    id: str
    spells: list[Spell] = field(default_factory=list)
    opened: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    end: float = float("inf")
    why: Why | None = None

    def spell(self, at: float) -> Spell | None:
        """Return how the incident speaks at this time, None when it is not open."""
        return next((spell for spell in self.spells if spell.start <= at < spell.end), None)

    def cause(self, at: float) -> str | None:
        """Return what the incident speaks of at this time, None when it is not open."""
        spell = self.spell(at)
        return spell.cause if spell else None

    def named(self, names: frozenset[str], at: float) -> bool:
        """Tell whether it has spoken of this cause by its name, and counts it among its members to this day."""
        spell = self.spell(at)
        return (
            spell is not None
            and not names.isdisjoint(spell.members)
            and any(each.cause in names for each in self.spells if each.start <= at)
        )


def stories(pages: Iterable[Page]) -> tuple[list[Story], list[Wrong]]:
    """Read the pages in order: one opening and one end for each receiver of an incident, nothing after the end."""
    told: dict[str, Story] = {}
    wrong: list[Wrong] = []
    for page in pages:
        story = told.setdefault(page.incident, Story(page.incident))
        wrong.extend(_form(story, page))
        _add(story, page)
    for story in told.values():
        if story.ended and story.ended.keys() != story.opened.keys():
            missing = sorted(story.opened.keys() ^ story.ended.keys())
            wrong.append(Wrong(Fault.RECEIVERS, story.id, story.end, f"opening and end differ: {', '.join(missing)}"))
    return list(told.values()), wrong


def _form(story: Story, page: Page) -> Iterator[Wrong]:
    if page.receiver in story.ended or (story.ended and page.step is not Step.END):
        yield Wrong(Fault.FORM, page.cause, page.at, f"{page.step} to {page.receiver} after the end of {story.id}")
    if page.step is Step.OPEN and page.receiver in story.opened:
        yield Wrong(Fault.FORM, page.cause, page.at, f"{page.receiver} was told of the opening of {story.id} twice")
    if page.step is not Step.OPEN and page.receiver not in story.opened:
        yield Wrong(Fault.FORM, page.cause, page.at, f"{page.step} of {story.id} to {page.receiver}, who knows of no opening")


def _add(story: Story, page: Page) -> None:
    if page.step is Step.END:
        story.ended[page.receiver], story.end, story.why = page.at, page.at, page.why
        for spell in story.spells[-1:]:
            spell.end = page.at
        return
    if page.step is Step.OPEN:
        story.opened[page.receiver] = page.at
    members = frozenset(page.members)
    if not story.spells or (story.spells[-1].cause, story.spells[-1].members) != (page.cause, members):
        if story.spells:
            story.spells[-1].end = page.at
        story.spells.append(Spell(page.cause, page.at, members=members))
