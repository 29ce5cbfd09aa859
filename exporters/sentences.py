"""The sentences of `pantau explain`, Indonesian first, English beside: one ring of the chain, one sentence an admin understands. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from alerts.incidents import Cause
from alerts.story import name_of
from alerts.words import REASONS, UNNAMED, WHYS, Pair, clock, lasted, pick
from exporters.chain import Facts, Ring
from exporters.evidence import Episode, Weighed
from exporters.ring_words import BROKE, HELD, PASSES
from exporters.texts import CONDITIONS, SEVERITIES, round_trip
from monitor.core.city import City
from monitor.core.events import Delivered, Page, Severity, Step

SHOWN = 5
"""So many looks of an episode are printed from its beginning, and as many from its end."""
KEYS: Mapping[str, Pair] = {
    "severities": ("tingkat", "severity"),
    "kinds": ("jenis", "kind"),
    "sites": ("situs", "site"),
    "opds": ("OPD", "OPD"),
    "urusan": ("urusan", "affair"),
}
STEPS: Mapping[Step, Pair] = {Step.OPEN: ("gangguan", "opening"), Step.UPDATE: ("perkembangan", "update"), Step.END: ("pulih", "end")}


class Speaker:
    """Says rings in one language, times as in the city, each with its day when that is not the day of `beside` (epoch seconds)."""

    def __init__(self, city: City, language: str, beside: float) -> None:
        """Keep what every sentence needs."""
        self._city, self._language, self._beside = city, language, beside

    def say(self, ring: Ring) -> str:
        """Return the sentence of a ring."""
        return self._pick((HELD if ring.held else BROKE)[ring.name]).format(**self._parts(ring))

    def passes(self, ring: Ring) -> str:
        """Return what would have made a ring hold that broke."""
        told: Pair = ("Akan lolos bila {what}.", "It would pass if {what}.")
        return self._pick(told).format(what=self._pick(PASSES[ring.name]).format(**self._parts(ring)))

    def _parts(self, ring: Ring) -> Mapping[str, object]:
        parts: Callable[[Facts], Mapping[str, object]] = getattr(self, f"_{ring.name}", _as_they_are)
        return parts(ring.facts)

    def elsewhere(self, asked: float) -> str:
        """Say that nothing failed at the time that was asked about, and that the nearest failures are told instead."""
        told = ("{at} tidak ada yang gagal; inilah kegagalan terdekat:", "nothing failed at {at}; these are the nearest failures:")
        return self._pick(told).format(at=self._when(asked))

    def steps(self, pages: Sequence[Page]) -> Iterator[str]:
        """Yield a line a step of an incident: when, what, why, of which cause, and to whom."""
        told: dict[tuple[str, Step], list[Page]] = {}
        for page in pages:
            told.setdefault((page.key.rpartition("/")[0], page.step), []).append(page)
        for (_, step), same in told.items():
            first = same[0]
            receivers = ", ".join(self._name(page.receiver) for page in same)
            yield (
                f"{self._when(first.at)} {self._pick(STEPS[step])} {first.incident}: {self._name(first.cause)}, "
                f"{self._pick(WHYS[first.why])} → {receivers}"
            )

    def looks(self, episode: Episode) -> Iterator[str]:
        """Yield a line a look: when, what it found, and the odds after it."""
        if episode.before:
            yield self._pick(("{at} menjawab{trip}", "{at} answered{trip}")).format(
                at=self._when(episode.before.at), trip=self._trip(episode.before.seconds)
            )
        few = len(episode.weighed) <= 2 * SHOWN
        yield from map(self._look, episode.weighed if few else episode.weighed[:SHOWN])
        if not few:
            yield self._more(len(episode.weighed) - 2 * SHOWN)
            yield from map(self._look, episode.weighed[-SHOWN:])
        if episode.further:
            yield self._more(episode.further)
        if episode.answer:
            yield self._pick(("{at} menjawab lagi{trip}", "{at} answers again{trip}")).format(
                at=self._when(episode.answer.at), trip=self._trip(episode.answer.seconds)
            )

    def _more(self, count: int) -> str:
        return self._pick(("… {count} kali lagi gagal", "… {count} more failed")).format(count=count)

    def _look(self, each: Weighed) -> str:
        gap = "" if each.gap is None else f" (+{self._number(each.gap)} {self._pick(('dtk', 's'))})"
        told = (
            "{at}{gap} {reason}: gagal ke-{losses}, peluang mati {odds}",
            "{at}{gap} {reason}: loss {losses}, odds {odds} that it is down",
        )
        reason = self._pick(REASONS[each.look.reason] if each.look.reason else UNNAMED)
        return self._pick(told).format(
            at=self._when(each.look.sent), gap=gap, reason=reason, losses=each.losses, odds=self._odds_text(each.odds)
        )

    # -- parts of the sentences

    def _listed(self, facts: Facts) -> Mapping[str, object]:
        return {"name": self._name(facts["id"]), "kind": facts["kind"]} if facts else {}

    def _risk_only(self, facts: Facts) -> Mapping[str, object]:
        return {"members": self._names(facts["members"])}

    def _link(self, facts: Facts) -> Mapping[str, object]:
        return {"child": self._name(facts["child"]), "parent": self._name(facts["parent"]), "id": facts["child"]}

    def _sighted(self, facts: Facts) -> Mapping[str, object]:
        return {"gateway": self._names(facts["gateway"])}

    def _lost(self, facts: Facts) -> Mapping[str, object]:
        return {
            "last_ok": self._when(facts["last_ok"]),
            "needed": self._odds_text(facts["needed"]),
            "least": self._number(facts["span_needed"]),
        }

    def _unsure(self, facts: Facts) -> Mapping[str, object]:
        last = facts["last"]
        return {"reason": self._pick(REASONS[last.reason] if last.reason else UNNAMED), "at": self._when(last.at)}

    def _promised(self, facts: Facts) -> Mapping[str, object]:
        share = f"{100 * facts['p']:.2g} %"
        numbers = {key: self._number(round(facts[key], 1)) for key in ("tau", "worst", "one_in", "downs", "brief")}
        tail = self._pick((" Runtunannya berekor panjang: kabar palsu bisa lebih.", " Its bursts have a heavy tail: more may be false."))
        return {"p": share.replace(".", ",") if self._language == "id" else share, "tail": tail if facts["heavy"] else "", **numbers}

    def _odds(self, facts: Facts) -> Mapping[str, object]:
        episode: Episode | None = facts["episode"]
        answered = ""
        if episode and episode.answer:
            answered = self._pick((", lalu menjawab lagi {at}", ", then it answered again {at}")).format(at=self._when(episode.answer.at))
        return {
            "count": facts["losses"],
            "first": self._when(facts["first"]),
            "odds": self._odds_text(facts["odds"]),
            "needed": self._odds_text(facts["needed"]),
            "span": self._number(facts["span"]),
            "least": self._least(facts["span_needed"]),
            "more": facts["more"],
            "answered": answered,
        }

    def _least(self, span: float) -> str:
        if not span:
            return self._pick(("jawabannya salah, maka lamanya tidak dihitung", "it answers wrongly, so how long does not count"))
        return self._pick(("perlu {span}", "needed {span}")).format(span=self._number(span))

    def _reachable(self, facts: Facts) -> Mapping[str, object]:
        shown = facts["dead"] or facts["groups"]
        groups = "; ".join(self._or(map(self._parent, group)) for group in shown)
        return {"groups": groups or self._pick(("tidak punya induk", "has no parent"))}

    def _silent(self, facts: Facts) -> Mapping[str, object]:
        speakers = ", ".join(f"{self._name(node)} {self._when(at)}" for node, at in facts["speakers"])
        return {"since": self._when(facts["since"]), "speakers": speakers or "-"}

    def _gate(self, facts: Facts) -> Mapping[str, object]:
        if "why" in facts:
            return {"why": self._pick(WHYS[facts["why"]]), "at": self._when(facts["at"])}
        groups = "; ".join(self._or(map(self._parent, group)) for group in facts["groups"])
        return {"after": self._when(facts["after"]), "deadline": self._when(facts["deadline"]), "groups": groups or "-"}

    def _incident(self, facts: Facts) -> Mapping[str, object]:
        if "condition" in facts:
            return {"condition": self._pick(CONDITIONS[facts["condition"]])}
        cause: Cause = facts["cause"]
        further = ""
        if cause.behind:
            further += self._pick(("; {count} ikut tidak terjangkau", "; {count} unreachable because of it")).format(
                count=len(cause.behind)
            )
        if len(cause.members) > 1:
            further += self._pick((", bersama {names}", ", with {names}")).format(names=self._names(cause.members))
        if cause.instead:
            other = self._name(cause.instead[0]) if cause.instead[0] else self._pick(("gangguan sendiri-sendiri", "separate faults"))
            further += self._pick((", kemungkinan lain {other}", ", second likeliest {other}")).format(other=other)
        return {"incident": facts["incident"], "cause": self._name(cause.node), "further": further}

    def _route(self, facts: Facts) -> Mapping[str, object]:
        cause: Cause = facts["cause"]
        missed = "; ".join(
            f"{', '.join(route.to)} ({self._pick(KEYS[key])}: {', '.join(getattr(route, key))}; {route.where})"
            for route, key in facts["missed"]
        )
        return {
            "severity": self._pick(SEVERITIES[Severity(cause.severity)]),
            "to": ", ".join(dict.fromkeys(each for to in facts["matched"] for each in to)),
            "missed": missed or "-",
        }

    def _page(self, facts: Facts) -> Mapping[str, object]:
        page: Page = facts["page"]
        return {
            "at": self._when(page.at),
            "step": self._pick(STEPS[page.step]),
            "receiver": self._name(page.receiver),
            "fate": self._fate(page, facts["report"]),
        }

    def _fate(self, page: Page, report: Delivered | None) -> str:
        if report is None:
            return self._pick(("belum ada tanda terima", "no receipt yet"))
        after = lasted(report.at - page.at, self._language)
        receipt = f" ({report.detail})" if report.detail else ""
        said: Pair = ("sampai setelah {after}{receipt}", "arrived after {after}{receipt}")
        if not report.ok:
            said = ("gagal setelah {after}{receipt}", "given up after {after}{receipt}")
        return self._pick(said).format(after=after, receipt=receipt)

    def _parent(self, parent: Mapping[str, Any]) -> str:
        told = ("{name} {condition}, jawaban terakhir {at}", "{name} {condition}, last answer {at}")
        condition = self._pick(CONDITIONS[parent["condition"]])
        return self._pick(told).format(name=self._name(parent["id"]), condition=condition, at=self._when(parent["last_ok"]))

    # -- small words

    def _pick(self, pair: Pair) -> str:
        return pick(pair, self._language)

    def _or(self, words: Iterable[str]) -> str:
        return self._pick((" atau ", " or ")).join(words)

    def _name(self, key: str) -> str:
        name = name_of(self._city, key)
        return name if name == key else f"{name} [{key}]"

    def _names(self, keys: Sequence[str]) -> str:
        return ", ".join(self._name(key) for key in keys[:8]) + ("" if len(keys) <= 8 else f", … +{len(keys) - 8}")

    def _when(self, at: float) -> str:
        return clock(at, self._city.utc_offset, self._language, beside=self._beside, zone=False) if at else "-"

    def _trip(self, seconds: float | None) -> str:
        return f" ({round_trip(seconds, self._language)})" if seconds is not None else ""

    def _odds_text(self, odds: float) -> str:
        """As people bet: "297 : 1" for, "1 : 7.900" against."""
        return f"{self._number(odds)} : 1" if odds >= 1 else f"1 : {self._number(1 / odds)}"

    def _number(self, value: float) -> str:
        written = f"{value:.1e}" if value >= 1e9 else f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.1f}"
        return written.translate(str.maketrans(",.", ".,")) if self._language == "id" else written


def rings_as_json(rings: Sequence[Ring], city: City, beside: float) -> list[dict[str, object]]:
    """Return the chain as JSON, each ring with its sentences and what would have passed."""
    speakers = {language: Speaker(city, language, beside) for language in ("id", "en")}
    return [
        {
            "ring": ring.name,
            "held": ring.held,
            "where": [where for where in ring.where if where],
            **{language: speaker.say(ring) for language, speaker in speakers.items()},
            **({} if ring.held else {f"passes_{language}": speaker.passes(ring) for language, speaker in speakers.items()}),
        }
        for ring in rings
    ]


def _as_they_are(facts: Facts) -> Mapping[str, object]:
    return facts
