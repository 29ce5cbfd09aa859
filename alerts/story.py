"""What a page tells, line by line: each line answers one question of whoever reads it. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from html import escape

from alerts.words import REASONS, UNNAMED, WHYS, clock, count, day, lasted, local, pick, say
from monitor.core.city import City, Kind
from monitor.core.cover import WHOLE_CITY
from monitor.core.events import Page, Step, Why
from monitor.core.family import NAMES as FAMILIES
from monitor.core.verdict import Reason

TEST = "coba"
DETAIL = 120
NEWS = frozenset({Why.JOINED, Why.SPLIT, Why.FLAPPING, Why.STAYS_DOWN})
SAID_ENOUGH = frozenset({None, Reason.TIMEOUT})


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


def name_of(city: City, key: str) -> str:
    """The name of a node, shared risk or receiver on one line; its id when the inventory no longer has it."""
    named = city.nodes.get(key) or city.risks.get(key) or city.receivers.get(key) or (city if key == WHOLE_CITY else None)
    return one_line(named.name) if named and named.name.strip() else FAMILIES.get(key, key)


def one_line(text: str) -> str:
    """The text without line ends and control signs."""
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(text.split())


def grouped(page: Page, city: City) -> dict[Kind, list[str]]:
    """The ids of what stands behind the cause, by kind."""
    groups: dict[Kind, list[str]] = {}
    for key in page.behind:
        node = city.nodes.get(key)
        groups.setdefault(node.kind if node else Kind.TITIK, []).append(key)
    return groups


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells one page in one language with at most `names` names a list; `repeats` when another language named them above.

    `groups` is what `grouped` says of the page: found once, for thousands may stand behind its cause.
    """

    page: Page
    city: City
    language: str
    names: int
    groups: Mapping[Kind, Sequence[str]]
    repeats: bool = False

    def lines(self) -> Iterator[Line]:
        """All but the heading and the ways to look."""
        if self.page.incident == TEST:
            yield Line(value=self._say("test"))
        elif self.page.step is Step.END:
            yield from self._ended()
        else:
            yield from self._changed()
            yield from self._meaning()
            yield from self._happened()
            yield from self._members()
            yield from self._behind()
            yield from self._hit()
            yield from self._application()
            yield from self._doubt()
            yield from self._list("told", [name_of(self.city, key) for key in self.page.told])

    def _say(self, key: str, **parts: object) -> str:
        return say(key, self.language, **parts)

    def _clock(self, at: float, *, zone: bool = True) -> str:
        return clock(at, self.city.utc_offset, self.language, beside=self.page.at, zone=zone)

    def _what(self) -> str:
        return pick(REASONS[self.page.reason] if self.page.reason else UNNAMED, self.language)

    def _happened(self) -> Iterator[Line]:
        if self.page.falls:
            yield Line(self._say("falls"), self._say("times", count=self.page.falls))
        if self.page.why is Why.FLAPPING:
            return
        last, first = self.page.since
        start, before = self._clock(first), self._clock(last, zone=False)
        said = self._say(
            ("first_sign" if self._shared() else "since") + ("" if last else "_only"), what=self._what(), start=start, last=before
        )
        yield Line(value=said[:1].upper() + said[1:])
        if self.page.detail.strip() and self.page.reason not in SAID_ENOUGH and not self.repeats:
            yield Line(self._say("seen"), one_line(self.page.detail)[:DETAIL])

    def _meaning(self) -> Iterator[Line]:
        """What the fall of this kind of thing means for the city, in a sentence."""
        node = self.city.nodes.get(self.page.cause)
        link = self.city.links.get(self.page.cause)
        if link:
            yield Line(value=self._say("redundancy", site=name_of(self.city, link.child)))
        elif self.page.cause == WHOLE_CITY:
            yield Line(value=self._say("no_way" if self.page.reason is Reason.NO_ROUTE else "kota"))
        elif self.page.cause in FAMILIES:
            lost, other = ("IPv6", "IPv4") if self.page.cause == "ipv6" else ("IPv4", "IPv6")
            yield Line(value=self._say("family", lost=lost, other=other))
            yield Line(value=self._say("family_first", lost=lost))
        elif self.page.cause in self.city.risks:
            before = self.page.previous_cause
            known = {"name": name_of(self.city, self.page.cause), "before": name_of(self.city, before)}
            yield Line(value=self._say("risk_found" if before and before != self.page.cause else "risk", **known))
        elif node and node.kind in {Kind.HUB, Kind.INTERNET, Kind.RESOLVER}:
            yield Line(value=self._say(node.kind.value))
        elif node and node.kind is Kind.ISP and not self.page.behind:
            yield Line(value=self._say("isp"))

    def _shared(self) -> bool:
        """Tell whether the cause itself answers no looks: what was seen then was seen of those that fell."""
        return self.page.cause not in self.city.nodes

    def _changed(self) -> Iterator[Line]:
        if self.page.why in NEWS:
            said = pick(WHYS[self.page.why], self.language)
            yield Line(value=f"{said[:1].upper()}{said[1:]}.")
        before, now = self.page.previous_cause, self.page.cause
        if before and before != now and now not in self.city.risks:
            named = [f"{name_of(self.city, key)} [{key}]" for key in (before, now)]
            yield Line(value=self._say("changed", before=named[0], now=named[1]))

    def _members(self) -> Iterator[Line]:
        """Who fell, when that is more than the cause itself."""
        fallen = [name_of(self.city, key) for key in self.page.members]
        if fallen and self.page.members != (self.page.cause,):
            yield Line(self._say("members", count=len(fallen)), self._join(fallen) if self.names else "")

    def _briefly(self, kind: Kind, key: str) -> str:
        """The name of one of a group, without the word that stands before them all."""
        label, name = kind.value + " ", name_of(self.city, key)
        return name[len(label) :] if name.lower().startswith(label) else name

    def _behind(self) -> Iterator[Line]:
        groups = self.groups
        counts = {kind: count(kind, len(keys), self.language) for kind, keys in groups.items()}
        cause = self.city.nodes.get(self.page.cause)
        label = self._say("depend" if cause and cause.kind is Kind.APP else "behind", count=len(self.page.behind))
        if groups and self.repeats:
            yield Line(label, ", ".join(counts.values()))
        elif groups:
            yield Line(label)
            for kind, keys in groups.items():
                names = self._join(keys, partial(self._briefly, kind))
                yield Line(value="• " + (f"{counts[kind]}: {names}" if self.names else counts[kind]))

    def _hit(self) -> Iterator[Line]:
        """Who is hit; nobody by a lost link, for the service goes on."""
        if self.page.cause in self.city.links:
            return
        yield from self._list("opds", [name_of(self.city, key) for key in self.page.opds])
        affairs = self.city.urusan
        yield from self._list("urusan", [one_line(affairs[key].name) if key in affairs else key for key in self.page.urusan])

    def _list(self, key: str, names: list[str]) -> Iterator[Line]:
        if names:
            yield Line(self._say(key), self._join(names) if self.names else str(len(names)))

    def _join(self, things: Sequence[str], name: Callable[[str], str] = str) -> str:
        if len(things) <= self.names + 1:
            return ", ".join(map(name, things))
        return self._say("more", names=", ".join(map(name, things[: self.names])), count=len(things) - self.names)

    def _application(self) -> Iterator[Line]:
        application, node = self.city.applications.get(self.page.cause), self.city.nodes.get(self.page.cause)
        if not application or not node or self.repeats:
            return
        if node.owner:
            owner, host = name_of(self.city, node.owner), name_of(self.city, application.host)
            yield Line(self._say("owner"), self._say("host", owner=owner, host=host) if application.host else owner)
        yield from self._list("users", [name_of(self.city, key) for key in application.users])
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
        for other in self.page.instead:
            yield Line(value=self._say("instead", name=name_of(self.city, other) if other else self._say("separate")))
        yield from self._list("alike", [self._thing(key) for key in self.page.alike if key != self.page.cause])
        if self.page.why is Why.ROOT_UNVERIFIED:
            yield Line(value=self._say("unverified"))

    def _thing(self, key: str) -> str:
        link = self.city.links.get(key)
        if link and key not in self.city.nodes:
            return self._say("link", child=name_of(self.city, link.child), parent=name_of(self.city, link.parent))
        return name_of(self.city, key)

    def _ended(self) -> Iterator[Line]:
        yield Line(value=self._over())
        if self.page.reason:
            yield Line(self._say("was"), self._what())
        if self.page.behind and self.page.why is Why.RECOVERED:
            counts = [count(kind, len(keys), self.language) for kind, keys in self.groups.items()]
            yield Line(value=self._say("again", count=", ".join(counts)))
        yield from self._list("told_end", [name_of(self.city, key) for key in self.page.told])

    def _over(self) -> str:
        if self.page.why is Why.CALM:
            return self._say("calm", times=self._say("times", count=self.page.falls))
        first, why = self.page.since[1], pick(WHYS[self.page.why], self.language)
        duration, start = lasted(self.page.at - first, self.language), self._clock(first)
        key = "recovered" if self.page.why is Why.RECOVERED else "closed"
        return self._say(key, end=self._clock(self.page.at), why=why, duration=duration, start=start)
