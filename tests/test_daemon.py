import asyncio
import json
import math
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from alerts.channels import server_of
from monitor.core.city import Check, City, Receiver
from monitor.core.errors import Exit, PantauError
from monitor.core.events import Decision, Event, InventoryLoaded, Page, ProbeResult, Tick, Verify
from monitor.core.rules import Grade
from monitor.core.verdict import Reason, Verdict
from monitor.daemon import names
from monitor.daemon.flow import AHEAD, Flow
from monitor.daemon.guard import refuse_rehearsal
from monitor.daemon.listen import listener
from monitor.daemon.reload import Inventory
from monitor.daemon.settings import Settings
from monitor.engine import Engine, State
from monitor.journal import DiskFullError, Journal, Row, row_of
from tests.conftest import lack
from tests.daemons import Daemon, Phone, answering, city, tcp
from tests.virtual import VirtualClock, settle
from tests.webs import naming


async def journaled(folder: Path, events: list[Event]) -> Engine:
    """Write a past into the journal, as a daemon that then died would have left it."""
    journal, engine = await Journal.open(folder), Engine(State(City("")))
    for event in events:
        effects = engine.apply(event)
        await journal.commit([row_of(event), *(row_of(effect) for effect in effects if isinstance(effect, Decision | Page))])
    await journal.close()
    return engine


def outage(of: City, check: str, now: float) -> list[Event]:
    """It answered, failed until it was paged, and answered again 11 s ago: one more answer ends the incident."""
    events: list[Event] = [InventoryLoaded(now - 300, of), ProbeResult(check, now - 290, now - 289.9, Verdict.OK)]
    events += [ProbeResult(check, now - at - 0.5, now - at, Verdict.FAIL, Reason.TIMEOUT) for at in range(280, 20, -10)]
    events += [Tick(now - 15), ProbeResult(check, now - 11, now - 10.9, Verdict.OK)]
    return events


async def test_a_page_that_was_owed_when_the_daemon_was_killed_arrives_and_only_until_it_was_taken(daemon: Daemon, phone: Phone) -> None:
    """Killed after the decision, while the phone did not answer, and after it did: nothing lost, one double at most, then silence."""
    async with answering() as port:
        watched = city([tcp("kec-a", port)], phone.url)
        daemon.write(watched)
        engine = await journaled(daemon.folder / "data", outage(watched, "kec-a/tcp", time.time()))
        opening = engine.owed()[0].key
        phone.mute = True
        await daemon.start()
        await phone.until(lambda: opening in phone.told())
        await daemon.end(signal.SIGKILL)
        phone.mute = False
        await daemon.start()
        await phone.until(lambda: [page["step"] for page in phone.pages][1:] == ["open", "end"])
        await daemon.said(f"{phone.told()[-1]}")
        assert await daemon.end() == 0
        told = phone.told()
        await daemon.start()
        assert json.loads(await daemon.get("/api/v1/status"))["incidents"] == []
        assert (await daemon.ask(do="notify-test", receiver="tim"))["ok"]
        assert phone.told()[: len(told)] == told
        assert [page["step"] for page in phone.pages][len(told) :] == ["test"]
        assert await daemon.end() == 0


async def test_a_page_that_is_defaced_is_told_by_the_real_road(daemon: Daemon, phone: Phone) -> None:
    """From the socket of the look to the phone, with nothing in between but what runs in the city."""
    options = {"forbid_text": "Diretas"}
    watched = city([Check("kec-a/http", "kec-a", "http", f"{phone.url}page", Grade.CORE, 0.5, 0.4, options)], phone.url)
    daemon.write(replace(watched, page="https://pantau.example"))
    await daemon.start()
    async with asyncio.timeout(10):
        while json.loads(await daemon.get("/api/v1/status"))["sites"]["up"] != 1:
            assert daemon.process.returncode is None
    phone.shows = "Diretas oleh seseorang"
    await phone.until(lambda: len(phone.pages) == 1)
    assert [(page["step"], page["cause"], page["reason"]) for page in phone.pages] == [
        ("open", {"id": "kec-a", "name": "Kec-A"}, "keyword_forbidden")
    ]
    link = f"https://pantau.example/#incident-{phone.pages[0]['incident']}"
    assert phone.pages[0]["link"] == link
    assert f"Halaman: {link}\n" in str(phone.pages[0]["text"])
    assert f'id="{link.partition("#")[2]}"' in await daemon.get("/", Host="pantau.example")
    assert await daemon.end(signal.SIGINT) == 0


async def test_who_calls_is_up_and_its_token_stands_in_no_log(daemon: Daemon, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSH", "0123456789abcdef")
    options = {"token": "!env PUSH", "within": 600}
    daemon.write(city([Check("kec-a/push", "kec-a", "push", "", Grade.CORE, 0.5, 0.4, options)], phone.url))
    await daemon.start()
    assert await daemon.get("/push/0123456789abcdeX") == "tidak ada yang menunggu panggilan ini / nobody waits for this call\n"
    assert await daemon.get("/push/0123456789abcdef") == "diterima / taken\n"
    async with asyncio.timeout(10):
        while json.loads(await daemon.get("/api/v1/status"))["sites"]["up"] != 1:
            assert daemon.process.returncode is None
    await daemon.end(signal.SIGINT)
    assert "0123456789abcde" not in "".join(daemon.lines)


async def test_a_bad_reload_keeps_the_old_inventory_and_says_why_a_good_one_is_swapped_in(daemon: Daemon) -> None:
    async with answering() as port:
        daemon.write(city([tcp("kec-a", port)]))
        await daemon.start()
        daemon.config.write_text("{")
        refused = await daemon.ask(do="reload")
        assert refused == {"ok": False, "message": f"the old inventory stays: {daemon.config}: is no city"}
        await daemon.said("reload refused")
        daemon.process.send_signal(signal.SIGHUP)
        assert f'error="{daemon.config}: is no city"' in await daemon.said("reload refused")
        assert json.loads(await daemon.get("/api/v1/status"))["sites"].keys() >= {"up", "down"}
        daemon.write(city([tcp("kec-a", port), tcp("kec-b", port)]))
        assert (await daemon.ask(do="reload"))["message"] == f"{daemon.config}: 2 nodes, 2 checks"
        assert (await daemon.ask(do="reload"))["message"] == f"{daemon.config}: nothing changed"
        assert (await daemon.ask(do="ping"))["pid"] == daemon.process.pid
        assert "there are ping, reload, notify-test" in str((await daemon.ask(do="dance"))["message"])
        assert "is not in the inventory" in str((await daemon.ask(do="notify-test", receiver="nobody"))["message"])
        assert await daemon.end() == 0


@pytest.mark.parametrize(
    ("listen", "status", "line"),
    [
        ("127.0.0.1:{taken}", Exit.MISSING, "the port is taken; stop what listens there, or choose another --listen"),
        ("fd:99", Exit.MISSING, "is no socket that was passed in"),
        ("198.51.100.1:80", Exit.MISSING, "this machine has no such address"),
        ("here", Exit.UNKNOWN, "is no address; write 127.0.0.1:9475"),
    ],
)
def test_an_address_that_cannot_be_had_is_one_line(listen: str, status: Exit, line: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PantauError, match=line) as caught:
        listener(listen.format(taken=taken.getsockname()[1]))
    assert caught.value.status is status


async def test_a_taken_port_a_taken_folder_and_a_bad_inventory_end_the_daemon_with_one_line_each(daemon: Daemon) -> None:
    daemon.write(city([]))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        await daemon.start(f"127.0.0.1:{taken.getsockname()[1]}")
    assert (await daemon.ended(), len(daemon.lines)) == (69, 1)
    journal = await Journal.open(daemon.folder / "data")
    await daemon.start()
    assert (await daemon.ended(), len(daemon.lines)) == (69, 2)
    assert "data: another pantau works on this data folder" in daemon.lines[1]
    await journal.close()
    daemon.config.write_text("[]")
    await daemon.start()
    assert (await daemon.ended(), len(daemon.lines)) == (78, 3)
    daemon.write(city([replace(tcp("kec-a", 80), target="198.18.3.1")]))
    await daemon.start()
    assert (await daemon.ended(), len(daemon.lines)) == (78, 4)


async def test_a_kernel_that_lets_us_open_no_ping_socket_ends_the_daemon_with_one_line(daemon: Daemon) -> None:
    """A new network namespace allows nobody to ping; and without CAP_NET_RAW there is no other way."""
    daemon.write(city([Check("kec-a/icmp", "kec-a", "icmp", "127.0.0.1", Grade.CORE, 3, 1)]))
    await daemon.start("127.0.0.1:0", "unshare", "-rn", "setpriv", "--bounding-set", "-net_raw")
    status = await daemon.ended()
    if "unshare" in daemon.lines[0]:
        lack(f"needs a network namespace: {daemon.lines[0].strip()}")
    assert (status, len(daemon.lines)) == (69, 1)
    assert "sysctl -w net.ipv4.ping_group_range" in daemon.lines[0]


async def test_an_inherited_socket_is_served(daemon: Daemon) -> None:
    daemon.write(city([]))
    await daemon.launch_listening()
    assert await daemon.get("/-/ready") == "ready\n"
    assert await daemon.end() == 0


@pytest.mark.parametrize(("told", "page"), [("http://127.0.0.1:9999", "http://127.0.0.1:9999"), ("", "https://pantau.example")])
async def test_messages_link_to_the_page_that_the_rehearsal_city_names(
    told: str, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANTAU_CITY_PAGE", told)
    inventory = Inventory(Settings(tmp_path, tmp_path), lambda _path: City("Uji", page="https://pantau.example"))
    assert (await inventory.read()).page == page


@pytest.mark.parametrize(
    "of",
    [
        city([replace(tcp("kec-a", 80), target="198.18.3.1", where="inventory.yaml:7")]),
        city([replace(tcp("kec-a", 80), target="https://simpus.pantau.test/login", where="inventory.yaml:7")]),
        city([replace(tcp("kec-a", 80), options={"hosts": ["ok.example", "198.19.0.4"]}, where="inventory.yaml:7")]),
    ],
)
def test_the_rehearsal_citys_addresses_are_refused_outside_of_it(of: City) -> None:
    with pytest.raises(PantauError, match=r"^inventory\.yaml:7: .* exists in the rehearsal city only .*scripts/run") as caught:
        refuse_rehearsal(of, "inventory.yaml")
    assert caught.value.status is Exit.BAD_INVENTORY
    refuse_rehearsal(city([tcp("kec-a", 80)]), "inventory.yaml")


@dataclass
class Recorder:
    """Hands that keep what they were given."""

    pages: list[Page] = field(default_factory=list)
    verified: list[Verify] = field(default_factory=list)
    steps: int = 0

    def verify(self, words: Iterable[Verify]) -> None:
        self.verified += words

    def submit(self, page: Page) -> None:
        self.pages.append(page)

    def stepped(self) -> None:
        self.steps += 1


class FullFor:
    """A journal on a disk that has no room for some commits."""

    def __init__(self, journal: Journal, refusals: int) -> None:
        self.journal, self.refusals = journal, refusals

    def __getattr__(self, name: str) -> object:
        return getattr(self.journal, name)

    async def commit(self, rows: list[Row]) -> int:
        if self.refusals:
            self.refusals -= 1
            raise DiskFullError("journal.db: no room on the disk")
        return await self.journal.commit(rows)


async def flowing(clock: VirtualClock, test: Callable[[], bool]) -> None:
    """Let time pass until something holds; the disk works in a thread, at its own pace."""
    async with asyncio.timeout(20):
        while not test():
            await clock.go(0.25)
            await settle()


@pytest.mark.parametrize("refusals", [0, 1, 5])
async def test_a_failed_commit_sends_nothing_and_loses_nothing(tmp_path: Path, refusals: int) -> None:
    """What is decided with a disk that is full for a while is what is decided with one that is not."""
    clock = VirtualClock(1_795_000_000.0)
    watched = city([tcp("kec-a", 80)])
    journal = await Journal.open(tmp_path)
    full = FullFor(journal, refusals)
    flow, hands = Flow(full, clock, await journal.recover()), Recorder()  # type: ignore[arg-type]  # a journal but for one door
    flow.hands = hands
    running = asyncio.create_task(flow.run())
    for event in outage(watched, "kec-a/tcp", clock.now()):
        flow.put(event)
    if refusals:
        await flowing(clock, lambda: bool(flow.trouble))
        assert (hands.pages, hands.verified) == ([], [])
    await flowing(clock, lambda: bool(hands.pages))
    assert [page.step.value for page in hands.pages] == ["open"]
    assert flow.trouble == ""
    flow.stop()
    await running
    recovery = await journal.recover()
    assert recovery.tail == ()
    assert recovery.state is not None
    assert list(recovery.state.owed.values()) == hands.pages
    await journal.close()


async def test_a_look_of_the_future_or_without_a_time_never_reaches_the_journal(tmp_path: Path) -> None:
    clock, journal = VirtualClock(1_795_000_000.0), await Journal.open(tmp_path)
    flow = Flow(journal, clock, await journal.recover())
    running = asyncio.create_task(flow.run())
    await flow.settle(InventoryLoaded(clock.now(), city([tcp("kec-a", 80)])))
    before = journal.last
    for at in (clock.now() + AHEAD + 1, clock.now() + 315e6, math.nan, math.inf, -1.0):
        flow.put(ProbeResult("kec-a/tcp", at, at, Verdict.OK))
    flow.put(look := ProbeResult("kec-a/tcp", clock.now() - 1, clock.now(), Verdict.OK))
    flow.stop()
    await running
    assert flow.engine.state.beliefs["kec-a/tcp"].last_sent == look.sent
    assert (flow.engine.state.counts, journal.last) == ({}, before + 2)
    await journal.close()


async def test_names_of_receivers_are_asked_of_the_citys_servers_and_a_dead_one_is_an_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PATIENCE", 0.05)
    assert (await names.Names(tuple).resolve("127.0.0.1", 80, socket.AF_INET))[0]["host"] == "127.0.0.1"
    with pytest.raises(OSError, match=r"name layar\.pantau\.test"):
        await names.Names(lambda: ["127.0.0.1"]).resolve("layar.pantau.test", 80)


async def test_a_name_server_that_dies_keeps_nobody_from_hearing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PATIENCE", 0.05)
    servers: list[str] = []
    found = names.Names(lambda: servers)
    async with naming(layar="198.18.0.7", lama="198.18.0.8") as server:
        servers.append(server)
        await found.remember(["layar.pantau.test", "lama.pantau.test"])
    await found.remember(["layar.pantau.test"])
    kept = await found.resolve("layar.pantau.test", 443, socket.AF_UNSPEC)
    assert [(each["host"], each["port"], each["family"]) for each in kept] == [("198.18.0.7", 443, socket.AF_INET)]
    with pytest.raises(OSError, match=r"name lama\.pantau\.test"):
        await found.resolve("lama.pantau.test", 443)
    async with naming(lain="198.18.0.9") as server:  # one that answers is believed when it says that there is no such name
        servers[:] = [server]
        with pytest.raises(OSError, match="NXDOMAIN"):
            await found.resolve("layar.pantau.test", 443)


@pytest.mark.parametrize(
    ("channel", "options", "server"),
    [
        ("telegram", {"token": "!env T", "chat": 7}, "api.telegram.org"),
        ("webhook", {"url": "https://layar.pantau.test:8443/noc"}, "layar.pantau.test"),
        ("webhook", {"url": "!env NOBODY"}, ""),
        ("mail", {"host": "surel.pantau.test", "to": ["a@pantau.test"], "sender": "b@pantau.test"}, "surel.pantau.test"),
        ("mail", {}, ""),
    ],
)
def test_each_channel_says_where_it_sends_to(channel: str, options: dict[str, object], server: str) -> None:
    assert server_of(Receiver("r", channel, "R", options=options)) == server
