"""Engines broken on purpose: `pantau prove` must find wrong pages with each."""

from collections.abc import Iterator

from monitor.engine import Engine
from monitor.engine.gate import Gate
from monitor.engine.hearing import Hearing
from monitor.engine.state import Heard


class OpenGate(Gate):
    """Lets every root pass, whatever its parents and those behind it say."""

    def open_to(self, node: str) -> bool:  # noqa: ARG002 - the broken one asks nobody
        return True

    def verified(self, node: str, after: float) -> bool:  # noqa: ARG002 - the same
        return True


class DeafGate(Gate):
    """Hears nobody behind a root."""

    def answers(self, node: str, after: float, besides: str = "") -> Iterator[Heard]:  # noqa: ARG002 - the same
        return iter(())


class NoGate(Engine):
    """Pages a root as soon as it is believed down."""

    def _derive(self) -> None:
        super()._derive()
        self.gate = OpenGate(self.state, self.topology)
        self.hearing = Hearing(self.state, self.topology, self.gate)


class NoVouching(Engine):
    """Pages what works and only does not answer us."""

    def _derive(self) -> None:
        super()._derive()
        self.gate = DeafGate(self.state, self.topology)
        self.hearing = Hearing(self.state, self.topology, self.gate)


class NoRecovery(Engine):
    """Keeps what it believed of those behind a parent that came back."""

    def _start_anew(self, node: str, at: float) -> bool:
        decider = self.state.city.decider(node)
        if decider is not None and self.topology.is_root(node):
            self._went_down(node, self.state.beliefs[decider.id].decided, at)
        return False
