"""The sentences of `pantau explain`, Indonesian first, English beside: one ring of the chain, one sentence an admin understands. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from alerts.incidents import Cause
from alerts.words import WHYS, Pair, clock, lasted
from exporters.evidence import Episode, Weighed
from exporters.ring_words import BROKE, HELD, PASSES
from exporters.scene import Facts, Ring
from exporters.texts import CONDITIONS, SEVERITIES
from exporters.wording import Wording
from monitor.core.city import City, Kind, Route
from monitor.core.events import Delivered, Page, Severity, Step
from monitor.engine import Condition

SHOWN = 5
"""So many looks of an episode are printed from its beginning, and as many from its end."""
MEANS: Mapping[Severity, Pair] = {
    Severity.CRITICAL: ("yang lain bergantung padanya", "others depend on it"),
    Severity.MAJOR: ("tidak ada situs di belakangnya", "no site is behind it"),
    Severity.MINOR: ("hanya cadangan yang hilang", "only redundancy is lost"),
}
STEPS: Mapping[Step, Pair] = {Step.OPEN: ("gangguan", "opening"), Step.UPDATE: ("perkembangan", "update"), Step.END: ("pulih", "end")}


class Speaker(Wording):
    """Says rings in one language."""

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
                f"{self._pick(WHYS[first.why]).partition(':')[0]} → {receivers}"
            )

    def heading(self, subject: str, incident: str = "") -> str:
        """Return the line above the chain: what it is about, and of which moment."""
        number = self._pick(("Gangguan {number} · ", "Incident {number} · ")).format(number=incident) if incident else ""
        when = clock(self._beside, self._city.utc_offset, self._language, beside=0.0)
        return f"{number}{self._name(subject)} · {when}"

    def later(self, subject: str, at: float) -> str:
        """Say how to ask what became of it."""
        told: Pair = ('Kelanjutannya: pantau explain {subject} --at "{at}"', 'What became of it: pantau explain {subject} --at "{at}"')
        return self._pick(told).format(subject=subject, at=clock(at, self._city.utc_offset, self._language, beside=0.0))

    def looks(self, episode: Episode) -> Iterator[str]:
        """Yield a line a look: when, what it found, and the odds after it."""
        if episode.before:
            yield self._pick(("{at} menjawab{trip}", "{at} answered{trip}")).format(
                at=self._when(episode.before.at), trip=self._trip(episode.before.seconds)
            )
        weighed, few = episode.weighed, len(episode.weighed) <= 2 * SHOWN
        yield from self._some(weighed if few else weighed[:SHOWN])
        if not few:
            yield self._pick(("… gagal {count} kali lagi", "… {count} more failed")).format(count=len(weighed) - 2 * SHOWN)
            yield from self._some(weighed[-SHOWN:])
        if episode.further:
            told = ("sesudah pasti mati gagal {count} kali lagi", "{count} more failed after it was surely down")
            yield self._pick(told).format(count=episode.further)
        if episode.answer:
            yield self._pick(("{at} menjawab lagi{trip}", "{at} answers again{trip}")).format(
                at=self._when(episode.answer.at), trip=self._trip(episode.answer.seconds)
            )

    def _some(self, looks: Sequence[Weighed]) -> Iterator[str]:
        said = ""
        for each in looks:
            found = self._found(each.look.reason, each.look.detail)
            yield self._look(each, found if found != said else self._pick(("sama", "the same")))
            said = found

    def _look(self, each: Weighed, found: str) -> str:
        gap = "" if each.gap is None else f" (+{self._number(each.gap)} {self._pick(('dtk', 's'))})"
        told = (
            "{at}{gap} {found}: gagal ke-{losses}, peluang mati {odds}",
            "{at}{gap} {found}: loss {losses}, odds {odds} that it is down",
        )
        at, odds = self._when(each.look.sent), self._odds_text(each.odds)
        return self._pick(told).format(at=at, gap=gap, found=found, losses=each.losses, odds=odds)

    # -- parts of the sentences

    def _listed(self, facts: Facts) -> Mapping[str, object]:
        return {"name": self._name(facts["id"]), "kind": facts["kind"]} if facts else {}

    def _watched(self, facts: Facts) -> Mapping[str, object]:
        """Who calls us is looked at by its calls, and nowhere."""
        return {**facts, "to": f" {self._pick(('ke', 'to'))} {facts['target']}" if facts.get("target") else ""}

    def _risk_only(self, facts: Facts) -> Mapping[str, object]:
        return {"members": "; ".join(map(self._parent, facts["members"])), "window": lasted(facts["window"], self._language)}

    def _link(self, facts: Facts) -> Mapping[str, object]:
        shows: Pair = ("yang mati {child}", "{child} is down")
        if not facts["only"]:
            shows = ("{child} tetap hidup lewat jalurnya yang lain", "{child} lives on by its other link")
        child = self._pick(shows).format(child=self._name(facts["child"]))
        return {"link": self._name(facts["id"]), "shows": child, "id": facts["child"]}

    def _decides(self, facts: Facts) -> Mapping[str, object]:
        return {**facts, "condition": self._condition(facts["condition"], facts["last"])}

    def _sighted(self, facts: Facts) -> Mapping[str, object]:
        names = self._names([each["id"] for each in facts["gateway"]])
        return {"gateway": "; ".join(map(self._parent, facts["gateway"])), "names": names}

    def _ever_answered(self, facts: Facts) -> Mapping[str, object]:
        return {"looks": facts["looks"], "reason": self._found(facts["last"].reason, facts["last"].detail)}

    def _lost(self, facts: Facts) -> Mapping[str, object]:
        return {"last_ok": self._when(facts["last_ok"]), "more": facts["more"], "least": self._number(facts["span_needed"])}

    def _unsure(self, facts: Facts) -> Mapping[str, object]:
        last = facts["last"]
        reason = self._found(last.reason, last.detail)
        if facts["incident"]:
            reason += self._pick((" (gangguan {id})", " (incident {id})")).format(id=facts["incident"])
        return {**self._lost(facts), "reason": reason, "at": self._when(last.at)}

    def _promised(self, facts: Facts) -> Mapping[str, object]:
        share = f"{100 * facts['p']:.2g} %"
        numbers = {key: self._number(round(facts[key], 1)) for key in ("tau", "worst", "one_in")}
        past = self._pick(
            ("; dari {downs} kali mati, {brief} pulih dalam semenit", "; of {downs} outages {brief} were over within a minute")
        )
        numbers["past"] = past.format(downs=facts["downs"], brief=facts["brief"]) if facts["downs"] else ""
        tail = self._pick((" Runtunannya berekor panjang: kabar palsu bisa lebih.", " Its bursts have a heavy tail: more may be false."))
        return {"p": share.replace(".", ",") if self._language == "id" else share, "tail": tail if facts["heavy"] else "", **numbers}

    def _odds(self, facts: Facts) -> Mapping[str, object]:
        episode: Episode | None = facts["episode"]
        answered = ""
        if episode and episode.answer:
            answered = self._pick((", lalu menjawab lagi {at}", ", then it answered again {at}")).format(at=self._when(episode.answer.at))
        return {
            "count": facts["losses"] if self._language == "id" else "once" if facts["losses"] == 1 else f"{facts['losses']} times",
            "first": self._when(facts["first"]),
            "odds": self._odds_text(facts["odds"]),
            "needed": self._odds_text(facts["needed"]),
            "span": self._number(facts["span"]),
            "least": self._least(facts["span_needed"]),
            "more": facts["more"],
            "answered": answered,
        }

    _doubted = _odds

    def _least(self, span: float) -> str:
        if not span:
            return self._pick(("jawabannya salah, maka lamanya tidak dihitung", "it answers wrongly, so how long does not count"))
        return self._pick(("perlu {span}", "needed {span}")).format(span=self._number(span))

    def _reachable(self, facts: Facts) -> Mapping[str, object]:
        """The way to a node, or the parents that stand in it."""
        shown = facts["dead"] or facts["groups"]
        way: Pair = ("Jalannya ada: ", "There is a way to it: ")
        if not facts["groups"]:
            way = ("Tidak ada yang di atasnya: inilah jalan Pantau ke kota", "Nothing is above it: this is our own way to the city")
        elif facts["dead"]:
            way = ("Tidak terjangkau karena yang di atasnya mati, dan itulah yang dikabarkan: ",
                   "Not reachable, for what is above it is down, and that is what is told: ")  # fmt: skip
            if facts["own"]:
                way = ("Ketika diputuskan jalannya ada; kini tidak: ", "There was a way to it when it was decided; now there is none: ")
            elif facts["app"]:
                way = ("Yang dibutuhkannya mati, dan itulah yang dikabarkan: ", "What it needs is down, and that is what is told: ")
        groups = "; ".join(self._or(map(self._parent, group)) for group in shown)
        fallen = (each for group in facts["dead"] for parent in group for each in parent["fallen"] or [parent["id"]])
        return {"way": self._pick(way), "groups": groups, "names": self._or(map(self._name, dict.fromkeys(fallen)))}

    def _port(self, facts: Facts) -> Mapping[str, object]:
        return {"at": self._when(facts["at"]), "device": self._name(facts["device"]), "port": facts["port"]}

    def _silent(self, facts: Facts) -> Mapping[str, object]:
        speakers = ", ".join(f"{self._name(node)} {self._when(at)}" for node, at in facts["speakers"])
        return {"since": self._when(facts["since"]), "speakers": speakers or "-"}

    def _gate(self, facts: Facts) -> Mapping[str, object]:
        if "verified" not in facts:
            return {"after": self._when(facts["after"]), "deadline": self._when(facts["deadline"]), "awaited": self._awaited(facts)}
        why: Pair = ("terverifikasi", "verified")
        if not facts["verified"]:
            why = ("belum terverifikasi karena batas waktu menunggu habis", "not verified, for the wait was over")
        witnesses = ", ".join(map(self._witness, facts["witnesses"]))
        if witnesses:
            told = (": sesudah kegagalan terakhirnya ({after}) {witnesses}", ": after its last loss ({after}) {witnesses}")
            witnesses = self._pick(told).format(after=self._when(facts["after"]), witnesses=witnesses)
        silence: Pair = ("; yang di belakangnya tidak menjawab", "; nothing behind it answers")
        return {
            "why": self._pick(why),
            "at": self._when(facts["at"]),
            "witnesses": witnesses,
            "behind": self._pick(silence) if facts["behind"] else "",
        }

    def _witness(self, parent: Mapping[str, Any]) -> str:
        told: Pair = ("{name} tidak terdengar", "{name} was not heard")
        if parent["answered"]:
            told = ("{name} menjawab {at}", "{name} answered {at}")
        elif parent["condition"] is Condition.NO_REPLY:
            told = ("{name} diam, tetapi yang lain di belakangnya menjawab", "{name} was silent, but others behind it answered")
        return self._pick(told).format(name=self._name(parent["id"]), at=self._when(parent["answered"]))

    def _awaited(self, facts: Facts) -> str:
        if facts["away"]:
            told: Pair = (
                "satu kegagalannya lagi, sebab sementara itu ikut hilang: ",
                "one more loss of its own, for also lost meanwhile was: ",
            )
            return self._pick(told) + self._names(facts["away"])
        if facts["groups"]:
            groups = "; ".join(self._or(map(self._parent, group)) for group in facts["groups"])
            return self._pick(("jawaban yang di atasnya: ", "an answer of what is above it: ")) + groups
        if facts["behind"]:
            told = (
                "jawaban atau kegagalan dari yang mungkin masih menjawab lewatnya: ",
                "an answer or a loss of what may still answer through it: ",
            )
            return self._pick(told) + self._names(facts["behind"])
        return self._pick(
            ("kepastian apakah tetangganya di jalur yang sama juga mati", "whether its neighbours on the same way are down, too")
        )

    def _anew(self, facts: Facts) -> Mapping[str, object]:
        return {"at": self._when(facts["at"])}

    def _flapping(self, facts: Facts) -> Mapping[str, object]:
        return {**facts, "until": self._when(facts["until"])}

    _gathered = _flapping

    def _incident(self, facts: Facts) -> Mapping[str, object]:
        if "condition" in facts:
            return {"condition": self._pick(CONDITIONS[facts["condition"]])}
        cause: Cause = facts["cause"]
        hub = cause.node in self._city.nodes and self._city.nodes[cause.node].kind is Kind.HUB
        further = self._pick((" (Pantau terputus dari kota)", " (Pantau is cut off from the city)")) if hub else ""
        if risk := self._city.risks.get(cause.node):
            told: Pair = (" (anggotanya jatuh dalam rentang {window})", " (its members fell within {window})")
            further += self._pick(told).format(window=lasted(risk.window, self._language))
        if cause.behind:
            further += self._pick(("; {count} ikut tidak terjangkau", "; {count} unreachable because of it")).format(
                count=len(cause.behind)
            )
        if len(cause.members) > 1:
            further += self._pick(("; yang jatuh: {names}", "; fallen: {names}")).format(names=self._names(cause.members))
        if cause.instead:
            other = self._name(cause.instead[0]) if cause.instead[0] else self._pick(("gangguan sendiri-sendiri", "separate faults"))
            further += self._pick(("; kemungkinan lain: {other}", "; second likeliest: {other}")).format(other=other)
        return {"incident": facts["incident"], "cause": self._name(cause.node), "further": further}

    def _traced(self, facts: Facts) -> Mapping[str, object]:
        """The way to the cause, step by step, with the names of who stands there; where nobody was known to, the address."""
        steps = " → ".join(f"{address} ({self._name(node)})" if node else address for address, node in facts["routers"])
        ends: Pair = ("; sesudah itu tidak ada yang menjawab", "; nobody answers after that")
        if facts["reached"]:
            ends = ("; ia sendiri menjawab ping", "; it answers ping itself")
        nobody: Pair = (
            "tidak ada yang menjawab (router yang sedang ditanya banyak pihak boleh diam)",
            "nobody answers (a router that many ask at once may keep silent)",
        )
        end = f"; {facts['end']}" if facts["end"] else self._pick(ends) if steps else ""
        return {
            "node": self._name(facts["node"]),
            "at": self._when(facts["at"]),
            "way": steps or ("-" if facts["end"] else self._pick(nobody)),
            "end": end,
        }

    def _route(self, facts: Facts) -> Mapping[str, object]:
        cause: Cause = facts["cause"]
        severity, has = Severity(cause.severity), self._has(facts)
        to = [f"{self._names(route.to)}{self._because(route, has)}" for route in facts["matched"]]
        missed = [
            f"{route.where} ({', '.join(route.to)}): {self._and(f'`{key}` {has[key]}' for key in keys)}" for route, keys in facts["missed"]
        ]
        return {
            "severity": f"{self._pick(SEVERITIES[severity])} ({self._pick(MEANS[severity])})",
            "to": "; ".join(to),
            "missed": "; ".join(missed) or "-",
            "about": ", ".join(f"{key} {has[key]}" for key in ("kinds", "opds", "urusan")),
        }

    def _has(self, facts: Facts) -> Mapping[str, str]:
        """What a route may ask for, in the words of the inventory, as the incident has it."""
        cause: Cause = facts["cause"]
        values = {
            "severities": (cause.severity,),
            "kinds": facts["kinds"],
            "sites": cause.members,
            "opds": cause.opds,
            "urusan": cause.urusan,
        }
        return {key: self._pick((" atau ", " or ")).join(some[:4]) or "-" for key, some in values.items()}

    def _because(self, route: Route, has: Mapping[str, str]) -> str:
        keys = [f"{key} {', '.join(getattr(route, key))}" for key in has if key not in ("severities", "kinds") and getattr(route, key)]
        return f" ({'; '.join(keys)})" if keys else ""

    def _page(self, facts: Facts) -> Mapping[str, object]:
        page: Page = facts["page"]
        return {
            "at": self._when(page.at),
            "step": self._pick(STEPS[page.step]),
            "receiver": self._name(page.receiver),
            "id": page.receiver,
            "fate": self._fate(page, facts["report"]),
        }

    def _fate(self, page: Page, report: Delivered | None) -> str:
        if report is None:
            return self._pick(("belum ada tanda terima, masih dicoba", "no receipt yet, still being tried"))
        took = report.at - page.at
        if not report.ok:
            said: Pair = ("gagal sesudah {after} ({detail})", "given up after {after} ({detail})")
        elif took < 1:
            said = ("sampai seketika, tanda terima: {detail}", "arrived at once, receipt: {detail}")
        else:
            said = ("sampai dalam {after}, tanda terima: {detail}", "arrived within {after}, receipt: {detail}")
        return self._pick(said).format(after=lasted(took, self._language), detail=report.detail or "-")

    def _parent(self, parent: Mapping[str, Any]) -> str:
        """A node above: how it is, what keeps it from forwarding, and the incident that tells of it."""
        condition = self._pick(CONDITIONS[parent["condition"]])
        said = f"{self._name(parent['id'])} {condition}"
        if parent["fallen"]:
            told = (", tetapi bergantung pada {names} yang mati", ", but depends on {names}, which is down")
            said += self._pick(told).format(names=self._names(parent["fallen"]))
        told = (", jawaban terakhir {at}", ", last answer {at}")
        if parent["again"]:
            told = (
                ", baru menjawab lagi {at} (pulih bila menjawab terus 10 detik)",
                ", answers again only since {at} (up after 10 s of answers)",
            )
        said += self._pick(told).format(at=self._when(parent["again"] or parent["last_ok"]))
        incident = self._pick((" (gangguan {id})", " (incident {id})")).format(id=parent["incident"])
        return said + incident if parent["incident"] else said


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
