"""CONTRACT (being written): event in, effects out.

class Engine:
    def __init__(self, state: State) -> None                    # derived things (topology, deadlines) are rebuilt here
    state: State                                                # all that is kept; a snapshot is this and nothing else
    def apply(self, event: Event) -> list[Effect]               # never raises; what it cannot use it counts
    def next_deadline(self) -> float | None                     # when it wants a Tick
    def owed(self) -> list[Page]                                # decided, not yet Delivered, in order (the outbox)
    def looks_wanted(self, at: float) -> list[Verify]           # after a restart: what was being confirmed
    topology: monitor.core.topology.Topology                    # .reachable(node) -> bool, .behind(node) -> tuple[str, ...]
    def condition(self, node: str, at: float) -> Condition      # what people are told of a node (below)

@dataclass(slots=True)
class State:
    city: City
    beliefs: dict[str, Belief]           # by check id
    incidents: dict[str, Incident]       # open and recently ended (alerts.incidents), by id
    owed: dict[str, Page]                # by page key
    counts: dict[str, int]               # ignored events and the like, by word
    serial: int                          # the last incident's number

class Condition(StrEnum): UP, DEGRADED, SUSPECT, DOWN, SHADOWED, NEW, UNKNOWN     # in monitor.engine

alerts.incidents.Incident (mutable dataclass, slots):
    id: str ("g17"), cause: str, severity, opened: float, since: (last_ok, first_loss), reason, detail, why,
    ended: float (0 while open), end_why, alike: tuple, behind: tuple[str,...], opds, urusan, told: list[str] (receivers), steps: int
"""
