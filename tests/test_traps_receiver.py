"""The receiver on real sockets: what net-snmp sends, what strangers and liars send, and a storm."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.core.city import Check
from monitor.core.rules import Grade
from monitor.core.traps import Fate, Traps, TrapUser
from monitor.traps.ear import LONGEST
from monitor.traps.message import AUTHENTICATION_FAILURE
from monitor.traps.receiver import AGAIN, BURST, BURST_V3, KEPT, RETRY
from monitor.traps.users import Users
from tests.test_traps import COLD_START, LINK_DOWN, first, second
from tests.traps import (
    AUTH,
    OTHER,
    PRIV,
    ROUTER,
    SECRETS,
    STRANGER,
    USERS,
    Ground,
    community,
    ground,
    send,
    town,
    user,
)

SIGNED = user("aman", "-a", "SHA", "-A", AUTH, "-x", "AES", "-X", PRIV)
ALL = ["kec-a/snmp", "kec-a/icmp", "kel-b/icmp"]
UPS = ("", "1.3.6.1.2.1.33.2.0.1")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(name="here")
async def here_fixture() -> AsyncIterator[Ground]:
    async with ground(town()) as here:
        yield here


@contextmanager
def sender(address: str, here: Ground) -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind((address, 0))
        sock.connect(("127.0.0.1", here.port))
        yield sock


async def tell(here: Ground, address: str, *datagrams: bytes) -> None:
    """Send datagrams and wait until each has its fate."""
    before = here.counts.total()
    with sender(address, here) as sock:
        for each in datagrams:
            sock.send(each)
        await here.heard(before + len(datagrams))


# -- net-snmp


EVERY = {
    "1": (community("1"), ("1.3.6.1.4.1.14988", ROUTER, "2", "0", "")),
    "2c": (community("2c"), ("", "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.3", "i", "3")),
    "sha-aes": (SIGNED, ("", "1.3.6.1.6.3.1.1.5.3")),
    "sha256-aes": (user("baru", "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", PRIV), ("", "1.3.6.1.6.3.1.1.5.4")),
    "sha512-clear": (user("setengah", "-a", "SHA-512", "-A", AUTH, level="authNoPriv"), ("", "1.3.6.1.6.3.1.1.5.3")),
    "noauth": (user("buka", level="noAuthNoPriv"), ("", "1.3.6.1.6.3.1.1.5.3")),
}


async def test_a_trap_of_net_snmp_in_every_version_and_at_every_level_makes_us_look_at_once(tmp_path: Path) -> None:
    async with ground(town(users=USERS)) as here:
        for number, (name, (who, what)) in enumerate(EVERY.items(), 1):
            here.clock.jump(10)
            assert await send(tmp_path, here, who, what=what) == 0
            await here.heard(number)
            assert (dict(here.counts), here.looked) == ({Fate.LOOKED: number}, [(10 * number, check) for check in ALL]), name
            here.looked.clear()


async def test_an_inform_of_net_snmp_gets_its_answer(tmp_path: Path) -> None:
    async with ground(town(users=USERS)) as here:
        for number, who in enumerate((community("2c"), SIGNED), 1):
            here.clock.jump(10)
            assert await send(tmp_path, here, who, what=UPS, program="snmpinform") == 0
            await here.heard(here.counts.total())
            assert here.counts[Fate.LOOKED] == number
    assert here.names() == ["kec-a/snmp", "kec-a/icmp"] * 2, "a UPS says nothing of the lines"


async def test_an_inform_of_a_wrong_community_or_key_gets_none(tmp_path: Path) -> None:
    wrong = user("aman", "-a", "SHA", "-A", AUTH, "-x", "AES", "-X", "penyandian-salah")
    async with ground(town(users=USERS)) as here:
        for who in (community("2c", "salah"), wrong):
            assert await send(tmp_path, here, ("-r", "0", "-t", "0.2", *who), program="snmpinform") == 1
    assert here.counts[Fate.BAD_COMMUNITY] == 1
    assert here.counts[Fate.LOOKED] == 0
    assert here.looked == []


REFUSED = {
    "stranger": (user("siapa", level="noAuthNoPriv"), Fate.UNKNOWN_USER),
    "unsigned": (user("aman", level="noAuthNoPriv"), Fate.BAD_KEY),
    "clear": (user("aman", "-a", "SHA", "-A", AUTH, level="authNoPriv"), Fate.BAD_KEY),
    "wrong auth": (user("aman", "-a", "SHA", "-A", "otentikasi-salah", "-x", "AES", "-X", PRIV), Fate.BAD_KEY),
    "wrong protocol": (user("aman", "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", PRIV), Fate.BAD_KEY),
    "wrong priv": (user("aman", "-a", "SHA", "-A", AUTH, "-x", "AES", "-X", "penyandian-salah"), Fate.BAD_KEY),
}


async def test_a_user_is_taken_at_the_level_of_its_keys_only(tmp_path: Path) -> None:
    async with ground(town(users=USERS)) as here:
        for number, (name, (who, fate)) in enumerate(REFUSED.items(), 1):
            before = here.counts[fate]
            here.clock.jump(10)
            assert await send(tmp_path, here, who) == 0
            await here.heard(number)
            assert here.counts[fate] == before + 1, name
    assert here.looked == []


async def test_what_was_recorded_long_ago_is_not_taken_again(tmp_path: Path) -> None:
    """A device's clock goes on: what is signed and older than its last by more than 150 s is a recording (RFC 3414, 2.2.3)."""
    async with ground(town(users=USERS)) as here:
        engine = ("-e", "0x80001f8804756a69", "-Z")
        said = {"7,5000": Fate.LOOKED, "7,4900": Fate.LOOKED, "7,4800": Fate.LATE, "6,9000": Fate.LATE, "8,1": Fate.LOOKED}
        for number, (boots, fate) in enumerate(said.items(), 1):
            before = here.counts[fate]
            assert await send(tmp_path, here, (*SIGNED, *engine, boots)) == 0
            await here.heard(number)
            assert here.counts[fate] == before + 1, boots


# -- strangers and liars


async def test_a_stranger_is_counted_and_nothing_else_though_he_knows_the_community(here: Ground) -> None:
    await tell(here, STRANGER, second(LINK_DOWN), first(2), second(LINK_DOWN, 0xA6))
    assert (dict(here.counts), here.looked) == ({Fate.UNKNOWN_SOURCE: 3}, [])


async def test_a_known_source_may_speak_for_another_that_it_names_and_for_itself_when_it_names_nobody_known(here: Ground) -> None:
    of_other = first(0).replace(bytes((10, 1, 2, 3)), bytes((127, 0, 0, 4)))
    await tell(here, ROUTER, of_other)
    assert here.names() == ["opd-c/icmp"]
    await tell(here, ROUTER, first(0))
    assert here.names() == ["opd-c/icmp", "kec-a/snmp", "kec-a/icmp"]


async def test_that_somebody_asked_in_vain_is_no_reason_to_ask_again(here: Ground) -> None:
    """It may be we: a wrong community of ours would have us ask for ever."""
    await tell(here, ROUTER, second(AUTHENTICATION_FAILURE), first(4))
    assert (dict(here.counts), here.looked) == ({Fate.IGNORED: 2}, [])


async def test_what_is_no_trap_is_counted(here: Ground) -> None:
    await tell(here, ROUTER, b"", b"halo", b"\x30" * 1000, b"x" * LONGEST, b"x" * (LONGEST + 1), second(LINK_DOWN)[:-3])
    assert (dict(here.counts), here.looked) == ({Fate.MALFORMED: 6}, [])


async def recorded(folder: Path, here: Ground, *who: tuple[str, ...]) -> list[bytes]:
    """What net-snmp sends for each, to somebody else."""
    with socket.socket(type=socket.SOCK_DGRAM) as tape:
        tape.bind(("127.0.0.1", 0))
        tape.settimeout(5)
        for each in who:
            assert await send(folder, here, each, port=tape.getsockname()[1]) == 0
        return [tape.recv(LONGEST) for _ in who]


def mutated(data: bytes, chance: random.Random) -> bytes:
    twisted = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        twisted[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(twisted)


async def test_mutated_datagrams_each_have_their_fate_and_the_receiver_goes_on(tmp_path: Path) -> None:
    """Those of version 3 are recorded from net-snmp, and go through the engine."""
    chance = random.Random(11)
    async with ground(town(users=USERS)) as here:
        signed, unsigned = await recorded(tmp_path, here, SIGNED, user("buka", level="noAuthNoPriv"))
        whole = [signed, unsigned, second(LINK_DOWN), second(COLD_START, 0xA6), first(6, 5)]
        for _ in range(100):
            here.clock.jump(10)
            await tell(here, ROUTER, *[mutated(chance.choice(whole), chance) for _ in range(int(BURST))])
        assert here.counts.total() == 100 * BURST
        assert len([fate for fate in Fate if here.counts[fate]]) >= 5
        here.clock.jump(10)
        looked = here.counts[Fate.LOOKED]
        await tell(here, ROUTER, signed)
        assert here.counts[Fate.LOOKED] == looked + 1


# -- storms


async def test_in_a_storm_of_one_device_the_lone_trap_of_another_is_acted_upon(here: Ground) -> None:
    """Each is counted once, the device is looked at a few times at most, and once after its last word."""
    with sender(ROUTER, here) as storm, sender(OTHER, here) as other:
        for number in range(3000):
            storm.send(second(LINK_DOWN))
            if number == 1500:
                other.send(second(COLD_START))
            if number % 100 == 0:
                await asyncio.sleep(0)
        await here.heard(3000)
    assert here.names().count("opd-c/icmp") == 1
    assert here.names().count("kec-a/icmp") == 1
    assert here.counts[Fate.LOOKED] == 1 + BURST
    last = here.clock.now() - here.began
    await here.clock.go(30)
    assert here.counts.total() == 3001, "the last word was kept, and heard when its turn came"
    assert here.counts[Fate.LOOKED] == 2 + BURST
    times = [at for at, check in here.looked if check == "kec-a/icmp"]
    assert len(times) == 2
    assert last < times[1] <= last + 5 + AGAIN


async def test_when_some_were_not_read_the_lines_are_looked_at_though_the_last_word_was_of_something_else(here: Ground) -> None:
    await tell(here, ROUTER, *[second(COLD_START)] * int(BURST))
    assert "kel-b/icmp" not in here.names()
    with sender(ROUTER, here) as storm:
        for each in (second(LINK_DOWN), second(COLD_START)):
            storm.send(each)
        await here.heard(int(BURST) + 1)
    await here.clock.go(30)
    assert (here.counts[Fate.LIMITED], here.counts[Fate.LOOKED]) == (1, BURST + 1)
    assert "kel-b/icmp" in here.names()


async def test_of_version_3_so_many_a_second_are_read_and_the_others_wait_for_their_turn(tmp_path: Path) -> None:
    """Each costs as much as a hundred others; sixty devices that speak at once are all heard, within a few seconds."""
    addresses = [f"127.0.7.{number}" for number in range(1, 61)]
    city = town(users=USERS)
    checks = [Check(f"kel-{each}/icmp", f"kel-{each}", "icmp", each, Grade.FIBRE, 3600.0, 2.0) for each in addresses]
    nodes = {check.node: replace(city.nodes["opd-c"], id=check.node, checks=(check.id,), address=check.target) for check in checks}
    many = replace(city, checks={**city.checks, **{check.id: check for check in checks}}, nodes={**city.nodes, **nodes})
    async with ground(many) as here:
        (trap,) = await recorded(tmp_path, here, user("buka", level="noAuthNoPriv"))
        for each in addresses:
            with sender(each, here) as sock:
                sock.send(trap)
        await here.heard(int(BURST_V3))
        assert len(here.looked) == BURST_V3
        await here.clock.go(1.5)
        await here.heard(len(addresses))
        assert sorted(here.names()) == sorted(check.id for check in checks)
    assert dict(here.counts) == {Fate.LOOKED: len(addresses)}


async def test_an_engine_that_refused_very_many_is_exchanged_for_a_fresh_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears as well, and still knows what time the device said: who can have it exchanged cannot have a recording taken."""
    made: list[Users | None] = []

    def make(users: Sequence[TrapUser], before: Users | None) -> Users:
        made.append(before)
        return Users(users, before)

    monkeypatch.setattr("monitor.traps.users.WORN", 3)
    monkeypatch.setattr("monitor.traps.users.Users", make)
    wrong = user("aman", "-a", "SHA", "-A", AUTH, "-x", "AES", "-X", "penyandian-salah")
    device = (*SIGNED, "-e", "0x80001f8804756a69", "-Z")
    async with ground(town(users=USERS)) as here:
        here.clock.jump(100)
        told = (*device, "7,5000"), wrong, wrong, wrong, (*device, "7,1000"), (*device, "7,6000")
        now, *refused, before, after = await recorded(tmp_path, here, *told)
        await tell(here, ROUTER, now, before)
        assert dict(here.counts) == {Fate.LOOKED: 1, Fate.LATE: 1}
        await tell(here, ROUTER, *refused)
        assert here.counts[Fate.BAD_KEY] == 3
        await here.receiver.prepared()
        here.clock.jump(10)
        await tell(here, ROUTER, before, after)
    assert len(made) == 2
    assert dict(here.counts) == {Fate.LOOKED: 2, Fate.LATE: 2, Fate.BAD_KEY: 3}


async def test_a_key_that_was_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = user("aman", "-a", "SHA", "-A", "otentikasi-baru", "-x", "AES", "-X", PRIV)
    async with ground(town(users=USERS)) as here:
        (said,) = await recorded(tmp_path, here, changed)
        monkeypatch.setenv("UJI_AUTH", "otentikasi-baru")
        here.clock.jump(KEPT)
        await tell(here, ROUTER, said)
        assert dict(here.counts) == {Fate.BAD_KEY: 1}
        await here.receiver.prepared()
        await tell(here, ROUTER, said)
    assert dict(here.counts) == {Fate.BAD_KEY: 1, Fate.LOOKED: 1}


async def test_what_is_no_message_does_not_take_the_place_of_the_last_word(here: Ground) -> None:
    good = second(LINK_DOWN)
    await tell(here, ROUTER, *[good] * int(BURST))
    looked = here.counts[Fate.LOOKED]
    with sender(ROUTER, here) as sock:
        sock.send(good)
        sock.send(b"")
        await here.heard(int(BURST) + 1)
    await here.clock.go(2 * AGAIN)
    await here.heard(int(BURST) + 2)
    assert (here.counts[Fate.LOOKED], here.counts[Fate.MALFORMED]) == (looked + 1, 1)


# -- settings


async def test_over_ipv6_too() -> None:
    city = town(listen=("[::1]:0",))
    node = replace(city.nodes["opd-c"], address="::1")
    async with ground(replace(city, nodes={**city.nodes, "opd-c": node})) as here:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0)
            sock.connect(("::1", here.port))
            sock.send(second(COLD_START, 0xA6))
            await here.heard(1)
            assert sock.recv(LONGEST)
    assert here.names() == ["opd-c/icmp"]


async def test_a_port_that_is_taken_is_told_in_one_line_and_the_others_are_heard() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        async with ground(town(listen=(where, "127.0.0.1:0"))) as here:
            assert here.refused == [f"traps: {where}: the port is taken; stop what listens there (snmptrapd?), or choose another"]
            await tell(here, OTHER, second(COLD_START))
            assert here.names() == ["opd-c/icmp"]
            taken.close()
            await here.clock.go(2 * RETRY)
            assert len(here.receiver.ears) == 2, "it was free"
            assert len(here.refused) == 1


async def test_users_are_understood_though_at_first_nobody_could_be_heard(tmp_path: Path) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        async with ground(town(listen=(f"127.0.0.1:{taken.getsockname()[1]}",), users=USERS)) as here:
            taken.close()
            await here.clock.go(RETRY)
            await here.receiver.prepared()
            assert await send(tmp_path, here, SIGNED) == 0
            await here.heard(1)
    assert dict(here.counts) == {Fate.LOOKED: 1}


async def test_settings_that_were_left_and_taken_up_again_are_not_listened_for_twice() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        city = town(listen=(f"127.0.0.1:{taken.getsockname()[1]}",))
        async with ground(city) as here:
            here.receiver.change(town(listen=("127.0.0.1:0",)))
            here.receiver.change(replace(city, traps=replace(city.traps)))
            taken.close()
            await here.clock.go(3 * RETRY)
            assert len(here.receiver.ears) == 1
            assert len(here.refused) == 2, "once for each time that the settings were taken up"


async def test_an_address_that_the_machine_does_not_have_is_told_too() -> None:
    async with ground(town(listen=("192.0.2.1:10162",))) as here:
        assert here.refused == ["traps: 192.0.2.1:10162: this machine has no such address; listen at one that it has"]


async def test_a_community_that_cannot_be_read_is_told_and_lets_nobody_in(monkeypatch: pytest.MonkeyPatch, here: Ground) -> None:
    monkeypatch.delenv("UJI_TRAP")
    await tell(here, ROUTER, second(LINK_DOWN), second(LINK_DOWN, 0xA6))
    assert (dict(here.counts), here.looked) == ({Fate.BAD_COMMUNITY: 2}, [])
    assert here.refused == ["traps: secret !env UJI_TRAP: the variable is not set or empty; set it in the environment of pantau"]


async def test_a_passphrase_that_is_too_short_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UJI_AUTH", "pendek")
    async with ground(town(users=USERS)) as here:
        assert here.refused == ["traps: user aman: an SNMP passphrase has at least 8 characters"]


async def test_a_new_inventory_keeps_the_socket_and_knows_the_new_addresses_and_one_without_traps_closes_it(here: Ground) -> None:
    port, city = here.port, town()
    moved = replace(city.nodes["opd-c"], address=STRANGER)
    here.receiver.change(replace(city, nodes={**city.nodes, "opd-c": moved}))
    assert here.port == port
    await tell(here, STRANGER, second(COLD_START))
    assert here.names() == ["opd-c/icmp"]
    here.receiver.change(replace(city, traps=Traps()))
    assert here.receiver.ears == []
