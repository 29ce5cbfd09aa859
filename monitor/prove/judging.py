"""The pages of one run against the oracle: each cause told once, in time, to its end; and nothing else told."""

import bisect
from collections.abc import Iterator, Sequence
from itertools import combinations

from monitor.core.city import Kind
from monitor.core.events import Page, Step, Why
from monitor.prove.oracle import Oracle, Stretch
from monitor.prove.receivers import expected
from monitor.prove.story import Fault, Spell, Story, Wrong, stories
from monitor.prove.timeline import START


class Judge:
    """Compares what was told in one run with what was visible."""

    def __init__(self, oracle: Oracle, stretches: Sequence[Stretch], pages: Sequence[Page], patience: float = 0.0) -> None:
        """Take the run; `patience` is what lost answers may cost, in seconds."""
        self._oracle, self._stretches, self._pages, self._patience = oracle, stretches, pages, patience
        self._stories, self._form = stories(pages)
        self._causes = sorted({cause for stretch in stretches for cause in stretch.visible})
        self._onsets = {cause: self._began(cause) for cause in self._causes}

    def wrong(self, until: float) -> list[Wrong]:
        """Return all that is wrong with the run, which lasted until this time."""
        found = [*self._form, *self._false(), *self._classes(), *self._receivers()]
        for cause in self._causes:
            found.extend(self._told(cause, until))
        for story in self._stories:
            found.extend(self._ended(story, until))
        return found + list(self._joined())

    # -- nothing false

    def _false(self) -> Iterator[Wrong]:
        """Every cause that was told had been visible a moment before."""
        told: set[tuple[str, str]] = set()
        for page in self._pages:
            if page.step is Step.END or (page.incident, page.cause) in told:
                continue
            told.add((page.incident, page.cause))
            if not self._true(page.cause, page.at):
                yield Wrong(Fault.FALSE, page.cause, page.at, f"{page.step} of {page.incident}, {page.why}")

    def _true(self, cause: str, at: float) -> bool:
        lately = [each for each in self._causes if self._seen(each, at - self._lag(each), at)]
        if any(cause in self._oracle.names(each) for each in lately):
            return True
        risk = self._oracle.city.risks.get(cause)
        if risk is None:
            return False
        back = at - risk.window - max((self._oracle.announce(each) for each in risk.members), default=0.0) - self._patience
        return sum(self._seen(each, back, at) for each in risk.members) > 1

    def _lag(self, cause: str) -> float:
        """Seconds for which one may still believe in a cause that has just gone."""
        return self._oracle.recover(cause) - 10.0 + self._patience

    def _seen(self, cause: str, start: float, end: float) -> bool:
        return any(cause in each.visible and each.start <= end and each.end > start for each in self._stretches)

    def _classes(self) -> Iterator[Wrong]:
        """A page names all that would look the same from here."""
        for page in self._pages:
            if page.step is Step.OPEN and page.cause in self._oracle.city.nodes and page.cause != self._oracle.world.top:
                alike = self._oracle.classes[page.cause]
                if set(page.alike) != alike:
                    yield Wrong(Fault.ALIKE, page.cause, page.at, f"says {sorted(page.alike)}, looks like {sorted(alike)}")
                    return

    def _receivers(self) -> Iterator[Wrong]:
        """When one cause is all there is, those hear of it whom the routes name for it and what fails behind it, and nobody else.

        Of what began or ceased to fail just before, or cannot be looked at, nobody can know.
        """
        city, seen = self._oracle.city, [each for each in self._causes if each in self._oracle.city.nodes]
        if len(self._causes) != 1 or not seen or seen[0] == self._oracle.world.top or city.nodes[seen[0]].kind is Kind.INTERNET:
            return
        lag = self._oracle.slowest(frozenset().union(*(each.failing for each in self._stretches)))
        for story in self._stories:
            at = story.spells[0].start
            lately = [each for each in self._stretches if each.start <= at and each.end > at - lag]
            surely = frozenset.intersection(*(each.failing for each in lately))
            perhaps = frozenset().union(*(each.failing | each.unknown for each in lately))
            least, most = (expected(self._oracle.world, seen[0], gone) for gone in (surely, perhaps))
            told = {who for who, when in story.opened.items() if story.cause(when) == seen[0]}
            if story.spells[0].cause == seen[0] and not least <= told <= most:
                yield Wrong(Fault.RECEIVERS, seen[0], at, f"told {sorted(told)}, routes name {sorted(least)} to {sorted(most)}")

    # -- everything true, once, in time

    def _told(self, cause: str, until: float) -> Iterator[Wrong]:
        """From its deadline on exactly one open incident speaks of a cause, until it is not visible any more."""
        for start, end in self._due(cause, until):
            moments = [start, *(page.at for page in self._pages if start < page.at < end)]
            for at in moments:
                named = [story.id for story in self._stories if story.cause(at) in self._oracle.names(cause)]
                if len(named) > 1:
                    yield Wrong(Fault.TWICE, cause, at, f"open at once: {', '.join(named)}")
                    return
                if not named and not self._holders(cause, at) and not self._hidden(cause, at):
                    yield Wrong(Fault.NOT_TOLD, cause, at, f"visible, should have been told by {start - START:.1f} s")
                    return

    def _due(self, cause: str, until: float) -> Iterator[tuple[float, float]]:
        """Spans of time in which a cause must be told: from its deadline to its end."""
        start: float | None = None
        for stretch in self._stretches:
            if cause not in stretch.visible:
                start = start if cause in stretch.unknown and start is not None and start <= stretch.start else None
                continue
            hushed = stretch.silent - self._last(stretch).silent
            if start is None or (hushed and start > stretch.start):
                start = stretch.start + self._wait(cause, stretch, hushed)
            if start < min(stretch.end, until):
                yield max(start, stretch.start), min(stretch.end, until)

    def _wait(self, cause: str, stretch: Stretch, hushed: frozenset[str]) -> float:
        """Seconds until a cause must have been told that is visible from this stretch on.

        First what was above it must be seen to be back, or seen to be only silent; a silent node is known to be dead when all
        behind it are.
        """
        oracle, last = self._oracle, self._last(stretch)
        healed = max((oracle.recover(each) for each in last.visible - stretch.visible), default=0.0)
        silence = max((oracle.announce(each) for each in hushed), default=0.0)
        behind = oracle.carried(cause) if cause in last.silent else ()
        evidence = max(oracle.announce(each) for each in (cause, *behind))
        return evidence + oracle.gate(stretch.silent | (last.silent & {cause})) + healed + silence + self._patience

    def _last(self, stretch: Stretch) -> Stretch:
        """Return the stretch before this one, itself when it is the first."""
        return next((each for each in self._stretches if each.end == stretch.start), stretch)

    def _before(self, stretch: Stretch) -> frozenset[str]:
        return next((each.visible for each in self._stretches if each.end == stretch.start), frozenset())

    def _holders(self, cause: str, at: float) -> list[str]:
        """Return the open incidents that speak of this cause, or of a risk or a sharer of it that fell with it."""
        found = []
        for story in self._stories:
            told = story.cause(at)
            if told is None:
                continue
            names = self._oracle.names(cause)
            if told in names or self._may_join(cause, told) or story.named(names, at):
                found.append(story.id)
        return found

    def _hidden(self, cause: str, at: float) -> bool:
        """Tell whether what carries a cause is wrongly told in its place, or was until a moment ago: that is wrong by itself, and once."""
        return any(
            spell.start <= at < spell.end + self._oracle.announce(cause)
            and spell.cause in self._oracle.city.nodes
            and cause in self._oracle.carried(spell.cause)
            and not self._true(spell.cause, spell.start)
            for story in self._stories
            for spell in story.spells
        )

    # -- together

    def _began(self, cause: str) -> list[tuple[float, float]]:
        """Return the times since when it failed, perhaps out of sight, and was visible."""
        found, failing = [], 0.0
        for stretch in self._stretches:
            failed = cause in stretch.failing or cause in stretch.visible
            failing = (failing or stretch.start) if failed else 0.0
            if cause in stretch.visible and cause not in self._before(stretch):
                found.append((failing, stretch.start))
        return found

    def _may_join(self, cause: str, told: str) -> bool:
        """Tell whether an incident that speaks of `told` (another cause, or a risk of several) may stand for this cause too."""
        city = self._oracle.city
        others = [each for each in city.risks[told].members if each in self._onsets] if told in city.risks else [told]
        return any(self._near(cause, each, risk) for each in others if each != cause for risk in self._oracle.shared(cause, each))

    def _near(self, one: str, other: str, risk: str) -> bool:
        """Tell whether two causes began within the window of a risk, give or take the time to see them."""
        slack = max(self._oracle.announce(one), self._oracle.announce(other)) + self._patience
        return self._apart(one, other) <= self._oracle.city.risks[risk].window + slack

    def _apart(self, one: str, other: str) -> float:
        """Return how many seconds lie between the beginnings of two causes at their nearest; each began until it was visible."""
        pairs = [(a, b) for a in self._onsets.get(one, ()) for b in self._onsets.get(other, ())]
        return min((max(a[0] - b[1], b[0] - a[1], 0.0) for a, b in pairs), default=float("inf"))

    def _joined(self) -> Iterator[Wrong]:
        """Causes that share a risk and surely began within its window are one incident."""
        for one, other in combinations(self._causes, 2):
            windows = [self._oracle.city.risks[risk].window for risk in self._oracle.shared(one, other)]
            within = max(windows) - self._blur(one, other) if windows else -1.0
            if self._apart(one, other) > within:
                continue
            shared = [stretch for stretch in self._stretches if one in stretch.visible and other in stretch.visible]
            for stretch in shared:
                began = [self._since(stretch, each) for each in (one, other)]
                fell, seen = zip(*began, strict=True)
                if max(abs(fell[0] - fell[1]), abs(seen[0] - seen[1])) > within:
                    continue
                at = max(onset + self._oracle.announce(each) for onset, each in zip(seen, (one, other), strict=True)) + self._patience
                apart = self._named(one, other, max(at, stretch.start), min(seen)) if at < stretch.end else []
                if len(apart) > 1:
                    words = f"they share {self._oracle.shared(one, other)}: {', '.join(apart)}"
                    yield Wrong(Fault.NOT_JOINED, f"{one}, {other}", at, words)
                    return

    def _named(self, one: str, other: str, at: float, began: float) -> list[str]:
        """Return the incidents, opened since they began, that speak of one or the other."""
        names = self._oracle.names(one) | self._oracle.names(other)
        return [story.id for story in self._stories if story.cause(at) in names and story.spells[0].start >= began]

    def _blur(self, one: str, other: str) -> float:
        """Seconds by which first losses may lie further apart than the faults: the longer of the intervals."""
        city = self._oracle.city
        return max(city.checks[city.nodes[one].checks[0]].interval, city.checks[city.nodes[other].checks[0]].interval)

    def _since(self, stretch: Stretch, cause: str) -> tuple[float, float]:
        onsets = self._onsets[cause]
        return onsets[bisect.bisect_right(onsets, stretch.start, key=lambda onset: onset[1]) - 1]

    # -- to its end

    def _ended(self, story: Story, until: float) -> Iterator[Wrong]:
        for spell in story.spells:
            held = sorted(
                {*self._held(spell.cause), *(each for each in self._causes if story.named(self._oracle.names(each), spell.start))}
            )
            gone = self._gone(held, spell)
            if gone < min(spell.end, until):
                yield Wrong(Fault.LATE_END, spell.cause, gone, f"{story.id} still speaks of it; visible is other than that")
                return
        if story.ended and story.why is not Why.MERGED:
            yield from self._early(story)

    def _held(self, cause: str) -> list[str]:
        """Return the visible causes that an incident with this cause may stand for."""
        return [each for each in self._causes if cause in self._oracle.names(each) or self._may_join(each, cause)]

    def _gone(self, held: list[str], spell: Spell) -> float:
        """Return when at the latest an incident that stands for these causes must end or speak of another.

        One of several members may stay in it while it is down, also out of sight.
        """
        gone, several = spell.start, spell.members if len(spell.members) > 1 else frozenset()
        for stretch in self._stretches:
            if stretch.end <= spell.start:
                continue
            if stretch.start > gone + self._release(held, gone):
                break
            known = stretch.visible | stretch.unknown
            if not known.isdisjoint(held) or not stretch.failing.isdisjoint(several):
                gone = stretch.end
        return gone + self._release(held, gone)

    def _release(self, held: list[str], gone: float) -> float:
        """Seconds that it may take to see that none of these is visible any more: they are up, or silent, or below what fell."""
        after = next((each for each in self._stretches if each.start <= gone < each.end), None)
        slow = max((self._oracle.announce(each) for each in (after.visible if after else ())), default=0.0)
        hushed = [each for each in held if after and each in after.silent]
        slow += max((self._oracle.recover(each) for node in hushed for each in self._oracle.carried(node)), default=0.0)
        return slow + max(map(self._oracle.recover, [*held, self._oracle.world.top])) + self._patience

    def _early(self, story: Story) -> Iterator[Wrong]:
        """An end comes when what the incident spoke of is up again, and never while we are blind."""
        at, cause = story.end, story.spells[-1].cause
        stretch = next(each for each in self._stretches if each.start <= at < each.end)
        blind = cause in stretch.unknown and at > stretch.start + self._lag(cause if cause in self._causes else self._oracle.world.top)
        if blind:
            yield Wrong(Fault.BLIND_END, cause, at, f"{story.id} ended, {story.why}")
        spoken = [each for each in self._causes if cause in self._oracle.names(each) or each in story.spells[-1].members]
        for each in spoken:
            fresh = at - self._lag(each) - 10.0
            if each in stretch.visible and self._seen(each, fresh, fresh) and not self._holders(each, at):
                yield Wrong(Fault.EARLY_END, cause, at, f"{story.id} ended, {story.why}; {each} is down")
                return
