"""TCP and DNS looks, names, and looks asked for in batches."""

import asyncio
import json
import socket

import dns.rcode
import pytest
from pydantic import ValidationError

from monitor.core.city import Check
from monitor.core.errors import PantauError
from monitor.core.rules import Grade
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import PROBES, Attempt, Vantage, read_options
from monitor.probes.batch import probe_batch, probe_once
from monitor.probes.deadline import look, look_at
from monitor.probes.names import Names, server_of
from tests.ground import look_inside
from tests.webs import listening, look_in_time, mute, naming

REFUSED = dns.rcode.REFUSED


async def at(kind: str, target: str, timeout: float = 2.0, /, **options: object) -> Outcome:
    async with Vantage.of() as vantage:
        return await look_in_time(kind, target, options, timeout, vantage)


async def test_a_port_that_lets_us_connect_is_ok() -> None:
    async with listening(mute, read=False) as port:
        outcome = await at("tcp", "127.0.0.1", port=port)
    assert (outcome.verdict, set(outcome.phases)) == (Verdict.OK, {"connect"})


async def test_a_port_that_nobody_opened_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = await at("tcp", "127.0.0.1", port=taken.getsockname()[1])
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.REFUSED)


async def test_a_port_that_does_not_answer_is_a_timeout_at_the_deadline() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # they fill the queue, which nobody empties
            waiting.setblocking(False)  # noqa: FBT003 - the library's
            waiting.connect_ex(full.getsockname())
        outcome = await at("tcp", "127.0.0.1", 0.3, port=full.getsockname()[1])
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("name", "options", "verdict", "reason"),
    [
        ("portal", {}, Verdict.OK, None),
        ("portal", {"expect": "198.18.0.9"}, Verdict.OK, None),
        ("portal", {"expect": "198.18.0.8"}, Verdict.FAIL, Reason.DNS_WRONG_ANSWER),
        ("portal", {"type": "AAAA"}, Verdict.FAIL, Reason.DNS_NO_ANSWER),
        ("hilang", {}, Verdict.FAIL, Reason.DNS_NXDOMAIN),
        ("rusak", {}, Verdict.FAIL, Reason.DNS_SERVFAIL),
        ("diam", {}, Verdict.FAIL, Reason.DNS_TIMEOUT),
    ],
)
async def test_a_name_server_is_judged_by_its_answer(
    name: str, options: dict[str, object], verdict: Verdict, reason: Reason | None
) -> None:
    async with naming(portal="198.18.0.9", rusak=dns.rcode.SERVFAIL, diam=None) as server:
        outcome = await at("dns", server, 0.3, name=f"{name}.pantau.test", **options)
    assert (outcome.verdict, outcome.reason) == (verdict, reason), outcome.detail


async def test_one_dead_or_lame_name_server_of_two_does_not_matter() -> None:
    async with naming(portal="127.0.0.1") as good, naming(portal=REFUSED) as lame, naming(portal=None) as dead:
        for servers in ([lame, good], [dead, good]):
            async with Vantage.of(servers) as vantage:
                assert await vantage.share(Names).resolve("portal.pantau.test", Attempt(1.0)) == ["127.0.0.1"]


def test_that_we_have_no_way_to_a_target_is_our_own_fault_whatever_the_kind() -> None:
    keys: dict[str, dict[str, object]] = {
        "tcp": {"port": 22},
        "dns": {"name": "simpus.pantau.test"},
        "icmp": {},
        "snmp": {},
        "http": {},
        "ntp": {},
        "domain": {"target": "pasuruankota.go.id", "server": "http://198.18.0.1/"},
    }
    found = look_inside("", *({"kind": kind, "target": "198.18.0.1", **more} for kind, more in keys.items()))
    assert {(each["verdict"], each["reason"]) for each in found.values()} == {("UNSURE", "no_route")}, found
    assert set(keys) | {"push"} == set(PROBES)  # which sends nothing


async def test_noise_from_a_name_server_is_passed_over() -> None:
    class Noisy(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for noise in (b"", b"\0" * 5, data[:2] + b"\xff" * 40, b"\0\0" + data[2:]):
                transport.sendto(noise, addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Noisy, local_addr=("127.0.0.1", 0))
    server = "127.0.0.1:{}".format(transport.get_extra_info("sockname")[1])
    outcome = await at("dns", server, 0.3, name="portal.pantau.test")
    transport.close()
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.DNS_TIMEOUT)


@pytest.mark.parametrize("text", ["", "nama", "127.0.0.1:0", "127.0.0.1:x", "[::1"])
def test_what_is_no_name_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        server_of(text + "]x" if text.startswith("[") else text)


@pytest.mark.parametrize("kind", ["icmp", "tcp", "http", "snmp", "ntp"])
@pytest.mark.parametrize("target", ["fe80::1", "fe80::1%lo"])
async def test_an_address_of_one_link_only_is_no_target_and_says_so(kind: str, target: str) -> None:
    keys: dict[str, dict[str, object]] = {"tcp": {"port": 80}, "http": {"url": f"http://[{target}]/"}}
    outcome = await at(kind, target, **keys.get(kind, {}))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_ROUTE), outcome
    assert "one link only" in outcome.detail


def test_a_name_server_that_a_router_gives_out_by_an_address_of_its_link_is_asked() -> None:
    link = "ip link add here type veth peer name there; ip link set here up; ip link set there up; ip addr add fe80::53/64 dev here nodad"
    asked = [{"kind": "dns", "target": f"[fe80::53%{link}]:9", "name": "a.test", "timeout": 2} for link in ("here", "nope")]
    here, nowhere = look_inside(link, *asked).values()
    assert (here["verdict"], here["reason"]) == ("FAIL", "refused"), here
    assert (nowhere["verdict"], nowhere["reason"]) == ("UNSURE", "no_route"), nowhere


async def test_a_name_that_cannot_be_one_does_not_exist() -> None:
    async with naming() as server, Vantage.of([server]) as vantage:
        for name in ("a..b", "x" * 70 + ".test", ".".join(["a"] * 200)):
            outcome = await look_at("tcp", name, {"port": 1}, 1.0, vantage)
            assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.DNS_NXDOMAIN)


async def test_a_bug_of_ours_is_unsure_and_does_not_say_what_it_held(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> list[str]:
        raise ZeroDivisionError("hunter2")

    monkeypatch.setattr(Names, "resolve", broken)
    outcome = await at("tcp", "127.0.0.1", port=1)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.INTERNAL)
    assert "ZeroDivisionError at " in outcome.detail
    assert "hunter2" not in outcome.detail


async def test_a_look_that_is_cancelled_is_cancelled() -> None:
    async with listening(mute, read=False) as port, Vantage.of() as vantage:
        looking = asyncio.create_task(look_at("http", f"http://127.0.0.1:{port}/", {}, 5.0, vantage))
        await asyncio.sleep(0)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking


async def test_wrong_keys_of_a_check_are_named_and_make_it_unsure() -> None:
    async with Vantage.of() as vantage:
        outcome = await look(Check("a/tcp", "a", "tcp", "127.0.0.1", Grade.APP, 20, 1, {"prot": 80}), vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.INTERNAL)
    assert "prot: " in outcome.detail
    with pytest.raises(PantauError, match="prot: "):
        await probe_once("tcp", "127.0.0.1", {"prot": 80})
    with pytest.raises(PantauError, match="there are icmp, snmp, http, tcp, dns, ntp, push, domain"):
        await probe_once("tpc", "127.0.0.1", {})


@pytest.mark.parametrize("kind", PROBES)
def test_every_kind_refuses_unknown_keys_and_has_a_line_in_two_languages(kind: str) -> None:
    with pytest.raises(ValidationError):
        read_options(kind, {"unknown": 1})
    assert " · " in PROBES[kind].summary


async def test_a_batch_answers_every_line_and_says_whether_all_were_looked_at() -> None:
    answers: list[str] = []
    async with listening(mute, read=False) as port:
        lines = [
            json.dumps({"id": "a", "kind": "tcp", "target": "127.0.0.1", "port": port, "timeout": 2}),
            json.dumps({"id": "b", "kind": "tcp", "target": "127.0.0.1", "port": port, "timeout": "x"}),
            json.dumps({"id": "c", "kind": "tcp", "target": "127.0.0.1"}),
            json.dumps({"id": "d", "kind": "kita", "target": "127.0.0.1"}),
            "no json",
            "[" * 100_000,
            "",
        ]
        assert not await probe_batch(lines, answers.append)
        assert await probe_batch(lines[:1], lambda _: None)
    said = [(answer["id"], answer["verdict"], set(answer)) for answer in map(json.loads, answers)]
    shape = {"id", "verdict", "reason", "detail", "seconds", "phases", "values"}
    verdicts = {"a": "OK", "b": "UNSURE", "c": "UNSURE", "d": "UNSURE", None: "UNSURE"}
    assert sorted(map(str, said)) == sorted(str((name, verdicts[name], keys)) for name, _, keys in said)
    assert [keys == shape for _, _, keys in said] == [True] * 6
