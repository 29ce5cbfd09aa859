"""What a trap says, whom it makes us look at, and how often: without a socket."""

import random
from dataclasses import replace

import pytest

from monitor.core.city import Check, Link, Node
from monitor.core.events import Verify
from monitor.core.rules import Grade
from monitor.probes import ber
from monitor.probes.ber import Oid
from monitor.probes.snmp_message import rows
from monitor.traps.asking import HOLD, MOST_LINES, Asking
from monitor.traps.message import AUTHENTICATION_FAILURE, LINK, TRAP_ADDRESS, TRAP_OID, Notice, read, version_of
from monitor.traps.meter import Meter
from tests.traps import OTHER, ROUTER, SITE, town

COLD_START, LINK_DOWN, ON_BATTERY = (1, 3, 6, 1, 6, 3, 1, 1, 5, 1), (1, 3, 6, 1, 6, 3, 1, 1, 5, 3), (1, 3, 6, 1, 2, 1, 33, 2, 0, 1)
ADDRESS = ber.tlv(0x40, bytes((10, 1, 2, 3)))
NOW = 1_000_000.0


def whole(version: int, kind: int, pdu: bytes, community: bytes = b"kota") -> bytes:
    return ber.tlv(ber.SEQUENCE, ber.integer(version) + ber.tlv(ber.OCTETS, community) + ber.tlv(kind, pdu))


def values(*pairs: tuple[Oid, bytes]) -> bytes:
    return ber.tlv(ber.SEQUENCE, b"".join(ber.tlv(ber.SEQUENCE, ber.oid(name) + value) for name, value in pairs))


def first(generic: int, specific: int = 0, enterprise: Oid = (1, 3, 6, 1, 4, 1, 318)) -> bytes:
    """A trap of version 1."""
    return whole(0, 0xA4, ber.oid(enterprise) + ADDRESS + ber.integer(generic) + ber.integer(specific) + ber.integer(5, 0x43) + values())


def second(what: Oid, kind: int = 0xA7, *more: tuple[Oid, bytes]) -> bytes:
    """A trap or inform of version 2c."""
    uptime = ((1, 3, 6, 1, 2, 1, 1, 3, 0), ber.integer(5, 0x43))
    return whole(1, kind, ber.integer(77) + ber.integer(0) + ber.integer(0) + values(uptime, (TRAP_OID, ber.oid(what)), *more))


@pytest.mark.parametrize(
    ("generic", "specific", "what"),
    [(0, 0, COLD_START), (2, 9, LINK_DOWN), (4, 0, AUTHENTICATION_FAILURE), (6, 5, (1, 3, 6, 1, 4, 1, 318, 0, 5))],
)
def test_a_trap_of_version_1_is_named_as_in_version_2(generic: int, specific: int, what: Oid) -> None:
    """RFC 3584, 3.1."""
    assert read(first(generic, specific)) == Notice(b"kota", what, "10.1.2.3")


def test_a_trap_of_version_2c_and_the_agent_that_a_proxy_names() -> None:
    assert read(second(LINK_DOWN)) == Notice(b"kota", LINK_DOWN)
    assert read(second(ON_BATTERY, 0xA7, (TRAP_ADDRESS, ADDRESS))) == Notice(b"kota", ON_BATTERY, "10.1.2.3")
    assert read(second(LINK_DOWN) + b"\0\0") == Notice(b"kota", LINK_DOWN), "bytes after it"


def test_an_inform_is_answered_with_its_number_and_its_values() -> None:
    """RFC 3416, 4.2.7."""
    inform = second(LINK_DOWN, 0xA6)
    answer = read(inform).answer
    assert version_of(answer) == 1
    _, community, pdu = (content for _, content in ber.items(ber.item(answer, 0)[1]))
    (_, number), (_, status), (_, index), (_, names) = ber.items(pdu)
    assert (community, ber.read_integer(number), ber.read_integer(status), ber.read_integer(index)) == (b"kota", 77, 0, 0)
    assert dict(rows(names))[TRAP_OID] == LINK_DOWN
    assert len(answer) == len(inform)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x84\xff\xff\xff\xff",
        first(7),
        first(-1),
        whole(0, 0xA7, b""),
        whole(1, 0xA4, b""),
        whole(1, 0xA2, b""),
        whole(2, 0xA7, b""),
        whole(1, 0xA7, ber.integer(1) + ber.integer(0) + ber.integer(0) + values()),
        second((1, 3, 6), 0xA7)[:-1],
    ],
)
def test_what_is_no_notification_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no |of no use|ends within|too short|without"):
        read(data)


def test_whatever_bits_are_turned_nothing_but_a_notice_or_a_refusal_comes_of_it() -> None:
    chance = random.Random(7)
    whole_ones = [first(2), first(6, 5), second(LINK_DOWN), second(LINK_DOWN, 0xA6, (TRAP_ADDRESS, ADDRESS))]
    read_well = 0
    for _ in range(8000):
        data = bytearray(chance.choice(whole_ones))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = bytes(data[: chance.randint(0, len(data))] if chance.random() < 0.2 else data)
        try:
            version_of(cut)
            found = read(cut)
        except ValueError:
            continue
        read_well += 1
        assert len(found.answer) <= len(cut) + 8, "an answer is no larger than what it answers, so that nobody is flooded through us"
    assert read_well > 500


def test_a_meter_lets_a_burst_through_and_then_so_many_a_second() -> None:
    meter = Meter(2.0, 3.0)
    assert [meter.take(NOW) for _ in range(4)] == [True, True, True, False]
    assert [meter.take(NOW + 0.5), meter.take(NOW + 0.5)] == [True, False]
    assert sum(meter.take(NOW + 100) for _ in range(10)) == 3
    assert not meter.take(NOW - 100), "time that goes back gives nothing"


# -- whom it makes us look at


def test_a_trap_makes_us_look_at_its_device_by_snmp_first_and_leaves_its_web_page_alone() -> None:
    asking = Asking(town())
    assert asking.looks(asking.of(ROUTER), NOW, lines=False) == [Verify("kec-a/snmp", NOW), Verify("kec-a/icmp", NOW)]


def test_of_a_link_the_ends_of_the_lines_of_the_device_are_looked_at_too() -> None:
    asking = Asking(town())
    assert [word.check for word in asking.looks(asking.of(ROUTER), NOW, lines=True)] == ["kec-a/snmp", "kec-a/icmp", "kel-b/icmp"]


def test_a_node_is_looked_at_every_five_seconds_and_once_after_the_last_word() -> None:
    asking = Asking(town())
    times = [asking.looks(("kel-b",), NOW + after, lines=False)[0].at - NOW for after in (0, 1, 4.9, 5, 5.1, 9, 30)]
    assert times == [0, HOLD, HOLD, 2 * HOLD, 2 * HOLD, 2 * HOLD, 30]


def test_a_node_that_is_meant_twice_is_looked_at_once_and_now() -> None:
    city = town()
    second_line = replace(city.links["link-kel-b"], id="link-kel-b-cadangan", port="ether4")
    asking = Asking(replace(city, links={**city.links, second_line.id: second_line}))
    looks = asking.looks(("kec-a", "kel-b"), NOW, lines=True)
    assert looks == [Verify("kec-a/snmp", NOW), Verify("kec-a/icmp", NOW), Verify("kel-b/icmp", NOW)]


def test_at_the_end_of_a_line_only_the_check_that_decides_is_asked() -> None:
    """Fifty agents at once would keep each other waiting, and none of them knows anything of this line."""
    city = town()
    agent = Check("kel-b/snmp", "kel-b", "snmp", "10.0.0.2", Grade.FIBRE, 60.0, 2.0)
    end = replace(city.nodes["kel-b"], checks=(*city.nodes["kel-b"].checks, agent.id))
    asking = Asking(replace(city, checks={**city.checks, agent.id: agent}, nodes={**city.nodes, "kel-b": end}))
    assert [word.check for word in asking.looks(("kec-a",), NOW, lines=True)] == ["kec-a/snmp", "kec-a/icmp", "kel-b/icmp"]
    assert [word.check for word in asking.looks(("kel-b",), NOW + HOLD, lines=False)] == ["kel-b/snmp", "kel-b/icmp"]


def test_who_decides_a_node_is_looked_at_whatever_its_kind() -> None:
    city = town()
    check = Check("opd-c/http", "opd-c", "http", f"http://{OTHER}/", Grade.FIBRE, 3600.0, 2.0)
    city = replace(
        city, checks={**city.checks, check.id: check}, nodes={**city.nodes, "opd-c": replace(city.nodes["opd-c"], checks=(check.id,))}
    )
    assert [word.check for word in Asking(city).looks(("opd-c",), NOW, lines=False)] == ["opd-c/http"]


def test_an_address_is_that_of_the_node_whose_own_it_is_before_that_of_who_is_looked_at_there() -> None:
    city = town()
    server = Check("kel-b/tcp", "kel-b", "tcp", ROUTER, Grade.FIBRE, 3600.0, 2.0)
    far = Check("kel-b/tcp-jauh", "kel-b", "tcp", "fd00::9", Grade.FIBRE, 3600.0, 2.0)
    asking = Asking(replace(city, checks={**city.checks, server.id: server, far.id: far}))
    assert (asking.of(ROUTER), asking.of("fd00::9"), asking.of("kota.example"), asking.of("")) == (("kec-a",), ("kel-b",), (), ())


def test_a_watched_line_is_looked_at_itself_and_its_address_is_its_sites() -> None:
    city = town()
    check = Check("link-kel-b/icmp", "link-kel-b", "icmp", "198.19.0.7", Grade.FIBRE, 3600.0, 2.0)
    line = replace(city.nodes["kel-b"], id="link-kel-b", checks=(check.id,), address="198.19.0.7")
    link = replace(city.links["link-kel-b"], address="198.19.0.7")
    asking = Asking(replace(city, nodes={**city.nodes, line.id: line}, checks={**city.checks, check.id: check}, links={link.id: link}))
    assert [word.check for word in asking.looks(asking.of(ROUTER), NOW, lines=True)][2:] == ["link-kel-b/icmp"]
    assert asking.of("198.19.0.7") == ("link-kel-b", "kel-b")


def test_of_very_many_lines_those_whose_port_is_known_come_first_and_the_rest_waits_for_its_turn() -> None:
    city = town()
    checks = [Check(f"kel-{number}/icmp", f"kel-{number}", "icmp", SITE, Grade.FIBRE, 3600.0, 2.0) for number in range(300)]
    nodes = {check.node: Node(check.node, city.nodes["kel-b"].kind, check.node, checks=(check.id,)) for check in checks}
    links = {f"link-{node}": Link(f"link-{node}", node, "kec-a", Grade.FIBRE) for node in nodes}
    many = replace(
        city,
        checks={**city.checks, **{check.id: check for check in checks}},
        nodes={**city.nodes, **nodes},
        links={**links, **city.links},
    )
    looks = [word.check for word in Asking(many).looks(("kec-a",), NOW, lines=True)]
    assert len(looks) == 2 + MOST_LINES
    assert "kel-b/icmp" in looks


def test_the_names_of_traps_are_those_of_the_standard() -> None:
    assert {LINK_DOWN, (*LINK_DOWN[:-1], 4)} == LINK
