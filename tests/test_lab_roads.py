"""Which way the packets go, and what a scenario does when: pure rules of the rehearsal city."""

from dataclasses import replace

import pytest

from monitor.core.city import City, Kind, Node
from monitor.core.errors import PantauError
from monitor.lab.loss import rules
from monitor.lab.plan import draw
from monitor.lab.roads import routes, ways
from monitor.lab.scenario import blackout, flood
from tests.rehearsal import city

PLAN = draw(city())
ALL = list(PLAN.cables)


def but(*cut: str) -> list[str]:
    return [name for name in ALL if name not in cut]


def test_every_station_hangs_on_its_main_line_when_all_is_well() -> None:
    tree = {station: cable.id for station, cable in ways(PLAN, ALL).items()}
    assert tree["opd-rsud"] == "link-rsud"
    assert tree["internet"] == "internet--isp-utama"
    assert set(tree) == set(PLAN.stations) - {"hub"}


def test_a_site_with_two_uplinks_never_carries_its_parents_traffic() -> None:
    assert "kec-timur" not in ways(PLAN, but("link-kec-timur"))


def test_no_route_ever_turns_back() -> None:
    """Whatever single cable is cut, a packet to any address leaves a station by another port than it came in."""
    for cut in ALL:
        alive = but(cut)
        wanted = routes(PLAN, alive)
        for station in PLAN.stations.values():
            for route in wanted[station.id]:
                up = {cable.child_port for cable in PLAN.cables.values() if cable.child == station.id}
                assert route.to == "0.0.0.0/0" or route.port not in up


def test_a_city_without_a_hub_or_with_one_address_twice_is_refused() -> None:
    with pytest.raises(PantauError, match="no node 'hub'"):
        draw(City("Kosong"))
    town = city()
    twice = replace(town, nodes={**town.nodes, "opd-lain": Node("opd-lain", Kind.OPD, "Lain", (("hub",),), address="198.18.0.8")})
    with pytest.raises(PantauError, match=r"address 198\.18\.0\.8 is that of opd-rsud too"):
        draw(twice)


def test_each_way_loses_its_share_of_the_round_trips() -> None:
    """19 % of the round trips are lost when each way loses 10 %."""
    assert "numgen random mod 100000 < 10000 drop" in rules(1, 19)
    assert "numgen" not in rules(1, 100)
    assert rules(1, 0).endswith("delete table inet loss_1\n")


def test_in_a_flood_each_site_goes_flaps_and_comes_back_for_good() -> None:
    changes = flood(["kel-atas", "kel-bawah"], seed=3)
    for station in ("kel-atas", "kel-bawah"):
        own = [change for change in changes if change.station == station]
        assert [change.on for change in own] == [False, True] * (len(own) // 2)
        assert 4 <= len(own) <= 8
    assert changes == sorted(changes) == flood(["kel-atas", "kel-bawah"], seed=3)


def test_members_of_a_feeder_die_together_after_their_batteries() -> None:
    assert all(60 <= change.at <= 64 and not change.on for change in blackout(["a", "b", "c"], 60))
