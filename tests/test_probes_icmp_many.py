"""Pinging many at once: rounds in time, what came when somebody has seen enough, and nobody waited for."""

import asyncio
from collections.abc import Sequence

import pytest

from monitor.probes import Vantage, batch, icmp_many
from monitor.probes.icmp_manner import PLAIN, Manner
from monitor.probes.icmp_many import ping_many
from monitor.probes.icmp_pool import PingSockets
from monitor.probes.icmp_socket import PingSocket, Shot
from tests.ground import MUTE, forge_reply

own_ground = pytest.mark.usefixtures("ground")


async def test_two_thousand_at_once_over_one_socket_lose_nothing(vantage: Vantage) -> None:
    addresses = [f"127.1.{at // 250}.{1 + at % 250}" for at in range(2000)]
    found = await ping_many(addresses, 2, 0.0, 2.0, vantage.share(PingSockets))
    assert [each.address for each in found.values() if each.received != 2] == []


class Volleys(PingSockets):
    """Ping sockets that say what was fired, and when a volley has come back."""

    def __init__(self, vantage: Vantage | None = None) -> None:
        super().__init__(vantage)
        self.back = asyncio.Event()
        self.pingers: set[PingSocket] = set()
        self.fired: asyncio.Queue[tuple[PingSocket, Shot]] = asyncio.Queue()

    def flood(self, shots: Sequence[Shot], manner: Manner = PLAIN) -> PingSocket:
        pinger = super().flood(shots, manner)
        self.pingers.add(pinger)
        for shot in shots:
            self.fired.put_nowait((pinger, shot))
        return pinger

    def settle(self, pinger: PingSocket, shots: Sequence[Shot]) -> None:
        super().settle(pinger, shots)
        self.back.set()


async def test_who_has_seen_enough_of_a_ping_gets_the_sums_of_what_came(vantage: Vantage) -> None:
    volleys = vantage.share(Volleys)
    pinging = asyncio.create_task(ping_many(["127.0.0.1"], 1000, 60.0, 2.0, volleys))
    await volleys.back.wait()
    pinging.cancel()
    found = (await pinging)["127.0.0.1"]
    assert found.summary().startswith("127.0.0.1 : xmt/rcv/%loss = 1/1/0%, min/avg/max = ")


@own_ground
async def test_a_ping_that_is_broken_off_tells_what_came_and_calls_lost_only_what_had_its_time() -> None:
    MUTE.write_text("1")
    volleys = Volleys()
    pinging = asyncio.create_task(ping_many(["127.0.0.1", "127.0.0.2"], 1, 60.0, 60.0, volleys))
    pinger, first = await volleys.fired.get()
    forge_reply(pinger.socket.getsockname()[1], first.token[:2], first.token, "127.0.0.1", "127.0.0.1")
    pinging.cancel()
    found = await pinging
    assert found["127.0.0.1"].summary().startswith("127.0.0.1 : xmt/rcv/%loss = 1/1/0%")
    assert found["127.0.0.2"].summary() == "127.0.0.2 : xmt/rcv/%loss = 0/0/100% (no reply yet)"
    volleys.close()


@own_ground
async def test_nobody_waits_for_who_is_silent_the_next_round_leaves_meanwhile() -> None:
    MUTE.write_text("1")
    volleys = Volleys()
    pinging = asyncio.create_task(ping_many(["127.0.0.1"], 3, 0.001, 60.0, volleys))
    for _ in range(3):
        await volleys.fired.get()
    pinging.cancel()
    assert (await pinging)["127.0.0.1"].sent == 0, "none has had its minute"
    volleys.close()


@own_ground
async def test_of_too_many_packets_on_their_way_the_next_round_waits_for_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icmp_many, "HELD", 4)
    MUTE.write_text("1")
    volleys = Volleys()
    pinging = asyncio.create_task(ping_many(["127.0.0.1", "127.0.0.2"], 3, 0.0, 0.2, volleys))
    for _ in range(6):
        await volleys.fired.get()
        most = sum(shot.seconds is None for pinger in volleys.pingers for shot in pinger.waiting.values())
        assert most <= 4
    assert [pinged.sent for pinged in (await pinging).values()] == [3, 3]
    volleys.close()


@own_ground
async def test_a_mistyped_address_is_no_name_and_lost_all_of_its_packets() -> None:
    line = (await batch.ping(["300.1.1.1"], 1, 0.0, 1.0))["300.1.1.1"].summary()
    assert line == "300.1.1.1 : xmt/rcv/%loss = 0/0/100% ('300.1.1.1' is no address, and no host name ends with a number)"
