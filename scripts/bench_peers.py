"""The peers that benches compare with, and how CPU is counted."""

import contextlib
import http.client
import os
import resource
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

_KEPT = threading.local()
TICKS = os.sysconf("SC_CLK_TCK")


def need(program: str) -> str:
    """Return the path of a program, or end with the line that says what is missing."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise SystemExit(f"scripts/bench: {program} is not installed; .ci/run installs it")
    return path


def own_cpu() -> float:
    """Seconds of CPU of this process so far, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_of(pid: int) -> float:
    """Seconds of CPU of another process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when somebody listens on the port; end when the process did."""
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise SystemExit(f"scripts/bench: {process.args!r} ended with {process.returncode}")


@dataclass(frozen=True)
class Blackbox:
    """A running blackbox_exporter, asked by its HTTP API over one kept connection."""

    pid: int
    port: int

    def cost(self, module: str, targets: Sequence[str]) -> float:
        """Seconds of its CPU a probe, over the targets one after the other; every probe must succeed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        self._probe(connection, module, targets[0])
        before = cpu_of(self.pid)
        for target in targets:
            self._probe(connection, module, target)
        spent = cpu_of(self.pid) - before
        connection.close()
        return spent / len(targets)

    def ask(self, module: str, target: str) -> None:
        """Ask for one probe, over a connection of the calling thread that is kept; it must succeed."""
        connections: dict[int, http.client.HTTPConnection] = _KEPT.__dict__.setdefault("connections", {})
        connection = connections.setdefault(self.port, http.client.HTTPConnection("127.0.0.1", self.port))
        self._probe(connection, module, target)

    def _probe(self, connection: http.client.HTTPConnection, module: str, target: str) -> None:
        connection.request("GET", "/probe?" + urlencode({"module": module, "target": target}))
        if b"\nprobe_success 1" not in connection.getresponse().read():
            raise SystemExit(f"scripts/bench: blackbox_exporter does not reach {target}")


@contextlib.contextmanager
def blackbox(modules: str, folder: Path) -> Iterator[Blackbox]:
    """Run blackbox_exporter with these modules (YAML)."""
    config, port = folder / "blackbox.yml", free_port()
    config.write_text(modules + "\n")
    command = [
        need("prometheus-blackbox-exporter"),
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            await_port(port, process)
            yield Blackbox(process.pid, port)
        finally:
            process.kill()
