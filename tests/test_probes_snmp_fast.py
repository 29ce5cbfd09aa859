"""The back end `fast`: it is really used, finds what the other finds, and hands over what it cannot read."""

from pathlib import Path

import pytest

from monitor.core.verdict import Reason, Verdict
from monitor.lab.snmp_agent import Question, View
from monitor.probes import Vantage, ber, read_options
from monitor.probes.deadline import look_at
from monitor.probes.snmp import Devices
from monitor.probes.snmp_codec import Codec
from monitor.probes.snmp_engine import Engines
from monitor.probes.snmp_message import answer, question
from tests.agents import NEXT, agent, honest, recorded
from tests.agents_v3 import AUTH, Self, agent3
from tests.test_probes_snmp import PRIV, free_port, look, snmpd
from tests.zoo import OPER, RECORDINGS, WELL, interfaces, raw

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
    monkeypatch.setattr("monitor.probes.snmp_codec._installed", lambda: False)
    async with Vantage.of() as vantage, agent(WELL) as (port, _):
        outcome = await look_at("snmp", "127.0.0.1", {"port": port, "backend": "fast"}, 2.0, vantage)
        plain = await look_at("snmp", "127.0.0.1", {"port": port}, 2.0, vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.INTERNAL)
    assert "pantau[fast]" in outcome.detail
    assert plain.verdict is Verdict.OK
