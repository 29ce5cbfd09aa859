"""The text of a page, for a tired person with a phone at three in the morning. Pure.

The first line names the cause and fits a phone's notification; each further line answers one question: what happened and
since when, what is behind it, who is hit, what else it could be, who was told, how to look. Lists are cut, never tags.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from html import escape

from alerts.words import REASONS, UNNAMED, WHYS, clock, count, day, lasted, local, pick, say
from monitor.core.city import City, Kind, Receiver
from monitor.core.events import Page, Severity, Step, Why
from monitor.core.verdict import Reason

TEST = "uji"
NOTIFICATION = 80
TELEGRAM = 4096
NAMES = (8, 5, 3, 1, 0)
SECOND_LANGUAGE_NAMES = 3
DETAIL = 120
SAID_ENOUGH = frozenset({None, Reason.TIMEOUT})


@dataclass(frozen=True, slots=True)
class Message:
    """One page in words: `subject` is the first line of `text`; `html` is Telegram's kind; `names` the words for the page's ids."""

    subject: str
    text: str
    html: str
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page: a bold label, a value, or both; `code` sets the value as something to type."""

    label: str = ""
    value: str = ""
    code: bool = False

    def text(self) -> str:
        """As plain text."""
        return f"{self.label}: {self.value}" if self.label and self.value else self.label or self.value

    def html(self) -> str:
        """As Telegram's HTML, everything escaped."""
        value = escape(self.value, quote=False)
        value = f"<code>{value}</code>" if self.code else value
        label = f"<b>{escape(self.label, quote=False)}</b>" if self.label else ""
        return f"{label}: {value}" if label and value else label or value


def heading(page: Page, city: City) -> str:
    """Return `<emoji> <WORD> <incident> · <cause name> [<cause id>]`; a long name is cut so that a phone shows the id."""
    emoji, word = _sign(page)
    before, after = f"{emoji} {word} {page.incident} · ", f" [{page.cause}]"
    name, room = _name(city, page.cause), max(12, NOTIFICATION - len(before) - len(after))
    return before + (name if len(name) <= room else name[: room - 1].rstrip() + "…") + after


def compose(page: Page, city: City, language: str = "id+en", url: str = "") -> Message:
    """Return the page in words; `language` is `id`, `en` or `id+en`, `url` the address of the status page."""
    subject = heading(page, city)
    text = "\n".join(line.text() for line in _lines(page, city, language, url, NAMES[0]))
    return Message(subject, text, _fitting(page, city, language, url), _names(page, city))


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
        return ("✅" if page.why is Why.RECOVERED else "⚪"), "PULIH"
    return {Severity.CRITICAL: "🔴", Severity.MAJOR: "🟠", Severity.MINOR: "🟡"}[page.severity], "GANGGUAN"


def _name(city: City, key: str) -> str:
    """The name of a node or receiver on one line; its id when the inventory no longer has it."""
    named = city.nodes.get(key) or city.receivers.get(key)
    return _one_line(named.name) if named and named.name.strip() else key


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _lines(page: Page, city: City, language: str, url: str, names: int) -> list[Line]:
    lines = [Line(heading(page, city))]
    for number, spoken in enumerate(language.split("+")):
        lines += [Line("— English —")] if number else []
        lines += _Teller(page, city, spoken, min(names, SECOND_LANGUAGE_NAMES) if number else names, repeats=bool(number)).lines()
    return lines if page.incident == TEST else lines + list(_ways(page, language, url))


def _ways(page: Page, language: str, url: str) -> Iterator[Line]:
    first = language.split("+", maxsplit=1)[0]
    yield Line(say("explain", first), f"pantau explain {page.incident}", code=True)
    if url:
        yield Line(say("page", first), url)


def _fitting(page: Page, city: City, language: str, url: str) -> str:
    """The HTML with as many names as Telegram takes; as a last resort whole lines go, the first stays."""
    lines: list[Line] = []
    for names in NAMES:
        lines = _lines(page, city, language, url, names)
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
    ids = (page.cause, page.previous_cause, *page.alike, *page.behind, *page.opds, *page.told)
    names = {key: _name(city, key) for key in ids if key}
    return names | {key: _one_line(city.urusan[key].name) for key in page.urusan if key in city.urusan}


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells one page in one language with at most `names` names a list; `repeats` when another language named them above."""

    page: Page
    city: City
    language: str
    names: int
    repeats: bool = False

    def lines(self) -> Iterator[Line]:
        """All but the heading and the ways to look."""
        if self.page.incident == TEST:
            yield Line(value=self._say("test"))
        elif self.page.step is Step.END:
            yield from self._ended()
        else:
            yield from self._changed()
            yield from self._happened()
            yield from self._behind()
            yield from self._hit()
            yield from self._application()
            yield from self._doubt()
            yield from self._list("told", [_name(self.city, key) for key in self.page.told])

    def _say(self, key: str, **parts: object) -> str:
        return say(key, self.language, **parts)

    def _clock(self, at: float, *, zone: bool = True) -> str:
        return clock(at, self.city.utc_offset, self.language, beside=self.page.at, zone=zone)

    def _what(self) -> str:
        return pick(REASONS[self.page.reason] if self.page.reason else UNNAMED, self.language)

    def _happened(self) -> Iterator[Line]:
        last, first = self.page.since
        what = self._what()[:1].upper() + self._what()[1:]
        key = "since" if last else "since_only"
        yield Line(value=self._say(key, what=what, start=self._clock(first), last=self._clock(last, zone=False)))
        if self.page.detail.strip() and self.page.reason not in SAID_ENOUGH and not self.repeats:
            yield Line(self._say("seen"), _one_line(self.page.detail)[:DETAIL])
        yield from self._meaning()

    def _meaning(self) -> Iterator[Line]:
        """What the fall of this kind of thing means for the city, in a sentence."""
        node = self.city.nodes.get(self.page.cause)
        link = self.city.links.get(self.page.cause)
        if link:
            yield Line(value=self._say("redundancy", site=_name(self.city, link.child)))
        elif node and node.kind in {Kind.HUB, Kind.INTERNET}:
            yield Line(value=self._say(node.kind.value))
        elif node and node.kind is Kind.ISP and not self.page.behind:
            yield Line(value=self._say("isp"))

    def _changed(self) -> Iterator[Line]:
        before, now = self.page.previous_cause, self.page.cause
        if before and before != now:
            named = [f"{_name(self.city, key)} [{key}]" for key in (before, now)]
            yield Line(value=self._say("changed", before=named[0], now=named[1]))

    def _groups(self) -> dict[Kind, list[str]]:
        groups: dict[Kind, list[str]] = {}
        for key in self.page.behind:
            node = self.city.nodes.get(key)
            kind = node.kind if node else Kind.TITIK
            label, name = kind.value + " ", _name(self.city, key)
            groups.setdefault(kind, []).append(name[len(label) :] if name.lower().startswith(label) else name)
        return groups

    def _behind(self) -> Iterator[Line]:
        groups = self._groups()
        counts = {kind: count(kind, len(names), self.language) for kind, names in groups.items()}
        cause = self.city.nodes.get(self.page.cause)
        label = self._say("depend" if cause and cause.kind is Kind.APP else "behind", count=len(self.page.behind))
        if groups and self.repeats:
            yield Line(label, ", ".join(counts.values()))
        elif groups:
            yield Line(label)
            for kind, names in groups.items():
                yield Line(value="• " + (f"{counts[kind]}: {self._join(names)}" if self.names else counts[kind]))

    def _hit(self) -> Iterator[Line]:
        yield from self._list("opds", [_name(self.city, key) for key in self.page.opds])
        affairs = self.city.urusan
        yield from self._list("urusan", [_one_line(affairs[key].name) if key in affairs else key for key in self.page.urusan])

    def _list(self, key: str, names: list[str]) -> Iterator[Line]:
        if names:
            yield Line(self._say(key), self._join(names) if self.names else str(len(names)))

    def _join(self, names: list[str]) -> str:
        if len(names) <= self.names + 1:
            return ", ".join(names)
        return self._say("more", names=", ".join(names[: self.names]), count=len(names) - self.names)

    def _application(self) -> Iterator[Line]:
        application, node = self.city.applications.get(self.page.cause), self.city.nodes.get(self.page.cause)
        if not application or not node or self.repeats:
            return
        if node.owner:
            owner, host = _name(self.city, node.owner), _name(self.city, application.host)
            yield Line(self._say("owner"), self._say("host", owner=owner, host=host) if application.host else owner)
        yield from self._list("users", [_name(self.city, key) for key in application.users])
        yield Line(self._say("vendor"), self._contract(application.vendor, application.contract_end))
        yield Line(self._say("address"), application.url)

    def _contract(self, vendor: str, end: str) -> str:
        vendor = vendor or self._say("no_vendor")
        try:
            over = date.fromisoformat(end)
        except ValueError:
            return vendor
        past = local(self.page.at, self.city.utc_offset).date() > over
        return self._say("contract_over" if past else "contract", vendor=vendor, end=day(over, self.language))

    def _doubt(self) -> Iterator[Line]:
        yield from self._list("alike", [self._thing(key) for key in self.page.alike if key != self.page.cause])
        if self.page.why is Why.ROOT_UNVERIFIED:
            yield Line(value=self._say("unverified"))

    def _thing(self, key: str) -> str:
        link = self.city.links.get(key)
        if link and key not in self.city.nodes:
            return self._say("link", child=_name(self.city, link.child), parent=_name(self.city, link.parent))
        return _name(self.city, key)

    def _ended(self) -> Iterator[Line]:
        first, why = self.page.since[1], pick(WHYS[self.page.why], self.language)
        duration, start = lasted(self.page.at - first, self.language), self._clock(first)
        key = "recovered" if self.page.why is Why.RECOVERED else "closed"
        yield Line(value=self._say(key, end=self._clock(self.page.at), why=why, duration=duration, start=start))
        if self.page.reason:
            yield Line(self._say("was"), self._what())
        if self.page.behind and self.page.why is Why.RECOVERED:
            counts = [count(kind, len(names), self.language) for kind, names in self._groups().items()]
            yield Line(value=self._say("again", count=", ".join(counts)))
        yield from self._list("told_end", [_name(self.city, key) for key in self.page.told])
