"""SNMP looks at a real agent: net-snmp's snmpd, as it stands in servers and in many a router."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, read_options
from tests.conftest import need
from tests.ground import free_port
from tests.webs import look_in_time

AUTH, PRIV = "rahasia-otentikasi", "rahasia-penyandian"
COMMUNITY: dict[str, object] = {"community": "kota"}
USER: dict[str, object] = {"user": "aman", "auth": AUTH, "priv": PRIV}
USERS = {
    "aman": f'SHA "{AUTH}" AES "{PRIV}"',
    "baru": f'SHA-256 "{AUTH}" AES "{PRIV}"',
    "setengah": f'SHA-512 "{AUTH}"',
    "lama": f'MD5 "{AUTH}" DES "{PRIV}"',
    "buka": "",
    "ketat": f'SHA "{AUTH}" AES "{PRIV}"',
}
STRICT = {"ketat": "priv"}
"""Users who see something only by messages that are encrypted."""


@asynccontextmanager
async def snmpd(folder: Path, port: int, name: str = "router-uji", users: Mapping[str, str] = USERS) -> AsyncIterator[None]:
    """Run net-snmp's agent with its own memory (boots, keys) in `folder`; it says its version when it listens."""
    folder.mkdir(exist_ok=True)
    lines = [f"createUser {user} {keys}\nrouser {user} {STRICT.get(user, 'auth' if keys else 'noauth')}" for user, keys in users.items()]
    config = folder / "snmpd.conf"
    config.write_text("\n".join([f"sysName {name}", "rocommunity kota 127.0.0.1", *lines]), encoding="utf-8")
    words = (need("snmpd"), "-f", "-C", "-c", str(config), "-Le", "-I", "-smux", f"udp:127.0.0.1:{port}")
    surroundings = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "memory"), "MIBS": ""}
    process = await asyncio.create_subprocess_exec(*words, env=surroundings, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            while b"NET-SNMP version" not in (line := await process.stderr.readline()):
                assert line, "snmpd ended"
        yield
    finally:
        process.terminate()
        await process.communicate()


async def look(port: int, options: dict[str, object], vantage: Vantage | None = None, timeout: float = 5.0) -> Outcome:
    keys = {"port": port, "read": "system", **options}
    if vantage is not None:
        return await look_in_time("snmp", "127.0.0.1", keys, timeout, vantage)
    async with Vantage.of() as own:
        return await look_in_time("snmp", "127.0.0.1", keys, timeout, own)


def named(outcome: Outcome) -> tuple[Verdict, object]:
    return outcome.verdict, outcome.values.get("sysName")


@pytest.mark.parametrize(
    "options",
    [
        COMMUNITY,
        {**COMMUNITY, "version": "1"},
        USER,
        {**USER, "user": "baru", "auth_protocol": "sha256"},
        {**USER, "user": "lama", "auth_protocol": "md5", "priv_protocol": "des"},
        {"user": "setengah", "auth": AUTH, "auth_protocol": "sha512"},
        {"user": "buka"},
    ],
    ids=["2c", "1", "sha-aes", "sha256-aes", "md5-des", "sha512-clear", "noauth"],
)
async def test_snmpd_tells_its_system_in_every_version_and_at_every_level(tmp_path: Path, options: dict[str, object]) -> None:
    port = free_port()
    async with snmpd(tmp_path, port):
        outcome = await look(port, options)
    assert (named(outcome), outcome.reason, outcome.detail) == ((Verdict.OK, "router-uji"), None, "")
    assert "Linux" in str(outcome.values["sysDescr"])


@pytest.mark.parametrize("options", [COMMUNITY, USER], ids=["2c", "v3"])
async def test_its_interfaces_are_those_of_the_kernel_with_64_bit_counters(tmp_path: Path, options: dict[str, object]) -> None:
    port = free_port()
    async with snmpd(tmp_path, port):
        outcome = await look(port, {**options, "read": ["system", "interfaces"]})
    rows = outcome.values["interfaces"]
    assert isinstance(rows, list)
    assert {(row["index"], row["name"]) for row in rows} >= {(socket.if_nametoindex("lo"), "lo")}
    assert [(row["oper"], row["bits"]) for row in rows if row["name"] == "lo"] == [("up", 64)]


async def test_a_wrong_key_or_user_is_ours_and_a_wrong_community_is_silence(tmp_path: Path) -> None:
    port = free_port()
    async with snmpd(tmp_path, port):
        wrong = [await look(port, {**USER, **other}) for other in ({"auth": "x" * 8}, {"user": "siapa"}, {"auth_protocol": "sha256"})]
        unread = await look(port, {**USER, "priv": "x" * 8}, timeout=4.0)
        silent = await look(port, {"community": "salah"}, timeout=1.5)
    assert {(outcome.verdict, outcome.reason) for outcome in (*wrong, unread)} == {(Verdict.UNSURE, Reason.SNMP_AUTH)}
    assert (silent.verdict, silent.reason) == (Verdict.FAIL, Reason.SNMP_TIMEOUT)
    assert not [outcome for outcome in (*wrong, unread) if "rahasia" in outcome.detail]


@pytest.mark.parametrize("backend", ["pysnmp", "fast"])
async def test_who_may_not_see_it_at_this_level_was_given_too_little_and_that_is_ours(tmp_path: Path, backend: str) -> None:
    port = free_port()
    async with snmpd(tmp_path, port):
        well = await look(port, {**USER, "user": "ketat", "backend": backend})
        outcome = await look(port, {"user": "ketat", "auth": AUTH, "backend": backend})
    assert named(well) == (Verdict.OK, "router-uji")
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.SNMP_AUTH), outcome
    assert "authorizationError" in outcome.detail


@pytest.mark.parametrize("options", [COMMUNITY, USER], ids=["2c", "v3"])
async def test_an_agent_that_lacks_what_was_asked_for_needs_care_and_says_what(tmp_path: Path, options: dict[str, object]) -> None:
    port = free_port()
    async with snmpd(tmp_path, port):
        outcome = await look(port, {**options, "read": ["system", "ups", "1.3.6.1.2.1.1.5.0", "1.3.6.1.4.1.318.1"]})
    assert (named(outcome), outcome.reason) == ((Verdict.WARN, "router-uji"), Reason.SNMP_MISSING)
    assert outcome.detail == "the agent answers, but has nothing of ups, 1.3.6.1.4.1.318.1"


@pytest.mark.parametrize(
    "raw",
    [
        {"read": "3.1.3"},
        {"read": "1.40.1"},
        {"read": "1.3.4294967296"},
        {"read": "1.99999999999999.3"},
        {"auth": "!env X"},
        {"user": "a", "priv": "!env X"},
    ],
)
def test_wrong_keys_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read_options("snmp", raw)


@pytest.mark.parametrize("word", ["1.3.6.1.4294967295", ".2.999.3", "0.39"])
def test_an_oid_may_be_any(word: str) -> None:
    assert read_options("snmp", {"read": word}).oids == {word: tuple(map(int, word.strip(".").split(".")))}


async def test_two_devices_may_know_two_keys_by_one_name(tmp_path: Path) -> None:
    """Asked at the same time, each is asked with its own."""
    other = "rahasia-yang-lain"
    users = {"aman": f'SHA "{other}" AES "{other}"'}
    ports = free_port(), free_port()
    keys = {**USER, "backend": "pysnmp"}, {**USER, "auth": other, "priv": other, "backend": "pysnmp"}
    async with snmpd(tmp_path / "a", ports[0], "satu"), snmpd(tmp_path / "b", ports[1], "dua", users), Vantage.of() as vantage:
        for _ in range(3):
            found = await asyncio.gather(*(look(port, each, vantage) for port, each in zip(ports, keys, strict=True)))
            assert [named(outcome) for outcome in found] == [(Verdict.OK, "satu"), (Verdict.OK, "dua")]


async def test_an_agent_that_restarts_and_another_one_at_its_address_cost_at_most_one_look_that_says_nothing(tmp_path: Path) -> None:
    """A restart counts its boots, another device has another engine (RFC 3414, 2.2): never an outage, and understood by the next look."""
    port = free_port()
    async with Vantage.of() as vantage:
        for folder, name in (("a", "router-uji"), ("a", "router-uji"), ("b", "router-baru"), ("a", "router-uji")):
            async with snmpd(tmp_path / folder, port, name):
                first = await look(port, USER, vantage, timeout=1.5)
                second = await look(port, USER, vantage)
            assert first.verdict in {Verdict.OK, Verdict.UNSURE}
            assert named(second) == (Verdict.OK, name)
