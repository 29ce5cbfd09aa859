"""THE GATE: a root is paged only when it is sure that the fault is its own.

* Above: in each of its parent groups a parent is believed up and answered a look that was sent after the loss which decided.
  (An answer after the first loss is not enough: the parent may have died between.) Where the parent was lost itself for a while,
  the root must be lost once more since that came back.
* Behind: whatever can be reached through it alone has been asked, too. One answer, and the root is NO_REPLY: it does its
  work and only does not answer us, which is a ticket and no page. (Nothing vouches for an application: who needs it may
  answer without it.)
* Beside: of those who share its fate (all that hangs on the hub, all uplinks) one has answered, or all are down.

Who cannot be asked is passed over: a node that is not looked at, or never answered yet, speaks by what is above (or behind)
it. The wait is bounded; then the root is paged as "cause not verified".
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from monitor.core import belief as beliefs
from monitor.core.belief import LIVING, Belief, Status
from monitor.core.city import Check, Kind
from monitor.core.family import family, mixed
from monitor.core.topology import Topology
from monitor.core.verdict import Reason
from monitor.engine.state import Heard, State, Wait

GRACE = 5.0
HOLD = 90.0
ASKED = 3
"""As many of those behind a root are asked at once; the quickest ones, for their time-outs are waited for."""
NEW, UP = Status.NEW, Status.UP
"""By themselves, for thousands are asked at once: an enumeration takes longer to name its member than a dict to find one."""
UNABLE = (Reason.NO_ROUTE, Reason.OWN_RESOLVER)
"""Faults of ours that last: to ask again at once would be in vain."""


class Gate:
    """Keeps who waits, and answers who may pass."""

    def __init__(self, state: State, topology: Topology) -> None:
        """Keep both; they are the engine's own and always current. Who waits in the state waits here."""
        self._state, self._topology = state, topology
        self._waiting: dict[str, dict[str, None]] = {}
        self._mixed = mixed(state.city)
        self._answered = max((each.last_ok_sent for each in state.beliefs.values()), default=0.0)
        for node, wait in state.gate.items():
            self._note(node, wait)

    def enter(self, node: str, after: float, at: float) -> None:
        """Let a root wait from `at` on for answers to looks sent later than `after`."""
        known, rules = self._state.beliefs, self._state.city.rules
        waits = [beliefs.certain_after(rules[check.grade], check, known[check.id]) for check in self._witnesses(node)]
        asked = tuple(check.id for check in self._behind(node))
        self._keep(node, Wait(after, at + max(waits, default=0.0) + GRACE, asked, self._near(node, asked)))

    def leave(self, node: str) -> bool:
        """Let a root wait no longer; tell whether it did."""
        wait = self._state.gate.pop(node, None)
        for other in wait.near if wait else ():
            self._waiting[other].pop(node, None)
        return wait is not None

    def hear(self, sent: float) -> None:
        """Note that some look sent at this time was answered; to be called for every answer."""
        self._answered = max(self._answered, sent)

    def hold(self, node: str, deadline: float) -> None:
        """Let a root wait longer."""
        self._state.gate[node] = replace(self._state.gate[node], deadline=deadline)

    def waiting_for(self, node: str) -> list[str]:
        """Return the roots whose passing a look at this node may decide."""
        return sorted(self._waiting.get(node, ()))

    def fell_silent(self, node: str) -> None:
        """Hear that a node only does not answer: who waits for it now waits for those that speak for it."""
        for waiting in self.waiting_for(node):
            wait = self._state.gate[waiting]
            self.leave(waiting)
            self._keep(waiting, replace(wait, near=self._near(waiting, wait.asked)))

    def questions(self, node: str) -> list[Check]:
        """Return the checks to look at now because this node failed a look: those above and behind it; its own when that decides it."""
        wait, checks = self._state.gate.get(node), self._state.city.checks
        if wait is None:
            return [*self._witnesses(node), *self._behind(node)]
        again = self._checks((node,)) if self.away(node) else []
        return [*self._witnesses(node), *(checks[each] for each in wait.asked), *again]

    def away(self, node: str) -> list[str]:
        """Return the parents that were lost themselves while this node was, and are back: it must be lost once more since."""
        return [parent for parent in self._topology.parents(node) if self._was_away(parent, node)]

    def may_pass(self, node: str) -> bool:
        """Tell whether each parent group holds a parent that may yet answer, though something above it is down."""
        return all(any(map(self._may_vouch, group)) for group in self._state.city.nodes[node].groups)

    def open_to(self, node: str) -> bool:
        """Tell whether a waiting root may pass as verified."""
        wait = self._state.gate[node]
        return self.verified(node, wait.after) and all(self._failed(check, wait.after) for check in wait.asked)

    def unheard(self, node: str) -> bool:
        """Tell whether a waiting root may pass and nothing behind it answered."""
        return self.open_to(node) and not any(True for _ in self.answers(node, self._state.gate[node].after))

    def verified(self, node: str, after: float) -> bool:
        """Tell whether each parent group holds a parent that answered a look sent later than `after`."""
        return all(any(self._vouches(parent, after, node) for parent in group) for group in self._state.city.nodes[node].groups)

    def sure(self, node: str) -> bool:
        """Tell whether nobody above was passed over who is looked at and never answered yet."""
        return not any(self._state.city.decider(parent) and self._belief(parent) is None for parent in self.above(node))

    def speaks(self, node: str, after: float, besides: str = "") -> bool:
        """Tell whether an answer to a look sent later than `after` surely came through this node."""
        return any(self.came_through(node, heard) for heard in self.answers(node, after, besides))

    def answers(self, node: str, after: float, besides: str = "") -> Iterator[Heard]:
        """Answers to looks sent later than `after`, of the node's other checks and of what can only be reached through it now."""
        if after >= self._answered:
            return  # of all that may be behind it nobody need be asked one by one
        known = self._state.belief  # by itself, for thousands are asked at once
        yield from self._beside(node, node, after)
        for child, first in self._below(node, besides):
            belief = known(child)
            if belief is None or belief.status is not UP:
                yield from self._beside(child, first, after)
            elif belief.last_ok_sent > after:
                yield Heard(first, belief.last_ok_sent, belief.last_ok)

    def lives(self, node: str) -> bool:
        """Tell whether something that is reached through this silent node alone is still believed alive."""
        if any(self._state.beliefs[check].status in LIVING for check in self._others(node)):
            return True
        return self._is_a_way(node) and any(self._alive(child, first) for child, first in self._below(node))

    def fell_behind(self, node: str) -> float:
        """Return when the first of those fell who are reached through this node alone; 0 when none did: a silent one fell then, too."""
        beliefs = (self._belief(child) for child in self._topology.hanging(node))
        return min((each.first_loss for each in beliefs if each and each.status is not Status.UP and each.losses), default=0.0)

    def above(self, node: str) -> Iterator[str]:
        """Return the parents, and the parents of those that do not speak for themselves."""
        for parent in self._topology.parents(node):
            yield parent
            if parent in self._state.city.nodes and not self._speaks_itself(parent):
                yield from self.above(parent)

    def carriers(self, node: str) -> Iterator[tuple[str, str]]:
        """Return the nodes that are down, with a live way to them, through which an answer of this node must have come; each once.

        Beside each stands its child by which the answer came.
        """
        seen, queue = {node}, [node]
        for each in queue:
            for parent in self._topology.parents(each):
                if parent in seen or not self._is_a_way(parent) or not self._topology.hangs_on(each, parent):
                    continue
                seen.add(parent)
                if self._topology.is_root(parent):
                    yield parent, each
                elif not self._speaks_itself(parent) or self._topology.only_through(each, parent):
                    queue.append(parent)

    def came_through(self, node: str, heard: Heard) -> bool:
        """Tell whether an answer surely came through this node: each other way of the child failed a look sent after it."""
        groups = [group for group in self._state.city.nodes[heard.child].groups if node in group]
        return not groups or any(all(other == node or self._dead_since(other, heard.at) for other in group) for group in groups)

    # -- small questions

    def _beside(self, node: str, by: str, after: float) -> Sequence[Heard]:
        """The answers of a node's other checks, as those of the child `by` which they came."""
        if not (others := self._others(node)):
            return ()
        known = map(self._state.beliefs.__getitem__, others)
        return [Heard(by, each.last_ok_sent, each.last_ok) for each in known if each.last_ok_sent > after]

    def _others(self, node: str) -> tuple[str, ...]:
        """The checks of a node that do not decide it; what an application says beside is no way through it."""
        found = self._state.city.nodes[node]
        return found.checks[1:] if len(found.checks) > 1 and found.kind is not Kind.APP else ()

    def _is_a_way(self, node: str) -> bool:
        """Tell whether anything is reached through a node: needing an application is no way through it."""
        found = self._state.city.nodes.get(node)
        return found is not None and found.kind is not Kind.APP

    def _belief(self, node: str) -> Belief | None:
        """The belief of a node that is looked at and has ever answered."""
        belief = self._state.belief(node)
        return None if belief is None or belief.status is NEW else belief

    def _is_up(self, node: str) -> bool:
        belief = self._belief(node)
        return belief is not None and belief.status is UP

    def _speaks_itself(self, node: str) -> bool:
        return self._belief(node) is not None and node not in self._state.silent

    def _may_vouch(self, parent: str) -> bool:
        if parent not in self._state.city.nodes or self._topology.forwards(parent):
            return True
        if self._topology.is_down(parent):
            return False
        return self.may_pass(parent) if self._belief(parent) is None else True

    def _vouches(self, parent: str, after: float, child: str) -> bool:
        if parent not in self._state.city.nodes:
            return True
        if self._topology.is_down(parent):
            return False
        belief = self._belief(parent)
        if belief is None:
            return self.verified(parent, after)
        if parent in self._state.silent:
            return self.speaks(parent, after, besides=child)
        return belief.status is UP and belief.last_ok_sent > after and not self._was_away(parent, child)

    def _was_away(self, parent: str, child: str) -> bool:
        """Tell whether a parent was lost more than once itself while the child was, which was not lost since: its losses may be that's."""
        lost, back = self._state.belief(child), self._state.belief(parent)
        if lost is None or back is None or not lost.losses or back.status is not UP:
            return False
        return back.last_loss > max(back.first_loss, lost.first_loss) and lost.last_loss < back.since

    def _dead_since(self, node: str, after: float) -> bool:
        """Tell whether a node carried nothing after that time: nothing leads to it, or it is down and failed a look sent later."""
        if not self._topology.is_down(node):
            return not self._topology.forwards(node)
        belief = self._belief(node)
        return belief is None or belief.last_loss > after or not self._topology.reachable(node)

    def _alive(self, child: str, first: str) -> bool:
        """Tell whether who is below a silent node is believed alive, by itself or its other checks; not whom no route of ours leads to.

        Who is behind one that is in doubt must have answered since that fell.
        """
        belief, above = self._belief(child), self._belief(first)
        if belief is None or child in self._state.silent:
            return any(self._state.beliefs[check].status in LIVING for check in self._others(child))
        if child != first and above is not None and first not in self._state.silent:
            return belief.status is UP and belief.last_ok_sent > above.first_loss
        return belief.status in LIVING and belief.reason is not Reason.NO_ROUTE

    def _failed(self, check: str, after: float) -> bool:
        """Tell whether a check has been asked in vain; that we cannot ask it for now is as good an answer as its silence."""
        belief = self._state.beliefs.get(check)
        if belief is None or belief.status not in LIVING:
            return True
        return belief.last_valid > after or (belief.last_sent > after and belief.reason in UNABLE)

    def _witnesses(self, node: str) -> Iterator[Check]:
        """The checks that say whether what is above lives: of the parents, and for a silent one of all that would speak for it."""
        city = self._state.city
        for parent in dict.fromkeys(self.above(node)):
            yield from self._checks((parent,))
            if parent in self._state.silent:
                yield from map(city.checks.__getitem__, city.nodes[parent].checks[1:])
                yield from self._checks(child for child in self._topology.hanging(parent) if child != node)

    def _behind(self, node: str) -> list[Check]:
        """The checks to ask behind a node, the quickest of the first few: of what is reached through it alone, else its own others.

        Of those behind one in doubt a few are asked besides, for it may only be silent. Nothing comes through a port that its device
        calls down.
        """
        city, known = self._state.city, self._state.beliefs
        own = city.nodes[node]
        if own.kind is Kind.APP or known[own.checks[0]].told:
            return []
        below = ((city.decider(child), child == first or not self._speaks_itself(first)) for child, first in self._below(node))
        alive = ((check, near) for check, near in below if check and known[check.id].status in LIVING)
        first = list(islice(alive, 4 * ASKED))
        others = [city.checks[check] for check in own.checks[1:] if known[check].status in LIVING]
        asked = [check for side in (True, False) for check in self._quickest(check for check, near in first if near is side)]
        if self._mixed:
            asked += self._over_the_other(node, (check for check, _ in chain(first, alive, ((each, True) for each in others))))
        return asked or self._quickest(others)

    def _quickest(self, checks: Iterable[Check]) -> list[Check]:
        """The few with the least time-outs, one among them that is not even in doubt: the others may have fallen by themselves."""
        found = sorted(checks, key=lambda check: (check.timeout, check.id))
        sure = [check for check in found if self._state.beliefs[check.id].status is UP][:1]
        return [*sure, *(check for check in found if check not in sure)][:ASKED]

    def _over_the_other(self, node: str, checks: Iterable[Check]) -> list[Check]:
        """The first check over the other address family: when one family is lost, those of the same one say nothing of this node."""
        mine = {family(check.target) for check in self._checks((node,))} | {""}
        return list(islice((check for check in checks if family(check.target) not in mine), 1))

    def _below(self, node: str, besides: str = "") -> Iterator[tuple[str, str]]:
        """What is reached through this node alone, nearest first and each once, with the child of the node by which.

        Behind those that speak for themselves nobody is asked; behind those in doubt, for they may only be silent.
        """
        seen, queue = {node, besides}, [(node, "")] if self._is_a_way(node) else []
        for each, by in queue:
            doubted = each != node and self._speaks_itself(each)
            for child in self._topology.hanging(each):
                if child in seen or (doubted and not self._topology.only_through(child, each)):
                    continue
                seen.add(child)
                yield child, by or child
                if self._topology.leads_on(child) and not self._is_up(child) and self._is_a_way(child):
                    queue.append((child, by or child))

    def _near(self, node: str, asked: Iterable[str]) -> tuple[str, ...]:
        """The nodes of which a look may decide whether a root passes; kept with it, so that a restart finds the same."""
        others = (*self._witnesses(node), *map(self._state.city.checks.__getitem__, asked))
        return tuple(dict.fromkeys((node, *self.above(node), *(check.node for check in others))))

    def _keep(self, node: str, wait: Wait) -> None:
        self._state.gate[node] = wait
        self._note(node, wait)

    def _note(self, node: str, wait: Wait) -> None:
        for other in wait.near:
            self._waiting.setdefault(other, {})[node] = None

    def _checks(self, nodes: Iterable[str]) -> list[Check]:
        return [check for check in map(self._state.city.decider, nodes) if check is not None]
