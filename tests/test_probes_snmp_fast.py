"""The back end `fast`: it is really used, finds what the other finds, and hands over what it cannot read."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.core.city import Check
from monitor.core.errors import Exit, PantauError
from monitor.core.rules import Grade
from monitor.core.verdict import Reason, Verdict
from monitor.lab.snmp_agent import Question, View
from monitor.probes import Vantage, ber, read_options, ready
from monitor.probes.deadline import look_at
from monitor.probes.snmp import Devices
from monitor.probes.snmp_codec import Codec
from monitor.probes.snmp_engine import Engines, message_number
from monitor.probes.snmp_fast_user import Codec3, in_clear
from monitor.probes.snmp_message import answer, question
from monitor.probes.snmp_options import SnmpOptions
from tests import agents_v3 as v3
from tests.agents import NEXT, agent, honest, recorded
from tests.agents_v3 import AUTH, Peer3, Self, agent3, master
from tests.ground import free_port
from tests.test_probes_snmp import PRIV, look, snmpd
from tests.zoo_snmp import OPER, RECORDINGS, WELL, interfaces, raw


def signed() -> tuple[Codec3, bytes]:
    """A codec that met an agent, and a message that the agent signed."""
    codec = Codec3(SnmpOptions(user="aman", auth=AUTH), master(), b"")
    peer = Peer3(WELL, Self(), lambda _, said: said)
    for learn in (codec.meet, codec.agree):
        asked = codec.said(codec.gufo.send_refresh)
        assert asked is not None
        assert learn(peer.answer(v3.read(asked)))
    asked = codec.encode("get", [OPER], 0)
    assert asked is not None
    return codec, peer.answer(v3.read(asked))


V3: dict[str, object] = {"user": "aman", "auth": AUTH}


@pytest.mark.parametrize("protocol", ["md5", "sha", "sha224", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("privacy", ["", "des", "aes", "aes192", "aes256"])
async def test_snmpd_is_read_by_gufo_alone_at_every_level(tmp_path: Path, protocol: str, privacy: str) -> None:
    port, word = free_port(), {"sha": "SHA"}.get(protocol, protocol.upper().replace("SHA", "SHA-"))
    expands = {"aes192": 24, "aes256": 32}.get(privacy, 0) > {"md5": 16, "sha": 20, "sha224": 28}.get(protocol, 32)
    # The C: keys made longer as Cisco does, and as pysnmp does; net-snmp has another way besides.
    hidden = f'{privacy.upper()}{"C" if expands else ""} "{PRIV}"' if privacy else ""
    keys = {"user": "uji", "auth": AUTH, "auth_protocol": protocol} | ({"priv": PRIV, "priv_protocol": privacy} if privacy else {})
    async with snmpd(tmp_path, port, users={"uji": f'{word} "{AUTH}" {hidden}'}), Vantage.of() as vantage:
        outcome = await look(port, {**keys, "backend": "fast", "read": "system, interfaces"}, vantage)
        assert (outcome.verdict, outcome.values.get("sysName")) == (Verdict.OK, "router-uji"), outcome
        assert not vantage.share(Engines).made


async def test_a_device_that_is_known_is_asked_at_once_and_one_that_restarted_is_met_anew() -> None:
    async with Vantage.of() as vantage, agent3(WELL) as (port, peer):
        keys = {**V3, "backend": "fast", "port": port, "read": "system"}
        first = await look_at("snmp", "127.0.0.1", keys, 5.0, vantage)
        met = peer.questions
        second = await look_at("snmp", "127.0.0.1", keys, 5.0, vantage)
        assert (first.verdict, second.verdict, met, peer.questions) == (Verdict.OK, Verdict.OK, 3, 4)
        peer.who = Self(boots=9, time=5)
        third = await look_at("snmp", "127.0.0.1", keys, 5.0, vantage)
        assert third.verdict is Verdict.OK


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.snmprec")), ids=lambda path: path.stem)
async def test_both_back_ends_read_the_same(path: Path) -> None:
    found = []
    async with agent(recorded(path)) as (port, _), Vantage.of() as vantage:
        for backend in ("pysnmp", "fast"):
            for _ in range(2):
                keys = {"port": port, "read": "system, interfaces, ups, lldp", "backend": backend, "max_interfaces": 4096}
                found.append((await look_at("snmp", "127.0.0.1", keys, 10.0, vantage)).values)
    assert found[0]["interfaces"]
    assert all(values == found[0] for values in found[1:])


@pytest.mark.parametrize("bindings", [b"\x30\x00", ber.tlv(0x30, ber.oid((*OPER, 1)) + b"\x81\x00")], ids=["empty", "absent"])
async def test_what_makes_gufo_panic_is_in_doubt_and_ends_nothing(bindings: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    def odd(asked: Question, view: View) -> bytes:
        return raw(asked, bindings) if asked.kind == NEXT else honest(asked, view)

    async with agent(WELL, odd) as (port, _), Vantage.of() as vantage:
        keys = {"port": port, "read": "interfaces", "backend": "fast", "version": "2c"}
        vantage.share(Devices).of("127.0.0.1", read_options("snmp", keys)).repetitions = 1  # as learned: it knows no GETBULK
        outcomes = [await look_at("snmp", "127.0.0.1", keys, 1.0, vantage) for _ in range(2)]
    assert "panicked" in capfd.readouterr().err
    assert not {outcome.reason for outcome in outcomes} & {Reason.INTERNAL}


def test_a_codec_keeps_its_place_and_says_when_it_lost_it() -> None:
    from gufo.snmp._fast import SnmpV2cClientSocket  # noqa: PLC0415 - only where it is there

    codec = Codec(lambda near: SnmpV2cClientSocket(near, "kota", 0, 0, 0, 0))
    assert not os.get_blocking(codec.gufo.get_fd())  # or what gufo throws away would make it wait for ever
    first = codec.encode("bulk", [OPER], 10)
    assert first is not None
    assert codec.encode("bulk", [(*OPER, 4)], 10) is None
    assert codec.decode("bulk", [OPER], b"\x30\x00") is None
    with pytest.raises(ValueError, match="not an answer"):
        answer(question("2c", "kota", "get", [OPER], 0, 1))
    codec.close()


async def test_a_table_is_asked_in_larger_pieces_once_they_are_known_to_fit() -> None:
    async with agent(interfaces(range(1, 200))) as (port, peer), Vantage.of() as vantage:
        keys = {"port": port, "read": "interfaces", "backend": "fast", "max_interfaces": 4096}
        for _ in range(2):
            await look_at("snmp", "127.0.0.1", keys, 10.0, vantage)
    asked = [each.second for each in peer.heard if each.kind == 0xA5]
    assert (asked[0], max(asked)) == (10, 40)


async def test_fast_that_is_set_but_not_installed_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.probes.snmp_codec.installed", lambda: False)
    async with Vantage.of() as vantage, agent(WELL) as (port, _):
        outcome = await look_at("snmp", "127.0.0.1", {"port": port, "backend": "fast"}, 2.0, vantage)
        plain = await look_at("snmp", "127.0.0.1", {"port": port}, 2.0, vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.INTERNAL)
    assert "pantau[fast]" in outcome.detail
    assert plain.verdict is Verdict.OK


def test_a_city_that_is_set_to_what_is_not_installed_says_so_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.probes.snmp.installed", lambda: False)
    ready(Vantage.of(), [Check("x/snmp", "x", "snmp", "127.0.0.1", Grade.FIBRE, 60, 5)])
    with pytest.raises(PantauError, match=r"snmp_backend: the back end `fast` needs .* pip install 'pantau\[fast\]'") as raised:
        ready(Vantage.of(snmp_backend="fast"), [Check("x/snmp", "x", "snmp", "127.0.0.1", Grade.FIBRE, 60, 5)])
    assert raised.value.status == Exit.MISSING


def test_noise_within_a_message_of_version_3_is_refused_and_nothing_else_happens() -> None:
    codec, whole = signed()
    assert codec.authentic(whole)

    @given(st.binary(min_size=1, max_size=120), st.integers(0, len(whole)))
    @example(b"\x30\x07\x02\x01\x03\x30\x00\x04\x00", 0)
    def holds(noise: bytes, at: int) -> None:
        spoilt = whole[:at] + noise + whole[at + len(noise) :]
        with suppress(ValueError):
            message_number(spoilt)
        assert not codec.authentic(spoilt) or spoilt == whole
        in_clear(whole, spoilt, "get", [OPER], 0)

    holds()
    codec.close()


async def test_many_codecs_that_nobody_uses_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.probes.snmp_codec.Codecs.most", 4)
    async with Vantage.of() as vantage, agent(WELL) as (port, _):
        await look_at("snmp", "127.0.0.1", {"port": port, "backend": "fast", "version": "2c"}, 5.0, vantage)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for number in range(12):
            keys = {"port": port, "backend": "fast", "version": "2c", "community": f"kota-{number}", "read": "interfaces"}
            assert (await look_at("snmp", "127.0.0.1", keys, 5.0, vantage)).verdict is Verdict.OK
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2 * 4
