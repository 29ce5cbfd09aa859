"""Pages reach real peers in order, once, and in spite of them; time is a number that moves when delivery sleeps."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from alerts import delivery
from alerts.channels import CHANNELS, ChannelError, Context
from alerts.delivery import Delivery
from monitor.core.city import City, Receiver
from monitor.core.errors import PantauError
from monitor.core.events import Delivered, Page, Step
from tests.pages import AT, city, page
from tests.peers import Phone, phone

OK: tuple[int, object, dict[str, str]] = (200, {"ok": True}, {})
BUSY: tuple[int, object, dict[str, str]] = (503, b"", {})
REFUSED: tuple[int, object, dict[str, str]] = (401, b"", {})
UNFIT: tuple[int, object, dict[str, str]] = (422, b"", {})


@dataclass
class Watch:
    """A clock that moves only when somebody sleeps; `halt` makes sleepers wait for ever."""

    at: float = AT
    slept: list[float] = field(default_factory=list)
    halt: bool = False
    halted: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        if self.halt:
            self.halted.set()
            await asyncio.Event().wait()
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Post:
    """A delivery to one webhook (or more), with its clock and what it reported."""

    delivery: Delivery
    watch: Watch
    reports: asyncio.Queue[Delivered]
    town: list[City]

    async def fates(self, number: int) -> list[Delivered]:
        async with asyncio.timeout(10):
            return [await self.reports.get() for _ in range(number)]


def to(url: str, channel: str = "webhook", key: str = "piket") -> Receiver:
    options: dict[str, object] = {"url": url} if channel == "webhook" else {"token": "x", "chat": 1, "api": url}
    return Receiver(key, channel, key.capitalize(), "id", options)


@asynccontextmanager
async def post(*receivers: Receiver, chance: Callable[[], float] = lambda: 0.0, timeout: float = 5) -> AsyncIterator[Post]:
    town = [city({receiver.id: receiver for receiver in receivers})]
    watch, reports = Watch(), asyncio.Queue[Delivered]()
    async with Context(timeout=timeout) as context:
        sender = Delivery(lambda: town[0], context, reports.put_nowait, watch.now, sleep=watch.sleep, chance=chance)
        yield Post(sender, watch, reports, town)
        await sender.stop(0.05)


def numbered(number: int, step: Step = Step.OPEN, incident: str = "g17", receiver: str = "piket") -> Page:
    return page(step, key=f"{incident}/{number}/{receiver}", incident=incident, receiver=receiver)


def keys(peer: Phone) -> list[object]:
    return [body["key"] for body in peer.bodies]


async def test_a_page_that_is_taken_is_reported_with_the_receipt() -> None:
    async with phone() as peer, post(to(peer.url)) as box:
        box.delivery.submit(numbered(1))
        assert await box.fates(1) == [Delivered(AT, "g17/1/piket", ok=True, detail="HTTP 200")]
        assert box.watch.slept == []


async def test_an_opening_comes_before_its_end_even_when_it_has_to_be_tried_again() -> None:
    async with phone(BUSY, BUSY, OK) as peer, post(to(peer.url)) as box:
        for number, step in enumerate((Step.OPEN, Step.END), 1):
            box.delivery.submit(numbered(number, step))
        fates = await box.fates(2)
    assert [fate.key for fate in fates] == ["g17/1/piket", "g17/2/piket"]
    assert keys(peer) == ["g17/1/piket"] * 3 + ["g17/2/piket"]


async def test_one_receiver_that_cannot_be_reached_holds_up_no_other() -> None:
    async with phone(mute=True) as mute, phone() as well, post(to(mute.url), to(well.url, key="layar")) as box:
        box.delivery.submit(numbered(1))
        box.delivery.submit(numbered(1, receiver="layar"))
        assert [fate.key for fate in await box.fates(1)] == ["g17/1/layar"]


async def test_pauses_double_from_one_second_to_five_minutes_and_a_page_is_given_up_after_a_day() -> None:
    async with phone(BUSY) as peer, post(to(peer.url)) as box:
        box.delivery.submit(numbered(1))
        [fate] = await box.fates(1)
    assert box.watch.slept[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(box.watch.slept[9:]) == {300}
    assert (fate.ok, fate.detail) == (False, "given up: answered 503")
    assert 24 * 3600 <= fate.at - AT < 24 * 3600 + 300


async def test_chance_shortens_a_pause_by_at_most_a_fifth_and_never_below_a_second() -> None:
    async with phone(*[BUSY] * 11, OK) as peer, post(to(peer.url), chance=lambda: 1.0) as box:
        box.delivery.submit(numbered(1))
        await box.fates(1)
    assert box.watch.slept[:3] == [1, 1.6, 3.2]
    assert box.watch.slept[-1] == 240


async def test_the_pause_that_a_peer_asks_for_is_kept() -> None:
    async with phone((429, b"", {"Retry-After": "37"}), OK) as peer, post(to(peer.url)) as box:
        box.delivery.submit(numbered(1))
        await box.fates(1)
    assert box.watch.slept == [37]


async def test_a_page_refused_at_night_arrives_when_somebody_has_mended_the_token_in_the_morning() -> None:
    """Six hours of 401 are about thirty attempts, seldom enough for a server that bans; the page is still owed."""
    async with phone(*[REFUSED] * 32, OK) as peer, post(to(peer.url)) as box:
        box.delivery.submit(numbered(1))
        [fate] = await box.fates(1)
    assert (fate.ok, fate.detail) == (True, "HTTP 200")
    assert 5.5 * 3600 < fate.at - AT < 6 * 3600
    assert max(box.watch.slept) == 900


async def test_a_mended_token_is_tried_at_once_after_a_reload() -> None:
    async with phone(REFUSED, OK) as peer, post(to(peer.url)) as box:
        box.watch.halt = True
        box.delivery.submit(numbered(1))
        await box.watch.halted.wait()
        box.delivery.change(box.town[0])
        assert (await box.fates(1))[0].ok


async def test_a_message_that_is_refused_for_itself_is_given_up_after_ten_minutes_and_the_next_page_goes_on() -> None:
    async with phone(*[UNFIT] * 16, OK) as peer, post(to(peer.url)) as box:
        box.delivery.submit(numbered(1))
        box.delivery.submit(numbered(2, Step.END))
        box.watch.at += 3600  # what waited long in the queue gets its ten minutes too
        fates = await box.fates(2)
    assert [(fate.ok, fate.detail) for fate in fates] == [(False, "given up: answered 422"), (True, "HTTP 200")]
    assert 600 <= fates[0].at - AT - 3600 < 660
    assert keys(peer).count("g17/1/piket") == 16


async def test_a_receiver_whose_keys_cannot_be_read_is_waited_for_without_stopping_the_loop() -> None:
    async with post(Receiver("piket", "webhook", "Piket", "id", {"url": "not one"})) as box:
        box.delivery.submit(numbered(1))
        [fate] = await box.fates(1)
    assert fate.detail == "given up: receiver piket: channel webhook or its keys are wrong; run pantau check-config"
    assert 280 < len(box.watch.slept) < 320


async def test_a_page_submitted_again_while_it_waits_is_sent_once_and_afterwards_only_reported_again() -> None:
    async with phone() as peer, post(to(peer.url)) as box:
        box.delivery.submit(numbered(1))
        box.delivery.submit(numbered(1))
        [first] = await box.fates(1)
        box.delivery.submit(numbered(1))
        [again] = await box.fates(1)
    assert first == again
    assert keys(peer) == ["g17/1/piket"]


async def test_a_waiting_update_gives_way_to_a_later_word_but_an_opening_and_an_end_never() -> None:
    async with phone(BUSY, OK) as peer, post(to(peer.url)) as box:
        steps = [Step.OPEN, Step.UPDATE, Step.UPDATE, Step.END]
        for number, step in enumerate(steps, 1):
            box.delivery.submit(numbered(number, step))
        box.delivery.submit(numbered(1, incident="g18"))
        fates = await box.fates(5)
    assert [(fate.key, fate.detail) for fate in fates if not fate.ok] == [
        ("g17/2/piket", "superseded by g17/3/piket"),
        ("g17/3/piket", "superseded by g17/4/piket"),
    ]
    assert keys(peer) == ["g17/1/piket", "g17/1/piket", "g17/4/piket", "g18/1/piket"]


async def test_within_any_minute_a_telegram_group_gets_at_most_twenty_messages() -> None:
    sent: list[float] = []
    async with phone() as peer, post(to(peer.url, "telegram")) as box:
        for number in range(50):
            box.delivery.submit(numbered(1, incident=f"g{number}"))
        for _ in range(50):
            sent += [fate.at for fate in await box.fates(1)]
    assert max(sum(1 for other in sent if at <= other < at + 60) for at in sent) == CHANNELS["telegram"].per_minute == 20
    assert sent[-1] - AT == 2 * delivery.WINDOW


async def test_two_receivers_in_one_telegram_group_share_its_rate() -> None:
    async with phone() as peer, post(to(peer.url, "telegram"), to(peer.url, "telegram", "dua")) as box:
        box.watch.halt = True
        for number in range(15):
            box.delivery.submit(numbered(1, incident=f"g{number}"))
            box.delivery.submit(numbered(1, incident=f"g{number}", receiver="dua"))
        await box.fates(20)
        await box.watch.halted.wait()
    assert len(peer.bodies) == 20
    assert set(box.watch.slept) == {delivery.WINDOW}


async def test_a_new_inventory_is_tried_at_once_and_by_its_own_words() -> None:
    async with phone(BUSY) as old, phone() as new, post(to(old.url)) as box:
        box.watch.halt = True
        box.delivery.submit(numbered(1))
        await box.watch.halted.wait()
        box.town[0] = replace(box.town[0], receivers={"piket": to(new.url)})
        box.delivery.change(box.town[0])
        [fate] = await box.fates(1)
    assert fate.ok
    assert keys(new) == ["g17/1/piket"]


async def test_a_reload_does_not_cut_a_sending_short_nor_send_twice() -> None:
    async with phone(mute=True) as peer, post(to(peer.url)) as box:
        box.delivery.submit(numbered(1))
        await peer.arrived.wait()
        box.delivery.change(box.town[0])
        peer.hold.set()
        assert (await box.fates(1))[0].ok
    assert keys(peer) == ["g17/1/piket"]


async def test_pages_of_a_receiver_that_is_gone_are_given_up_with_that_reason() -> None:
    async with phone(BUSY) as peer, post(to(peer.url)) as box:
        box.watch.halt = True
        box.delivery.submit(numbered(1))
        await box.watch.halted.wait()
        box.town[0] = replace(box.town[0], receivers={})
        box.delivery.change(box.town[0])
        [fate] = await box.fates(1)
    assert (fate.ok, fate.detail) == (False, "given up: receiver piket is no longer in the inventory")


async def test_stopping_lets_a_sending_finish_and_leaves_the_rest_owed() -> None:
    async with phone(mute=True) as peer, post(to(peer.url)) as box:
        box.delivery.submit(numbered(1))
        box.delivery.submit(numbered(2, Step.END))
        await peer.arrived.wait()
        stopping = asyncio.create_task(box.delivery.stop(5))
        await asyncio.sleep(0)
        peer.hold.set()
        await stopping
        assert [fate.key for fate in await box.fates(1)] == ["g17/1/piket"]
        assert box.reports.empty()
    assert keys(peer) == ["g17/1/piket"]


async def test_stopping_ends_at_its_deadline_though_a_peer_is_mute() -> None:
    async with phone(mute=True) as peer, post(to(peer.url), timeout=3600) as box:
        box.delivery.submit(numbered(1))
        await peer.arrived.wait()
        async with asyncio.timeout(5):
            await box.delivery.stop(0.01)
        assert box.reports.empty()


async def test_a_stopped_delivery_starts_nothing_new() -> None:
    async with phone() as peer, post(to(peer.url)) as box:
        await box.delivery.stop(0)
        box.delivery.submit(numbered(1))
        await asyncio.sleep(0)
    assert keys(peer) == []


async def test_a_fault_in_a_channel_neither_ends_the_worker_nor_shows_more_than_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_given: object) -> None:
        raise ZeroDivisionError("https://api.telegram.org/botSECRET/")

    async with post(to("http://127.0.0.1:1")) as box:
        monkeypatch.setattr(delivery, "CHANNELS", {"webhook": replace(CHANNELS["webhook"], send=broken)})  # type: ignore[arg-type]
        box.delivery.submit(numbered(1))
        [fate] = await box.fates(1)
    assert fate.detail == "given up: unexpected ZeroDivisionError in channel or text"
    assert len(box.watch.slept) > 280


@pytest.mark.parametrize(("channel", "options"), [("pager", {}), ("webhook", {"url": "not one"}), ("webhook", {})])
async def test_a_receiver_that_cannot_be_read_is_a_reason_without_its_values(channel: str, options: dict[str, object]) -> None:
    async with post(Receiver("piket", channel, "Piket", "id", options)) as box:
        with pytest.raises(ChannelError, match=f"receiver piket: channel {channel} or its keys are wrong; run pantau check-config"):
            await box.delivery.test("piket")


async def test_a_test_message_is_sent_once_and_answers_with_the_receipt_or_the_reason() -> None:
    async with phone(OK, BUSY) as peer, post(to(peer.url)) as box:
        assert (await box.delivery.test("piket")).detail == "HTTP 200"
        with pytest.raises(ChannelError, match="answered 503"):
            await box.delivery.test("piket")
        with pytest.raises(PantauError, match="receiver nobody: is not in the inventory; it has piket"):
            await box.delivery.test("nobody")
        assert box.reports.empty()
    assert [body["step"] for body in peer.bodies] == ["test", "test"]


async def test_the_figures_count_attempts_deliveries_failures_and_what_waits() -> None:
    async with phone(BUSY, OK, OK, *[UNFIT] * 16) as peer, post(to(peer.url)) as box:
        for number in range(3):
            box.delivery.submit(numbered(1, incident=f"g{number}"))
        await box.fates(3)
        box.watch.at += 100
        box.watch.halt = True
        peer.answers = [BUSY]
        box.delivery.submit(replace(numbered(1, incident="g9"), at=box.watch.at - 7))
        await box.watch.halted.wait()
        [figures] = box.delivery.figures()
    assert (figures.channel, figures.receiver) == ("webhook", "piket")
    assert (figures.attempts, figures.delivered, figures.failed, figures.queued, figures.oldest) == (20, 2, 1, 1, 7)
