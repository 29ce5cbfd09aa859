"""Looks at devices as snmpsim plays them from recordings: an agent that none of us wrote says of each what our own agent says of it."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.core.verdict import Outcome, Reason
from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from tests.agents import agent, recorded
from tests.conftest import lack
from tests.ground import free_port
from tests.zoo_snmp import RECORDINGS, SHARED

DEVICES = {path.stem: path for folder in (RECORDINGS, SHARED) for path in sorted(folder.glob("*.snmprec"))}
KEYS: dict[str, object] = {"read": ["system", "interfaces"], "max_interfaces": 4096}
PATIENCE = 30.0


@asynccontextmanager
async def snmpsim(folder: Path) -> AsyncIterator[int]:
    """Run snmpsim over the recordings, each device by its name as community or as context; yields the port."""
    program = shutil.which("snmpsim-command-responder", path=str(Path(sys.executable).parent))
    if program is None:
        lack("snmpsim is not installed")
    data, port = folder / "devices", free_port()
    data.mkdir()
    for path in DEVICES.values():
        shutil.copyfile(path, data / path.name)
    words = [f"--data-dir={data}", f"--cache-dir={folder / 'cache'}", f"--agent-udpv4-endpoint=127.0.0.1:{port}", "--logging-method=stdout"]
    process = await asyncio.create_subprocess_exec(
        program, *words, "--process-user=root", "--process-group=root", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout
    try:
        said = b""
        async with asyncio.timeout(60):
            while b"Listening at" not in said:
                line = await process.stdout.readline()
                assert line, said.decode()
                said += line
        reading = asyncio.create_task(process.stdout.read())
        async with asyncio.timeout(60), Vantage.of() as vantage:  # it says so a moment before it does
            while (await look_at("snmp", "127.0.0.1", {"port": port, "community": "-"}, 0.2, vantage)).reason is Reason.REFUSED:
                pass
        yield port
        reading.cancel()
    finally:
        process.terminate()
        await process.wait()


def facts(outcome: Outcome) -> dict[str, object]:
    """Return what does not change from look to look."""
    return {key: value for key, value in outcome.values.items() if key not in ("uptime", "rtt")}


@pytest.mark.parametrize("backend", ["pysnmp", "fast"])
async def test_what_snmpsim_plays_is_read_as_what_our_own_agent_plays(tmp_path: Path, backend: str) -> None:
    async with snmpsim(tmp_path) as port, Vantage.of() as vantage:
        for device, path in DEVICES.items():
            keys = {**KEYS, "backend": backend}
            played = await look_at("snmp", "127.0.0.1", {**keys, "port": port, "community": device}, PATIENCE, vantage)
            async with agent(recorded(path)) as (own, _):
                ours = await look_at("snmp", "127.0.0.1", {**keys, "port": own}, PATIENCE, vantage)
            assert (device, played.verdict, played.detail) == (device, ours.verdict, ours.detail)
            assert (device, facts(played)) == (device, facts(ours))
