"""The text of a page as a whole: heading and length; its lines are in story.py, their words in words.py. Pure.

For a tired person with a phone at three in the morning: the first line names the cause and fits a phone's notification; each
further line answers one question: what happened and since when, what is behind it, who is hit, what else it could be, who was
told, how to look. Lists are cut, never tags.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alerts.story import TEST, Line, Teller, grouped, name_of, one_line
from alerts.words import say
from monitor.core.city import City, Kind, Receiver
from monitor.core.events import Page, Severity, Step, Why

NOTIFICATION = 80
TELEGRAM = 4096
NAMES = (8, 5, 3, 1, 0)
SECOND_LANGUAGE_NAMES = 3
Groups = Mapping[Kind, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Message:
    """One page in words: `subject` is the first line of `text`; `html` is Telegram's kind; `names` the words for the page's ids.

    `link` opens the status page at the incident (empty: the inventory names no page).
    """

    subject: str
    text: str
    html: str
    names: Mapping[str, str] = field(default_factory=dict)
    link: str = ""


def heading(page: Page, city: City) -> str:
    """Return `<emoji> <WORD> <incident> · <cause name> [<cause id>]`; a long name is cut so that a phone shows the id."""
    emoji, word = _sign(page)
    before, after = f"{emoji} {word} {page.incident} · ", f" [{page.cause}]"
    name, room = name_of(city, page.cause), max(12, NOTIFICATION - len(before) - len(after))
    return before + (name if len(name) <= room else name[: room - 1].rstrip() + "…") + after


def compose(page: Page, city: City, language: str = "id+en") -> Message:
    """Return the page in words; `language` is `id`, `en` or `id+en`."""
    subject, groups = heading(page, city), grouped(page, city)
    text = "\n".join(line.text() for line in _lines(page, city, language, NAMES[0], groups))
    return Message(subject, text, _fitting(page, city, language, groups), _names(page, city), _link(page, city))


def test_page(receiver: Receiver, at: float) -> Page:
    """Return the page that tries out a receiver; `at` in epoch seconds makes its key its own."""
    return Page(
        key=f"{TEST}/{at:.3f}/{receiver.id}",
        incident=TEST,
        step=Step.OPEN,
        receiver=receiver.id,
        at=at,
        cause=receiver.id,
        severity=Severity.MINOR,
        why=Why.FIRST_OK,
        reason=None,
        detail="",
        since=(at, at),
        opened=at,
        told=(receiver.id,),
    )


def test_message(receiver: Receiver) -> Message:
    """Return the text (UJI) by which a person sees that this receiver works."""
    city = City(name="", receivers={receiver.id: receiver})
    return compose(test_page(receiver, 0.0), city, receiver.language)


def _sign(page: Page) -> tuple[str, str]:
    if page.incident == TEST:
        return "🔔", "UJI"
    if page.step is Step.UPDATE:
        return "🔄", "PERKEMBANGAN"
    if page.step is Step.END:
        return ("✅", "PULIH") if page.why in {Why.RECOVERED, Why.CALM} else ("⚪", "DITUTUP")
    return {Severity.CRITICAL: "🔴", Severity.MAJOR: "🟠", Severity.MINOR: "🟡"}[page.severity], "GANGGUAN"


def _lines(page: Page, city: City, language: str, names: int, groups: Groups) -> list[Line]:
    """The heading, then the whole story in each language; the second names fewer, for the first has named them."""
    lines = [Line(heading(page, city))]
    name = name_of(city, page.cause)
    if name not in lines[0].label:
        lines.append(Line(value=name))
    for number, spoken in enumerate(language.split("+")):
        if number:
            lines.append(Line("— English —"))
        named = min(names, SECOND_LANGUAGE_NAMES) if number else names
        lines += Teller(page, city, spoken, named, groups, repeats=bool(number)).lines()
        if page.incident != TEST and not number:
            lines += _ways(page, city, spoken)
    return lines


def _ways(page: Page, city: City, language: str) -> Iterator[Line]:
    yield Line(say("explain", language), f"pantau explain {page.incident}", code=True)
    if link := _link(page, city):
        yield Line(say("page", language), link)


def _link(page: Page, city: City) -> str:
    """Where the status page tells of this incident while it is open; afterwards, and for a test, the page as a whole."""
    if not city.page or page.incident == TEST or page.step is Step.END:
        return city.page
    return f"{city.page}/#incident-{page.incident}"


def _fitting(page: Page, city: City, language: str, groups: Groups) -> str:
    """The HTML with as many names as Telegram takes; as a last resort whole lines go, the first stays."""
    lines: list[Line] = []
    for names in NAMES:
        lines = _lines(page, city, language, names, groups)
        written = "\n".join(line.html() for line in lines)
        if _telegram_length(written) <= TELEGRAM:
            return written
    kept = [replace(line, label=line.label[:200], value=line.value[:200]).html() for line in lines]
    while len(kept) > 1 and _telegram_length("\n".join(kept)) > TELEGRAM:
        kept.pop()
    return "\n".join(kept)


def _telegram_length(text: str) -> int:
    """Telegram counts UTF-16 units (core.telegram.org/api/entities)."""
    return len(text.encode("utf-16-le", "replace")) // 2


def _names(page: Page, city: City) -> dict[str, str]:
    ids = (page.cause, page.previous_cause, *page.alike, *page.members, *page.behind, *page.opds, *page.told)
    names = {key: name_of(city, key) for key in ids if key}
    return names | {key: one_line(city.urusan[key].name) for key in page.urusan if key in city.urusan}
