"""The engine: an event in, effects out. Pure: the same events give the same state and the same pages, always.

The road of one look: `absorb` (belief) -> down or up (topology) -> root or shadowed -> the gate (`gate`) -> what belongs
together and its name (`causes`) -> incident -> pages (`desk`).

The top of the graph stands for our own way to the city. While it does not answer nothing else is judged (BLIND): a look
that fails then says nothing about its target. What it takes to say so is the same as for any other node; only that we
have no route ourselves is a fact about it, and no lack of a look.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from alerts.incidents import Incident
from monitor.core import belief as beliefs
from monitor.core.belief import Belief, Status
from monitor.core.city import Check, Kind
from monitor.core.events import ClockStepped, Delivered, Effect, Event, InventoryLoaded, Page, ProbeResult, Tick, Traced, Verify, Why
from monitor.core.rules import CONFIRM
from monitor.core.topology import Topology
from monitor.core.verdict import ANSWERED, Reason, Verdict
from monitor.engine.causes import Causes
from monitor.engine.desk import Desk, Outcome
from monitor.engine.gate import HOLD, Gate
from monitor.engine.hearing import Hearing
from monitor.engine.ports import Ports
from monitor.engine.state import Condition, State

__all__ = ["Condition", "Engine", "State"]

ASK_AGAIN = 1.0
FOREVER = math.inf
SLICE = 500
"""As many nodes are started anew in one step after a repair; the rest in the next ones, so that none takes long."""


class Engine:
    """Applies events to a `State`; topology, gate and causes are derived from it and rebuilt here."""

    def __init__(self, state: State) -> None:
        """Take the state over; it must not be changed by anybody else."""
        self.state = state
        self._out = Outcome()
        self._derive()

    # -- in and out

    def apply(self, event: Event) -> list[Effect]:
        """Take one event into the state; return what is to be done. Never raises: what it cannot use it counts."""
        if self.state.freed:
            self._carry_on_before(event)
        match event:
            case ProbeResult():
                self._looked(event)
            case Tick():
                self._ticked(event.at)
            case Delivered():
                self._delivered(event)
            case InventoryLoaded():
                self._inventory(event)
            case ClockStepped():
                self._count("clock_stepped")
            case Traced():
                self.desk.traced(event)
        return self._out.taken()

    def next_deadline(self) -> float | None:
        """Return the time at which the engine wants a `Tick`, or None."""
        waits = (wait.deadline for wait in self.state.gate.values())
        freed = islice(self.state.freed.values(), 1)
        when = min((self.desk.deadline, *freed, *waits))
        return None if when == FOREVER else when

    @property
    def unfinished(self) -> bool:
        """Whether a repair is not worked off yet: a `Tick` is wanted at once."""
        return bool(self.state.freed)

    def owed(self) -> list[Page]:
        """Return the pages decided and not yet reported Delivered, in the order of decision."""
        return list(self.state.owed.values())

    def looks_wanted(self, at: float) -> list[Verify]:
        """Return the looks that were being waited for: what a restart must ask for again."""
        doubted = [check for check, belief in self.state.beliefs.items() if self._decides(check) and self._in_doubt(belief)]
        asked = [check.id for node in self.state.gate for check in self.gate.questions(node)]
        read = [reader.id for check in doubted for reader in self.ports.readers(self.state.city.checks[check].node)]
        return [Verify(check, at) for check in dict.fromkeys([*doubted, *asked, *read])]

    def condition(self, node_id: str, at: float) -> Condition:
        """Return what people are told of a node at this time."""
        node, city = self.state.city.nodes[node_id], self.state.city
        if not node.checks:
            return Condition.UNWATCHED
        check, belief = city.checks[node.checks[0]], self.state.beliefs[node.checks[0]]
        status = beliefs.status_at(check, belief, at)
        if self.blind and node_id not in self._tops and status is not Status.NEW:
            return Condition.UNKNOWN
        shadowed = not self.topology.reachable(node_id) or node_id in self.state.freed
        if shadowed and status not in (Status.UP, Status.NEW) and node_id not in self.desk.open:
            return Condition.SHADOWED
        if node_id in self.state.silent:
            return Condition.NO_REPLY
        if status is Status.UP and any(self._troubled(each) for each in node.checks):
            return Condition.DEGRADED
        return Condition(status.value)

    @property
    def blind(self) -> bool:
        """Whether we cannot see the city: the top of the graph does not answer, and nothing behind it does."""
        return not self._tops.isdisjoint(self.desk.open)

    def open_incidents(self) -> list[Incident]:
        """Return the open incidents, oldest first."""
        return self.desk.open_incidents()

    def incident_of(self, node: str) -> Incident | None:
        """Return the open incident of which this node is a root that is still down."""
        return self.desk.incident_of(node)

    # -- one look

    def _looked(self, look: ProbeResult) -> None:
        check, belief = self.state.city.checks.get(look.check), self.state.beliefs.get(look.check)
        if check is None or belief is None:
            self._count("unknown_check")
            return
        if not (belief.last_sent < look.sent <= look.at < FOREVER and 0 <= (look.seconds or 0) < FOREVER):
            self._count("stale_look" if look.sent <= belief.last_sent else "nonsense_look")
            return
        answered = look.verdict in ANSWERED
        if not answered or belief.status is Status.SUSPECT:
            look = self._in_our_light(check, belief, look)
        before, last_loss = belief.status, belief.last_loss
        why = beliefs.absorb(self.state.city.rules[check.grade], check, belief, look)
        if answered:
            self.gate.hear(look.sent)
        if why is not None:
            what = "degraded" if why is Why.DEGRADED else belief.status.value
            self._out.decide(look.at, check.id, what, why, losses=belief.losses, nats=round(belief.nats, 3))
        if (why is not None or belief.status is not Status.UP) and self._decides(check.id):
            self._judge(check, belief, look, why, before, last_loss)
        elif why is Why.ODDS_REACHED and check.node in self.state.silent and not self.gate.lives(check.node):
            self._lost_its_voice(check.node, belief.decided, look.at)
        self._say_of_others(check, belief, look)

    def _say_of_others(self, check: Check, belief: Belief, look: ProbeResult) -> None:
        """Take from a look what it says of others than its own target: of ports, of those above it, of who waits at the gate."""
        if look.values:
            self._heed_ports(look)
        if self.topology.any_down and belief.status is Status.UP and look.verdict in ANSWERED:
            self.hearing.hear(check.node, look)
        if self.state.gate:
            if look.verdict in ANSWERED:
                self._settle(self.causes.hear(check.node, look.sent), look.at)
            self._settle(self.gate.waiting_for(check.node), look.at)

    def _in_our_light(self, check: Check, belief: Belief, look: ProbeResult) -> ProbeResult:
        """Turn a look into what it says, given how we stand ourselves.

        What was lost while no way led to a target is forgotten with its answer: it teaches nothing of its own line.
        """
        if look.verdict in ANSWERED:
            if not self.topology.forwards(check.node):
                beliefs.start_anew(belief, look.at)
            return look
        if check.node in self._tops:
            return replace(look, verdict=Verdict.FAIL) if look.reason is Reason.NO_ROUTE else look
        if look.reason is Reason.NO_ROUTE and not self.blind and self.causes.no_route_to_any(check.node):
            return replace(look, verdict=Verdict.FAIL)
        if look.verdict is Verdict.FAIL and self.blind:
            self._count("blind_look")
            return replace(look, verdict=Verdict.UNSURE)
        return look

    def _judge(self, check: Check, belief: Belief, look: ProbeResult, why: Why | None, before: Status, last_loss: float) -> None:
        """Draw the conclusions from a look at the check that decides its node."""
        node = check.node
        if why is Why.ODDS_REACHED:
            self._went_down(node, belief.decided, look.at)
        elif why in (Why.RECOVERED, Why.FIRST_OK):
            self._came_up(node, Why.RECOVERED, look.at)
        elif belief.status is Status.DOWN and belief.first_ok:
            self._out.effects.append(Verify(check.id, belief.first_ok + beliefs.RECOVERY))
        elif look.verdict is Verdict.FAIL and belief.status is Status.DOWN and self.hearing.spoken_for(node, last_loss, look.sent):
            self._hush(node, look.at)
        elif look.reason is Reason.NO_ROUTE and node in self.state.silent and not self.blind and not self.gate.lives(node):
            self._lost_its_voice(node, look.sent, look.at)
        if belief.status is Status.SUSPECT:
            self._out.effects.append(Verify(check.id, beliefs.look_again(self.state.city.rules[check.grade], check, belief)))
        if look.verdict is Verdict.FAIL and self._in_doubt(belief) and not self._is_explained(node):
            self._ask(node, look.at)
        if before is not belief.status:
            self._settle(self.causes.moved(node, before, belief.status), look.at)

    def _heed_ports(self, look: ProbeResult) -> None:
        """Take in what a device says of the ports that lead to others."""
        if self.ports.missing(look):
            self._count("unknown_port")
        for node, dead in self.ports.said(look):
            check = self.state.city.checks[self.state.city.nodes[node].checks[0]]
            belief = self.state.beliefs[check.id]
            why = beliefs.told(belief, look, dead=dead)
            if why is not None:
                self._out.decide(look.at, check.id, "down", why, losses=belief.losses, nats=round(belief.nats, 3), reader=look.check)
                self._went_down(node, belief.decided, look.at)
                self._ask(node, look.at)
                self._settle(self.causes.moved(node, Status.SUSPECT, Status.DOWN), look.at)
            elif belief.told and belief.status is Status.SUSPECT:
                self._out.effects.append(Verify(look.check, belief.told + CONFIRM))

    def _went_down(self, node: str, after: float, at: float) -> None:
        """Shadow what is behind a node that fell, and bring it to the gate unless it is shadowed itself."""
        for parent in dict.fromkeys(self.gate.above(node)):
            if parent in self.state.silent and not self.gate.lives(parent):
                self._lost_its_voice(parent, after, at)
        waiting = self.gate.waiting_for(node)
        for other in dict.fromkeys([*self.topology.set_down(node, down=True), *waiting]):
            if other in self.state.gate and not self.gate.may_pass(other):
                self.gate.leave(other)
                self._out.decide(at, other, "shadowed", Why.SHADOWED, behind=node)
        if not self.gate.may_pass(node):
            self._out.decide(at, node, "shadowed", Why.SHADOWED)
        elif node not in self.desk.open:
            if not self.state.gate:
                self.causes.listen()
            self.gate.enter(node, after, at)

    def _came_up(self, node: str, why: Why, at: float) -> None:
        """Take a root that is well again out of its incident; what stood behind it starts anew, so that a repair brings no storm."""
        self.gate.leave(node)
        self.state.heard.pop(node, None)
        if why is Why.RECOVERED:
            self.state.silent.pop(node, None)
            self._start_anew(node, at)  # its other checks fell with it
        self._out.effects.extend(Verify(self.state.city.nodes[each].checks[0], at) for each in self.gate.waiting_for(node))
        self.desk.came_up(node, why, at)
        self.state.freed.update(dict.fromkeys(self.topology.set_down(node, down=False), at))
        self._carry_on(at, SLICE)

    def _carry_on(self, at: float, most: int) -> None:
        """Start the next of those anew to which a way leads again, nearest first; what is freed by that follows."""
        while most > 0 and self.state.freed:
            nodes = list(islice(self.state.freed, most))
            for node in nodes:
                self._free(node, at)
            most -= len(nodes)

    def _carry_on_before(self, event: Event) -> None:
        """Let no event meet a node that is still to be started anew; a new city has to wait for all of them."""
        if isinstance(event, ProbeResult) and event.check in self.state.city.checks:
            self._free(self.state.city.checks[event.check].node, event.at)
        self._carry_on(event.at, len(self.state.city.nodes) if isinstance(event, InventoryLoaded) else SLICE)

    def _free(self, node: str, at: float) -> None:
        waited = self.state.freed.pop(node, None) is not None
        if waited and node not in self.desk.open and self._start_anew(node, at):
            self.gate.leave(node)
            self.state.freed.update(dict.fromkeys(self.topology.set_down(node, down=False), at))

    def _start_anew(self, node: str, at: float) -> bool:
        """Look again at all of a node that is in doubt; tell whether its decider is."""
        decider, known = self.state.city.decider(node), self.state.beliefs
        if decider is None or node in self.state.silent:
            return False
        doubted = [check for check in self.state.city.nodes[node].checks if self._in_doubt(known[check])]
        for check in doubted:
            before = known[check].status
            beliefs.start_anew(known[check], at)
            if check == decider.id:
                self.causes.moved(node, before, known[check].status)
                self._out.decide(at, node, "suspect", Why.PARENT_RETURNED)
            self._out.effects.append(Verify(check, at))
        return decider.id in doubted

    # -- those that do not answer while what is behind them does

    def _hush(self, node: str, at: float) -> None:
        """A node that works and does not answer us is a ticket: no cause, no page."""
        self.state.silent[node] = at
        self._out.decide(at, node, "no_reply", Why.VOUCHED_FOR)
        self.gate.fell_silent(node)
        self._came_up(node, Why.VOUCHED_FOR, at)

    def _lost_its_voice(self, node: str, after: float, at: float) -> None:
        """Nothing behind a silent node answers any more: it is down after all."""
        del self.state.silent[node]
        belief = self.state.beliefs[self.state.city.nodes[node].checks[0]]
        belief.first_loss = belief.gone = max(belief.first_loss, self.gate.fell_behind(node))
        self._out.decide(at, node, "down", Why.NOTHING_BEHIND)
        self._went_down(node, after, at)

    # -- the gate

    def _settle(self, nodes: Iterable[str], at: float) -> None:
        """Let through the gate whoever may pass, all that belong together at once."""
        for node in nodes:
            if node in self.state.gate and not self.causes.undecided(node, self.state.gate[node].after) and self.gate.open_to(node):
                self._decide_on(node, Why.ROOT_VERIFIED if self.gate.sure(node) else Why.ROOT_UNVERIFIED, at)

    def _ticked(self, at: float) -> None:
        for node, wait in list(self.state.gate.items()):
            if wait.deadline > at or node not in self.state.gate:
                continue
            if self.causes.undecided(node, wait.after) and at < wait.after + HOLD:
                self.gate.hold(node, wait.after + HOLD)
            else:
                why = Why.ROOT_VERIFIED if self.gate.verified(node, wait.after) else Why.ROOT_UNVERIFIED
                self._decide_on(node, why, at, last=True)
        self.desk.ticked(at)

    def _ask(self, node: str, at: float) -> None:
        """Ask above, behind and beside, nobody more than once a second: what was asked since the loss will do."""
        known = self.state.beliefs
        asked = dict.fromkeys(check.id for check in (*self.gate.questions(node), *self.causes.beside(node), *self.ports.readers(node)))
        self._out.effects.extend(Verify(check, max(at, known[check].last_sent + ASK_AGAIN)) for check in asked)

    def _decide_on(self, node: str, why: Why, at: float, *, last: bool = False) -> None:
        """Let a root through, and with it all that belong together with it and may pass, too; unless something spoke for it.

        An answer that may have come another way keeps it waiting until that is known, or it is the `last` moment.
        """
        answers = list(self.gate.answers(node, self.state.gate[node].after))
        if any(self.gate.came_through(node, heard) for heard in answers):
            self._hush(node, at)
            return
        if answers and not last:
            return
        if node in self._tops:
            for other in [other for other in self.state.gate if other != node]:
                self.gate.leave(other)
        others = self.causes.together(node, self.state.gate)
        roots = [node, *(other for other in others if self.causes.all_fell(node, other) or self.gate.unheard(other))]
        for root in roots:
            self.gate.leave(root)
            self._out.decide(at, root, "root", why)
        self.desk.take_in(roots, why, at)

    def _delivered(self, report: Delivered) -> None:
        if self.state.owed.pop(report.key, None) is None:
            self._count("unknown_page")
            return
        what, why = ("delivered", Why.DELIVERED) if report.ok else ("given up", Why.GIVEN_UP)
        self._out.decide(report.at, report.key, what, why, detail=report.detail)

    # -- a new inventory

    def _inventory(self, event: InventoryLoaded) -> None:
        """Swap the city: what did not change keeps its belief; a root that went or changed leaves its incident with that reason."""
        old, new, state = self.state.city, event.city, self.state
        kept = {each for each in new.checks if each in old.checks and new.checks[each].looks_at_the_same(old.checks[each])}
        for node, incident in self.desk.roots():
            decider = new.decider(node)
            if decider is None or decider.id not in kept:
                self.desk.drop(node, incident, Why.TARGET_CHANGED if decider else Why.TARGET_REMOVED, event.at)
        state.move_to(new, kept, event.at)
        self._derive()
        for node in [node for node in state.gate if not self.gate.may_pass(node)]:
            self.gate.leave(node)
        for root in new.nodes:
            belief = state.belief(root)
            if belief and self.topology.is_root(root) and root not in self.desk.open and root not in state.gate:
                self.gate.enter(root, belief.decided, event.at)
                self._ask(root, event.at)

    def _derive(self) -> None:
        """Rebuild what follows from the state."""
        city, state = self.state.city, self.state
        self._tops = {node.id for node in city.nodes.values() if node.kind is Kind.HUB and not node.groups}
        down = [node for node in city.nodes if node not in state.silent and state.is_down(node)]
        self.topology = Topology(city.nodes, down)
        self.gate = Gate(state, self.topology)
        self.hearing = Hearing(state, self.topology, self.gate)
        self.causes = Causes(state, self.topology)
        self.ports = Ports(city)
        self.desk = Desk(state, self.topology, self.causes, self._out)

    # -- small questions

    def _decides(self, check_id: str) -> bool:
        return self.state.city.nodes[self.state.city.checks[check_id].node].checks[0] == check_id

    def _is_explained(self, node: str) -> bool:
        """Tell whether it is known why a node does not answer: it is told of, only silent, or behind something dead."""
        return node in self.desk.open or node in self.state.silent or not self.gate.may_pass(node)

    def _in_doubt(self, belief: Belief) -> bool:
        return belief.status in (Status.SUSPECT, Status.DOWN)

    def _troubled(self, check: str) -> bool:
        belief = self.state.beliefs[check]
        return belief.status is Status.DOWN or belief.habit.trouble is not None or belief.verdict in (Verdict.SLOW, Verdict.WARN)

    def _count(self, word: str) -> None:
        self.state.counts[word] = self.state.counts.get(word, 0) + 1
