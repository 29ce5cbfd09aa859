"""Answers that came through a node which is down: it may be that it works, and only does not answer itself."""

from monitor.core.city import Kind
from monitor.core.events import ProbeResult
from monitor.core.topology import Topology
from monitor.engine.gate import Gate
from monitor.engine.state import Heard, State


class Hearing:
    """Keeps such an answer by the node that it came through, in the state."""

    def __init__(self, state: State, topology: Topology, gate: Gate) -> None:
        """Keep all three; they are the engine's own and always current."""
        self._state, self._topology, self._gate = state, topology, gate

    def hear(self, node: str, look: ProbeResult) -> None:
        """Note an answer of a node: of one that is down, or that came through one which is."""
        if self._topology.is_down(node):
            through = [(node, node)] if self._state.city.nodes[node].kind is not Kind.APP else []
        elif not self._topology.reachable(node):
            through = list(self._gate.carriers(node))
        else:
            return
        for carrier, child in through:
            if not self._keeps_an_earlier(carrier, besides=child):
                self._state.heard[carrier] = Heard(child, look.sent, look.at)

    def spoken_for(self, node: str, lost: float, lost_again: float) -> bool:
        """Tell whether an answer came through a node between two losses of its own; after the last one it may just be coming back."""
        heard = self._state.heard.get(node)
        return heard is not None and lost < heard.sent and heard.at < lost_again and self._gate.came_through(node, heard)

    def _keeps_an_earlier(self, carrier: str, besides: str) -> bool:
        """Tell whether there is an earlier answer since the carrier's last loss: a later one might not lie before the next any more.

        Not one of somebody who has another way, if who answers now has not.
        """
        heard, belief = self._state.heard.get(carrier), self._state.belief(carrier)
        if heard is None or belief is None or heard.sent <= belief.last_loss:
            return False
        only = self._topology.hangs_on
        return heard.child == carrier or only(heard.child, carrier) or (besides != carrier and not only(besides, carrier))
