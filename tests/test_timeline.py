from monitor.daemon.timeline import Timeline


def test_the_timeline_never_jumps_and_says_when_the_wall_clock_did() -> None:
    clocks = {"wall": 1000.0, "steady": 5.0}
    timeline = Timeline(wall=lambda: clocks["wall"], steady=lambda: clocks["steady"])
    assert (timeline.now(), timeline.step()) == (1000.0, None)
    clocks.update(wall=4610.0, steady=15.0)
    assert timeline.now() == 1010.0
    stepped = timeline.step()
    assert stepped is not None
    assert (stepped.at, stepped.step) == (1010.0, 3600.0)
    assert timeline.step() is None


def test_the_timeline_begins_no_earlier_than_what_the_journal_knows() -> None:
    timeline = Timeline(2000.0, wall=lambda: 1000.0, steady=lambda: 5.0)
    stepped = timeline.step()
    assert stepped is not None
    assert (timeline.now(), stepped.step) == (2000.0, -1000.0)
