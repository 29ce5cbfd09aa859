"""How `pantau explain` writes a name, a time, a number, odds and what a look found, in either language. Pure."""

from collections.abc import Iterable, Sequence

from alerts.story import SAID_ENOUGH, name_of
from alerts.words import REASONS, UNNAMED, Pair, clock, pick
from exporters.texts import CONDITIONS, round_trip
from monitor.core.belief import Belief
from monitor.core.city import City
from monitor.core.verdict import Reason
from monitor.engine import Condition


class Wording:
    """Writes in one language, times as in the city, each with its day when that is not the day of `beside` (epoch seconds)."""

    def __init__(self, city: City, language: str, beside: float) -> None:
        """Keep what every sentence needs."""
        self._city, self._language, self._beside = city, language, beside

    def _pick(self, pair: Pair) -> str:
        return pick(pair, self._language)

    def _or(self, words: Iterable[str]) -> str:
        return self._pick((" atau ", " or ")).join(words)

    def _and(self, words: Iterable[str]) -> str:
        return self._pick((" dan ", " and ")).join(words)

    def _name(self, key: str) -> str:
        name, check, link = name_of(self._city, key), self._city.checks.get(key), self._city.links.get(key)
        if check:
            name = f"{name_of(self._city, check.node)}, {check.kind}"
        elif link and key not in self._city.nodes:
            told: Pair = ("Jalur {child} – {parent}", "Link {child} – {parent}")
            name = self._pick(told).format(child=name_of(self._city, link.child), parent=name_of(self._city, link.parent))
        return name if name == key else f"{name} [{key}]"

    def _names(self, keys: Sequence[str]) -> str:
        return ", ".join(self._name(key) for key in keys[:8]) + ("" if len(keys) <= 8 else f", … +{len(keys) - 8}")

    def _when(self, at: float) -> str:
        return clock(at, self._city.utc_offset, self._language, beside=self._beside, zone=False) if at else "-"

    def _trip(self, seconds: float | None) -> str:
        return f" ({round_trip(seconds, self._language)})" if seconds is not None else ""

    def _odds_text(self, odds: float) -> str:
        """As people bet: "297 lawan 1" for, "1 lawan 7.900" against."""
        against = self._pick((" lawan ", " to "))
        return f"{self._number(odds)}{against}1" if odds >= 1 else f"1{against}{self._number(1 / odds)}"

    def _number(self, value: float) -> str:
        written = (
            f"{value:.1e}"
            if value >= 1e9
            else f"{value:,.0f}"
            if value >= 100 or value == round(value)
            else f"{value:.1f}".removesuffix(".0")
        )
        return written.translate(str.maketrans(",.", ".,")) if self._language == "id" else written

    def _found(self, reason: Reason | None, detail: str) -> str:
        """What a look found, with the words of the probe where they tell more."""
        said = self._pick(REASONS[reason] if reason else UNNAMED)
        return f"{said} - {detail}" if detail and reason not in SAID_ENOUGH else said

    def _condition(self, condition: Condition, last: Belief) -> str:
        """A condition, with what was found last where that is no answer."""
        said = self._pick(CONDITIONS[condition])
        return said if condition is Condition.UP else f"{said}; {self._found(last.reason, last.detail)}"
