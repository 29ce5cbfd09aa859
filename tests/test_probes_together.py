"""ICMP looks that begin together: what each would find alone, told together, each by its own deadline."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.core.city import Check
from monitor.core.rules import Grade
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look, look_many
from tests.ground import MUTE, PING_GROUPS, check, stand_still, without_raw_sockets


class Together:
    """Looks that begin together, `found` by target when all are there."""

    def __init__(self, vantage: Vantage, *checks: Check) -> None:
        self._left = len(checks)
        self._outcomes: dict[str, Outcome] = {}
        self.found: asyncio.Future[dict[str, Outcome]] = asyncio.get_running_loop().create_future()
        self.alone = look_many(checks, vantage, self._told)
        self._left -= len(self.alone)

    def _told(self, found: Sequence[tuple[Check, Outcome]]) -> None:
        self._outcomes.update((one.target, outcome) for one, outcome in found)
        self._left -= len(found)
        if not self._left:
            self.found.set_result(self._outcomes)


async def test_looks_that_begin_together_find_what_each_would_find_alone(vantage: Vantage) -> None:
    checks = [check(target) for target in ("127.0.0.1", "127.9.8.7", "::1", "198.18.0.1")]
    checks += [check(target, ttl=9, size=200) for target in ("127.0.0.3", "127.0.0.4")]
    together = await Together(vantage, *checks, check("127.0.0.2", slow=1e-9)).found
    alone = {one.target: await look(one, vantage) for one in checks}
    assert {key: replace(together[key], seconds=None) for key in alone} == {key: replace(one, seconds=None) for key, one in alone.items()}
    assert [together[target].verdict for target in ("127.0.0.1", "::1", "198.18.0.1")] == [Verdict.OK, Verdict.OK, Verdict.UNSURE]
    assert 0 < (together["127.0.0.1"].seconds or 0) < 0.5
    assert (together["127.0.0.2"].verdict, together["127.0.0.2"].reason) == (Verdict.SLOW, Reason.SLOW_ANSWER)


async def test_what_the_shared_sockets_cannot_do_at_once_is_not_looked_at_together_with_others(vantage: Vantage) -> None:
    alone = [check("localhost"), check("127.0.0.1", source="::1"), check("127.0.0.2", backend="icmplib"), check("127.0.0.3", nonsense=1)]
    together = Together(vantage, check("127.0.0.4"), check("127.0.0.5", count=2, ttl=9), *alone)
    assert list(together.alone) == alone
    assert sorted(await together.found) == ["127.0.0.4", "127.0.0.5"]
    other = [Check("one/tcp", "one", "tcp", "127.0.0.1", Grade.CORE, 3, 1, {"port": 9})]
    assert list(Together(vantage, *other).alone) == other


async def test_silence_ends_at_the_deadline_of_each_look_that_began_together(vantage: Vantage) -> None:
    MUTE.write_text("1")
    start = time.monotonic()
    keys: dict[str, object] = {"count": 2, "packet_interval": 0.01}
    found = await Together(vantage, check("127.0.0.1", 0.1), check("127.0.0.2", 0.2), check("127.0.0.3", 0.2, **keys)).found
    assert 0.2 <= time.monotonic() - start < 1
    for outcome in found.values():
        assert (outcome.verdict, outcome.reason, outcome.seconds) == (Verdict.FAIL, Reason.TIMEOUT, None)
    assert [outcome.detail for outcome in found.values()] == ["no reply within 0.1 s", "no reply within 0.2 s", "no reply within 0.2 s"]


@pytest.mark.parametrize(("mute", "verdict", "reason"), [("0", Verdict.OK, None), ("1", Verdict.UNSURE, Reason.LOOP_LATE)])
async def test_after_our_loop_stood_still_a_reply_in_time_counts_and_silence_says_nothing(
    vantage: Vantage, mute: str, verdict: Verdict, reason: Reason | None
) -> None:
    MUTE.write_text(mute)
    together = Together(vantage, check("127.0.0.1", 0.05))
    stand_still(0.3)
    outcome = (await together.found)["127.0.0.1"]
    assert (outcome.verdict, outcome.reason) == (verdict, reason)


async def test_a_kernel_that_refuses_ping_sockets_leaves_all_that_begin_together_unsure(vantage: Vantage) -> None:
    PING_GROUPS.write_text("1 0")
    with without_raw_sockets():
        together = await Together(vantage, check("127.0.0.1"), check("::1"), check("127.0.0.2", count=2)).found
    assert {(outcome.verdict, outcome.reason) for outcome in together.values()} == {(Verdict.UNSURE, Reason.NO_PERMISSION)}


async def test_a_bug_of_ours_in_looks_that_begin_together_ends_them_unsure_at_their_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("monitor.probes.icmp.probe_many", broken)
    loop = asyncio.get_running_loop()
    heard: list[type[BaseException]] = []
    loop.set_exception_handler(lambda _, context: heard.append(type(context["exception"])))
    told: asyncio.Future[Sequence[tuple[Check, Outcome]]] = loop.create_future()
    vantage = Vantage()
    assert list(look_many([Check("x/icmp", "x", "icmp", "127.0.0.1", Grade.CORE, 3, 0.01)], vantage, told.set_result)) == []
    ((check, outcome),) = await told
    vantage.close()
    assert (check.id, outcome.verdict, outcome.reason, heard) == ("x/icmp", Verdict.UNSURE, Reason.INTERNAL, [ZeroDivisionError])
