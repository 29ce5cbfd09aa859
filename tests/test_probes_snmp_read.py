"""What is read from devices by SNMP, in which words, and when it needs care; and the rates of counters, where they are sure."""

from collections.abc import Sequence

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.lab import snmp_agent
from monitor.probes import Vantage, ber
from monitor.probes.deadline import look_at
from monitor.probes.snmp import Devices
from monitor.probes.snmp_interfaces import Counters, Reading, began_anew, rate_of, restarted
from monitor.probes.snmp_options import SnmpOptions
from tests.agents import COUNTER32, COUNTER64, GAUGE32, TICKS, Row, agent, column, recorded, system, text
from tests.zoo_snmp import IF, IFX, RECORDINGS

MIB2, APC = (1, 3, 6, 1, 2, 1), (1, 3, 6, 1, 4, 1, 318, 1, 1, 1)
MIKROTIK, AIRMAX = (1, 3, 6, 1, 4, 1, 14988, 1, 1, 1), (1, 3, 6, 1, 4, 1, 41112, 1, 4)
MAC = (2, 0, 0, 0, 0, 9)


async def read(rows: Sequence[Row], group: str, **options: object) -> Outcome:
    async with agent(rows) as (port, _), Vantage.of() as vantage:
        return await look_at("snmp", "127.0.0.1", {"port": port, "read": group, **options}, 5.0, vantage)


def standard(source: int, *left: Row) -> list[Row]:
    return [
        ((*MIB2, 33, 1, 2, 1, 0), ber.integer(2)),
        *left,
        ((*MIB2, 33, 1, 2, 4, 0), ber.integer(90)),
        ((*MIB2, 33, 1, 4, 1, 0), ber.integer(source)),
    ]


def apc(status: int) -> list[Row]:
    pairs = [
        ((2, 1, 1), ber.integer(2)),
        ((2, 2, 3), ber.integer(72_000, TICKS)),
        ((2, 3, 1), ber.integer(985, GAUGE32)),
        ((4, 1, 1), ber.integer(status)),
    ]
    return [((*APC, *name, 0), value) for name, value in pairs]


LEFT = ((*MIB2, 33, 1, 2, 3, 0), ber.integer(12))


@pytest.mark.parametrize(
    ("rows", "reason", "detail", "ups"),
    [
        (standard(3, LEFT), None, "", {"battery": 2, "minutes_left": 12, "charge": 90, "source": 3, "on_battery": False}),
        (
            standard(5, LEFT),
            Reason.ON_BATTERY,
            "on battery, 12 min left",
            {"battery": 2, "minutes_left": 12, "charge": 90, "source": 5, "on_battery": True},
        ),
        (standard(5), Reason.ON_BATTERY, "on battery", {"battery": 2, "charge": 90, "source": 5, "on_battery": True}),
        (apc(2), None, "", {"battery": 2, "minutes_left": 12, "charge": 98, "source": 3, "on_battery": False}),
        (
            apc(3),
            Reason.ON_BATTERY,
            "on battery, 12 min left",
            {"battery": 2, "minutes_left": 12, "charge": 98, "source": 5, "on_battery": True},
        ),
        (apc(15), None, "", {"battery": 2, "minutes_left": 12, "charge": 98, "source": 1, "on_battery": False}),
        (system(), Reason.SNMP_MISSING, "the agent answers, but has nothing of ups", {}),
    ],
    ids=["mains", "battery", "battery without minutes", "APC mains", "APC battery", "APC test of its battery", "no UPS"],
)
async def test_a_ups_speaks_in_the_words_of_the_standard_and_on_its_battery_it_needs_care(
    rows: list[Row], reason: Reason | None, detail: str, ups: dict[str, object]
) -> None:
    outcome = await read(rows, "ups")
    assert (outcome.verdict, outcome.reason, outcome.detail) == (Verdict.WARN if reason else Verdict.OK, reason, detail)
    assert outcome.values["ups"] == ups


def registered(signal: int) -> list[Row]:
    values = {
        3: ber.integer(signal),
        8: ber.integer(54_000_000, GAUGE32),
        9: ber.integer(48_000_000, GAUGE32),
        12: ber.integer(31),
        20: text("kel-sebani"),
    }
    return [((*MIKROTIK, 2, 1, number, *MAC, 3), value) for number, value in values.items()]


MIKROTIK_LINK = {"name": "kel-sebani", "signal": -71, "tx_rate": 54_000_000, "rx_rate": 48_000_000, "snr": 31}
AIRMAX_LINK = {"name": "patrikeevo_skl", "signal": -64, "noise": -101, "quality": 99, "tx_rate": 162_000_000, "rx_rate": 108_000_000}


async def test_a_radio_link_of_either_vendor_speaks_in_the_same_words() -> None:
    assert (await read(registered(-71), "radio")).values["radio"] == [MIKROTIK_LINK]
    assert (await read(recorded(RECORDINGS / "airos-m5.snmprec"), "radio")).values["radio"] == [AIRMAX_LINK]


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({}, ""),
        ({"min_signal": -60}, "patrikeevo_skl: signal -64 dBm, min_signal is -60"),
        ({"min_quality": 99.5}, "patrikeevo_skl: quality 99 %, min_quality is 99.5"),
    ],
)
async def test_a_radio_link_below_its_thresholds_needs_care(options: dict[str, object], detail: str) -> None:
    outcome = await read(recorded(RECORDINGS / "airos-m5.snmprec"), "radio", **options)
    assert (outcome.verdict, outcome.reason) == ((Verdict.WARN, Reason.RADIO_WEAK) if detail else (Verdict.OK, None))
    assert outcome.detail == detail


async def test_an_access_point_without_stations_has_no_signal_to_be_weak() -> None:
    rows = [
        ((*AIRMAX, 5, 1, number, 1), value) for number, value in {2: text("ap"), 5: ber.integer(-96), 15: ber.integer(0, GAUGE32)}.items()
    ]
    outcome = await read(rows, "radio")
    assert (outcome.verdict, outcome.values["radio"]) == (Verdict.OK, [{"name": "ap", "clients": 0}])


async def test_health_is_told_in_percent_and_degrees() -> None:
    host, sensor = (*MIB2, 25), (*MIB2, 99, 1, 1, 1)
    sensors = {1: [8, 9, 1, 415, 1], 2: [8, 8, 0, 38_500, 1], 3: [8, 9, 0, 99, 3], 4: [6, 9, 0, 2000, 1]}
    rows = [
        *column((*host, 3, 3, 1), 2, {1: ber.integer(10), 2: ber.integer(25)}),
        *column((*host, 2, 3, 1), 2, {1: ber.oid((*host, 2, 1, 2)), 2: ber.oid((*host, 2, 1, 4))}),
        *column((*host, 2, 3, 1), 3, {1: text("main memory"), 2: text("disk")}),
        *column((*host, 2, 3, 1), 5, {1: ber.integer(400), 2: ber.integer(0)}),
        *column((*host, 2, 3, 1), 6, {1: ber.integer(100), 2: ber.integer(0)}),
        *column((*MIB2, 47, 1, 1, 1, 1), 7, {1: text("CPU"), 2: text("board")}),
        *(
            row
            for place, number in enumerate([1, 2, 3, 4, 5])
            for row in column(sensor, number, {key: ber.integer(each[place]) for key, each in sensors.items()})
        ),
    ]
    outcome = await read(rows, "health")
    assert dict(outcome.values) == {
        "cpu": 17.5,
        "memory": 25.0,
        "storage": [{"name": "main memory", "used": 25.0}],
        "temperatures": [{"name": "CPU", "celsius": 41.5}, {"name": "board", "celsius": 38.5}],
    }


async def test_an_address_that_is_asked_for_is_shown_as_one() -> None:
    rows = [((1, 3, 6, 1, 9, 1, 0), ber.tlv(0x40, bytes((10, 20, 0, 1)))), ((1, 3, 6, 1, 9, 2, 0), ber.oid((1, 3, 6)))]
    outcome = await read(rows, "1.3.6.1.9.1.0, 1.3.6.1.9.2.0, 1.3.6.1.9.3.0")
    assert outcome.values["oids"] == {"1.3.6.1.9.1.0": "10.20.0.1", "1.3.6.1.9.2.0": "1.3.6"}


SECOND = 1_000_000_000 // 8
"""Octets a second at 1 Gbit/s."""


@pytest.mark.parametrize(
    ("first", "last", "seconds", "bits", "sure", "rate"),
    [
        (1000, 1000 + 10 * SECOND // 2, 10, 64, True, 500e6),
        (1000, 1000, 10, 64, True, 0),
        (1000, 900, 10, 64, True, None),  # 64 bits never run over: it began anew
        (2**32 - 1000, 9000, 10, 32, True, 8000.0),
        (2**32 - 1000, 9000, 10, 32, False, None),  # it may have restarted: nobody said
        (1000, 11_000, 10, 32, False, 8000.0),
        (1000, 11_000, 35, 32, True, None),  # 34.4 s at 1 Gbit/s: it may have run over, and more than once
        (11_000, 1000, 10, 32, True, None),  # 3.4 Gbit/s: it did not run over, it began anew
    ],
)
def test_a_rate_is_told_only_where_it_is_sure(
    first: int,
    last: int,
    seconds: float,
    bits: int,
    sure: bool,  # noqa: FBT001 - a column of the table
    rate: float | None,
) -> None:
    assert rate_of(first, last, seconds, bits=bits, speed=1_000_000_000, sure=sure) == rate


@pytest.mark.parametrize(
    ("before", "now", "elapsed", "anew"),
    [
        (1000.0, 1060.0, 60, False),
        (1000.0, 1062.0, 60, False),  # clocks differ
        (1000.0, 12.0, 60, True),
        (30.0, 55.0, 60, True),  # it restarted, and lives longer than before: but not for as long as time went on
        (2**32 / 100 - 20, 40.0, 60, False),  # 497 days
        (None, None, 60, False),
        (1000.0, None, 60, True),
    ],
)
def test_a_restart_is_seen_by_an_uptime_that_did_not_go_on_as_time_did(
    before: float | None,
    now: float | None,
    elapsed: float,
    anew: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert restarted(Reading(100.0, before, {}), Reading(100.0 + elapsed, now, {})) is anew


@pytest.mark.parametrize(
    ("uptime", "first", "last", "anew"),
    [
        (1000.0, None, None, False),  # it has no such column
        (1000.0, 0, 0, False),
        (1000.0, 40_000, 40_000, False),  # long ago
        (1000.0, 0, 103_000, True),
        (1000.0, 40_000, 103_000, True),
        (1000.0, 103_000, 103_000, True),  # after the counters of the first look were read, before it was told
        (1000.0, None, 40_000, True),  # it did not say before
        (20.0, 4_000_000_000, 4_000_000_000, False),  # before its uptime ran over
        (None, 40_000, 40_000, False),
    ],
)
def test_what_a_device_calls_a_discontinuity_of_a_counter_is_one(
    uptime: float | None,
    first: int | None,
    last: int | None,
    anew: bool,  # noqa: FBT001 - a column of the table
) -> None:
    now = Reading(160.0, None if uptime is None else uptime + 60, {})
    assert began_anew(Counters(1, 1, 64, first), Counters(2, 2, 64, last), Reading(100.0, uptime, {}), now) is anew


async def test_rates_follow_an_interface_by_its_name_and_never_go_across_a_restart() -> None:
    def rows(uptime: float, counters: dict[int, tuple[str, int]], since: int = 0) -> list[Row]:
        names = {index: text(name) for index, (name, _) in counters.items()}
        octets = {index: ber.integer(count, COUNTER64) for index, (_, count) in counters.items()}
        return [
            *system(uptime=ber.integer(int(uptime * 100), TICKS)),
            *column(IFX, 1, names),
            *column(IFX, 6, octets),
            *column(IFX, 10, octets),
            *column(IFX, 19, {index: ber.integer(since, TICKS) for index in counters}),
        ]

    async with agent(rows(1000, {1: ("wan", 5000), 2: ("lan", 0), 3: ("lan", 0)})) as (port, peer), Vantage.of() as vantage:
        keys = {"port": port, "read": "interfaces"}
        memory = vantage.share(Devices).of("127.0.0.1", SnmpOptions(port=port))

        async def look_after(seconds: float) -> list[dict[str, object]]:
            if memory.reading is not None:  # as if that long had gone by
                memory.reading = Reading(memory.reading.at - seconds, memory.reading.uptime, memory.reading.counters)
            found = (await look_at("snmp", "127.0.0.1", keys, 5.0, vantage)).values["interfaces"]
            assert isinstance(found, list)
            return found

        first = await look_after(0)
        peer.view = snmp_agent.View(sorted(rows(1100, {7: ("wan", 105_000), 8: ("lan", 9), 9: ("lan", 9)})), ())
        second = await look_after(100)
        peer.view = snmp_agent.View(sorted(rows(1200, {7: ("wan", 205_000)}, since=115_000)), ())
        anew = await look_after(100)
        peer.view = snmp_agent.View(sorted(rows(1300, {7: ("wan", 305_000)}, since=115_000)), ())
        on = await look_after(100)
        peer.view = snmp_agent.View(sorted(rows(3, {7: ("wan", 205_000)})), ())
        third = await look_after(100)
    assert [row.get("in_rate") for row in first] == [None, None, None]
    assert second[0]["in_rate"] == pytest.approx(8 * 1000, rel=0.05)  # 100,000 octets in 100 s, and in what this test took
    assert [row.get("in_rate") for row in second[1:]] == [None, None]  # two of one name: neither is known
    assert [row.get("in_rate") for row in anew] == [None]  # the device put the card in anew
    assert on[0]["in_rate"] == pytest.approx(8 * 1000, rel=0.05)
    assert [row.get("in_rate") for row in third] == [None]


async def test_speed_and_width_of_a_narrow_counter_decide_whether_it_has_a_rate() -> None:
    rows = [
        *system(),
        *column(IF, 2, {1: text("a"), 2: text("b")}),
        *column(IF, 5, {1: ber.integer(10_000_000, GAUGE32)}),
        *column(IF, 8, {1: ber.integer(1), 2: ber.integer(1)}),
    ]
    rows += [row for number in (10, 16) for row in column(IF, number, {1: ber.integer(10, COUNTER32), 2: ber.integer(10, COUNTER32)})]
    async with agent(rows) as (port, _), Vantage.of() as vantage:
        keys = {"port": port, "read": "interfaces"}
        await look_at("snmp", "127.0.0.1", keys, 5.0, vantage)
        memory = vantage.share(Devices).of("127.0.0.1", SnmpOptions(port=port))
        assert memory.reading is not None
        memory.reading = Reading(memory.reading.at - 60, 1234.0 - 60, memory.reading.counters)
        found = (await look_at("snmp", "127.0.0.1", keys, 5.0, vantage)).values["interfaces"]
    assert isinstance(found, list)
    assert [(row["name"], row["bits"], row.get("in_rate")) for row in found] == [("a", 32, 0), ("b", 32, None)]
