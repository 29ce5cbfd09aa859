"""THE PROPERTY ABOVE ALL: whatever comes, in whatever order, a restart at any point changes nothing.

`tests/test_engine.py` restarts before every event of a known fault; here faults, nonsense and restarts are drawn at random.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.core.city import City, Link
from monitor.core.events import ClockStepped, Decision, Delivered, Effect, Event, InventoryLoaded, Page, ProbeResult, Tick, Traced
from monitor.core.rules import Grade
from monitor.core.verdict import Reason, Verdict
from monitor.engine import SLICE, Engine, State
from monitor.journal import codec, row_of
from tests.play import Play
from tests.test_engine import city


def _city(*, without: str = "") -> City:
    """The city of `tests/test_engine.py`, with a router that is asked about the port of a site."""
    plain = city(without=without)
    router = plain.nodes["kec"]
    reader = replace(plain.checks["kec/icmp"], id="kec/snmp", kind="snmp", interval=30)
    return replace(
        plain,
        nodes={**plain.nodes, "kec": replace(router, checks=(*router.checks, reader.id))},
        checks={**plain.checks, reader.id: reader},
        links={**plain.links, "link-kel-a": Link("link-kel-a", "kel-a", "kec", Grade.FIBRE, port="ether2")},
    )


CITY = _city()
NODES, CHECKS = sorted(CITY.nodes), sorted(CITY.checks)
Act = Callable[["Diary"], object]


class Diary(Play):
    """A play that keeps every event that it took."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        super().__init__(CITY)

    def take(self, event: Event) -> list[Effect]:
        self.events.append(event)
        return super().take(event)


def _set(name: str, value: object) -> Act:
    return lambda diary: setattr(diary, name, value)


def _load(without: str) -> Act:
    return lambda diary: diary.change(_city(without=without))


def _nonsense(check: str, sent: float, took: float, verdict: Verdict) -> Act:
    """A look that is late, early, doubled, from the future or of nobody."""
    return lambda diary: diary.take(ProbeResult(check, diary.at + sent, diary.at + sent + took, verdict, Reason.TIMEOUT))


def _report(key: str, ok: bool) -> Act:  # noqa: FBT001 - drawn
    return lambda diary: diary.take(Delivered(diary.at, key, ok))


def _trace(incident: str) -> Act:
    return lambda diary: diary.take(Traced(diary.at, incident, "kec", ("", "hub"), reached=False))


NUMBERS = st.floats(-1e6, 1e6, width=32)
ACTS: st.SearchStrategy[Act] = st.one_of(
    st.builds(_set, st.just("dead"), st.sets(st.sampled_from(NODES), max_size=3)),
    st.builds(_set, st.just("mute"), st.sets(st.sampled_from(NODES), max_size=2)),
    st.builds(_set, st.just("unasked"), st.sets(st.sampled_from(CHECKS), max_size=1)),
    st.builds(
        _set, st.just("lost"), st.dictionaries(st.sampled_from(CHECKS), st.sampled_from([Reason.TIMEOUT, Reason.NO_ROUTE]), max_size=3)
    ),
    st.builds(_load, st.sampled_from(["", "kel-a", "line"])),
    st.builds(_nonsense, st.sampled_from([*CHECKS, "nobody/icmp"]), NUMBERS, NUMBERS, st.sampled_from(Verdict)),
    st.builds(lambda step: lambda diary: diary.take(ClockStepped(diary.at, step)), NUMBERS),
    st.builds(_trace, st.sampled_from(["g1", "g9"])),
    st.builds(_report, st.sampled_from(["g1/1/piket", "g1/2/layar", "x"]), st.booleans()),
    st.builds(lambda back: lambda diary: diary.take(Tick(diary.at - back)), st.floats(0, 100)),
    st.just(Diary.deliver),
)  # fmt: skip


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """All that comes to a daemon in some minutes."""
    diary = Diary()
    diary.run(45)
    diary.dead = draw(st.sets(st.sampled_from(NODES), min_size=1, max_size=3))
    diary.run(draw(st.sampled_from([10, 30, 60, 90])))
    for act, seconds in draw(st.lists(st.tuples(ACTS, st.sampled_from([0, 1, 15, 40, 90])), max_size=8)):
        act(diary)
        diary.run(seconds)
    return diary.events


def _told(engine: Engine, event: Event) -> list[bytes]:
    return [row_of(effect).body for effect in engine.apply(event) if isinstance(effect, Page | Decision)]


def _restarted(events: Sequence[Event], snapshots: set[int], kills: set[int]) -> tuple[list[bytes], bytes]:
    """Live through the events; a kill leaves what the journal would hold: the last snapshot and the rows of what came after it."""
    engine, told = Engine(State(City(""))), list[bytes]()
    saved: bytes | None = None
    tail: list[Event] = []
    for number, event in enumerate(events):
        if number in snapshots:
            saved, tail = codec.squeeze(codec.pack(engine.state)), []
        if number in kills:
            engine = Engine(codec.unpack(saved) if saved else State(City("")))
            for row in map(row_of, tail):
                engine.apply(codec.read_event(row.kind, row.body))
        tail.append(event)
        told += _told(engine, event)
    return told, codec.pack(engine.state)


PLACES = st.sets(st.integers(0, 400), max_size=12)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives(), PLACES, PLACES, st.sampled_from([1, SLICE]))
def test_any_interleaving_of_events_snapshots_and_kills_gives_the_same_pages_and_the_same_state(
    events: list[Event], snapshots: set[int], kills: set[int], at_once: int
) -> None:
    """Also in the middle of a repair that is cut into slices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.engine.SLICE", at_once)
        assert _restarted(events, snapshots, kills) == _restarted(events, set(), set())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives(), st.floats(0, 1))
def test_any_prefix_replayed_twice_gives_the_same_state_byte_for_byte(events: list[Event], share: float) -> None:
    prefix = events[: int(share * len(events))]
    first, again = _restarted(prefix, set(), set()), _restarted(prefix, set(), set())
    assert first == again


def test_the_lives_are_not_empty() -> None:
    """Pages, updates and ends come of them: otherwise the two properties above would say nothing."""
    diary = Diary()
    diary.run(45)
    diary.dead = {"kec"}
    diary.run(90)
    diary.dead = set()
    diary.run(90)
    assert len(diary.pages) == 4
    assert sum(isinstance(event, InventoryLoaded) for event in diary.events) == 1
