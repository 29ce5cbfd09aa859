"""THE TOPOLOGY RULE: a node is reachable when in every one of its parent groups at least one parent forwards.

A parent forwards when it is reachable and not down. Kept as one counter a group, so a change costs only the edges that
it flips. The graph is free of cycles (the inventory refuses them); a parent without an entry forwards always.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from monitor.core.city import Node


class _Place:
    """Where a node stands: how many parents of each of its groups forward, and how many of the groups are dead."""

    __slots__ = ("dead_groups", "forwarding", "id")

    def __init__(self, node: str, groups: Iterable[Iterable[str]]) -> None:
        self.id, self.dead_groups = node, 0
        self.forwarding = [len(set(group)) for group in groups]


class Topology:
    """Which nodes can be reached, given which are down. Derived: rebuilt from the city and the beliefs at any time."""

    def __init__(self, nodes: Mapping[str, Node], down: Iterable[str] = ()) -> None:
        """Build the counters with everything forwarding, then take down what is down."""
        self._nodes = nodes
        self._down: set[str] = set()
        self._places = {node.id: _Place(node.id, node.groups) for node in nodes.values()}
        self._children: dict[str, list[tuple[_Place, int]]] = {}
        for node in nodes.values():
            for index, group in enumerate(node.groups):
                for parent in dict.fromkeys(group):
                    self._children.setdefault(parent, []).append((self._places[node.id], index))
        for node_id in down:
            self.set_down(node_id, down=True)

    def is_down(self, node: str) -> bool:
        """Tell whether the node is marked as down."""
        return node in self._down

    @property
    def any_down(self) -> bool:
        """Whether any node is marked as down."""
        return bool(self._down)

    def is_root(self, node: str) -> bool:
        """Tell whether the node is marked as down and some way leads to it."""
        return node in self._down and self.reachable(node)

    def reachable(self, node: str) -> bool:
        """Tell whether some way leads to the node (not whether it answers)."""
        return not self._places[node].dead_groups

    def forwards(self, node: str) -> bool:
        """Tell whether the node is reachable and not down."""
        place = self._places.get(node)
        return node not in self._down and not (place and place.dead_groups)

    def leads_on(self, node: str) -> bool:
        """Tell whether anything names this node as a parent."""
        return node in self._children

    def children(self, node: str) -> tuple[str, ...]:
        """Ids of the nodes that name this one as a parent, each once."""
        return tuple(dict.fromkeys(child.id for child, _ in self._children.get(node, ())))

    def parents(self, node: str) -> tuple[str, ...]:
        """Ids of all parents of the node, each once."""
        return tuple(dict.fromkeys(parent for group in self._nodes[node].groups for parent in group))

    def set_down(self, node: str, *, down: bool) -> list[str]:
        """Mark a node as down or not; return the nodes whose reachability flipped by it, nearest first."""
        if (node in self._down) == down:
            return []
        before = self.forwards(node)
        if down:
            self._down.add(node)
        else:
            self._down.discard(node)
        return self._spread(node, up=not down) if self.forwards(node) != before else []

    def behind(self, *nodes: str, spared: Collection[str] = ()) -> tuple[str, ...]:
        """Nodes that cannot be reached now and could be, were these not down, nor what is down behind them; nearest first.

        Those that are `spared` answer all the same: they are not among them, nor is what only hangs on them.
        """
        found: dict[str, bool] = {}
        revived: dict[str, dict[int, bool]] = {}
        queue = list(nodes)
        for parent in queue:
            gone = found.get(parent, True)
            for place, group in self._children.get(parent, ()):
                child = place.id
                if place.forwarding[group] or child in found:
                    continue
                if place.dead_groups > 1:
                    groups = revived.setdefault(child, {})
                    groups[group] = groups.get(group, False) or gone
                    if len(groups) < place.dead_groups or not any(groups.values()):
                        continue
                elif not gone:
                    continue
                found[child] = child not in spared
                queue.append(child)
        return tuple(node for node, gone in found.items() if gone and node not in nodes)

    def hangs_on(self, child: str, parent: str) -> bool:
        """Tell whether a group of the child holds this parent and no other that forwards: an answer of the child came through it."""
        return any(
            parent in group and not any(self.forwards(other) for other in group if other != parent) for group in self._nodes[child].groups
        )

    def only_through(self, child: str, parent: str) -> bool:
        """Tell whether there never was another way to the child than through this parent: its answer proves that the parent carries."""
        return any(set(group) == {parent} for group in self._nodes[child].groups)

    def hanging(self, node: str) -> Iterator[str]:
        """Ids of the children that can only be reached through this node now: those that hang on it, each once."""
        itself, before = int(self.forwards(node)), None
        for child, group in self._children.get(node, ()):  # the edges of a child stand side by side
            if child is not before and child.forwarding[group] == itself:
                before = child
                yield child.id

    def _spread(self, start: str, *, up: bool) -> list[str]:
        """Count parents up or down, child by child; return the nodes whose reachability flipped by it."""
        step, edge, alive, dead = (1, 1, 0, -1) if up else (-1, 0, 1, 1)
        flipped, queue = [], [start]
        for parent in queue:
            for child, group in self._children.get(parent, ()):
                child.forwarding[group] += step
                if child.forwarding[group] != edge:
                    continue  # the group lives, or is dead, as before
                child.dead_groups += dead
                if child.dead_groups == alive:
                    flipped.append(child.id)
                    if child.id not in self._down:
                        queue.append(child.id)
        return flipped
