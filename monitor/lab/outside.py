"""The process that a person starts: opens the page's and the control socket, parts from the machine, forks the city and waits.

The child is process 1 of a PID namespace and dies with its parent, so nothing can outlive the city, whatever ends it. The
control socket has an abstract name: no file is left behind, and cities with different XDG_RUNTIME_DIR stand side by side.
"""

import errno
import json
import os
import resource
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from monitor.control import bind
from monitor.core.city import City
from monitor.core.errors import Exit, PantauError
from monitor.lab import inside, kernel
from monitor.lab.client import control_address
from monitor.lab.plan import draw

_SPACES = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET
_REFUSALS = {
    "kernel/unprivileged_userns_clone": "0",
    "kernel/apparmor_restrict_unprivileged_userns": "1",
    "user/max_user_namespaces": "0",
}
_DESCRIPTORS = 65536


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: the city, its inventory's file, where its daemon keeps its journal and where the page answers.

    `daemon` is the program and its first words (the `pantau` beside this Python, unless given); `plain` makes the namespaces
    without a user namespace (as root, unless given).
    """

    city: City
    config: Path
    data_dir: Path
    listen: tuple[str, int]
    daemon: tuple[str, ...] = ()
    plain: bool | None = None


def run(wish: Wish) -> int:
    """Build the city in a child, wait for its end, return its exit status. Raises PantauError (69) when the kernel refuses."""
    plan = draw(wish.city)
    page, control = _listen(wish.listen), _control()
    _raise_limit()
    url = _url(page)
    report, reporting = os.pipe()
    lifeline, life = os.pipe()
    _part(plain=wish.plain)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(report)
        os.close(life)
        order = inside.Order(wish.city, plan, wish.config, wish.data_dir, wish.daemon, page, url, control, reporting)
        raise SystemExit(_be_the_city(order, lifeline))
    for ours in (reporting, lifeline):
        os.close(ours)
    page.close()
    control.close()
    return _watch(child, report, url)


def _control() -> socket.socket:
    try:
        return bind(control_address())
    except PantauError as error:
        text = "a city of yours is running already: end it, or give this one a place of its own, as in"
        raise PantauError(
            f"{text} `XDG_RUNTIME_DIR=/tmp/dua pantau lab up --data-dir /tmp/dua --listen 127.0.0.1:9476`", status=Exit.MISSING
        ) from error


def _listen(where: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
        sock.listen(256)
    except OSError as error:
        sock.close()
        raise PantauError(
            f"{where[0]}:{where[1]}: cannot listen there: {error.strerror}; give another --listen", status=Exit.MISSING
        ) from error
    return sock


def _url(page: socket.socket) -> str:
    """Return where a browser on this machine finds the page; "every address" is no address to go to."""
    host, port = page.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what it must not say
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _raise_limit() -> None:
    """A namespace and an agent's socket a station: more descriptors than a shell usually gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _part(*, plain: bool | None) -> None:
    """Leave the machine's namespaces: as root without a user namespace, else (or where that is refused) inside one."""
    root = os.geteuid() == 0
    if plain or (plain is None and root):
        try:
            kernel.unshare(_SPACES)
        except OSError as error:
            if plain or error.errno != errno.EPERM:
                raise _refused(error) from error
        else:
            return
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.unshare(_SPACES | kernel.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    except OSError as error:
        raise _refused(error) from error


def _refused(error: OSError) -> PantauError:
    """Say which switch stands in the way, or that the container does."""
    for name, refuses in _REFUSALS.items():
        path = Path("/proc/sys") / name
        if path.exists() and path.read_text().strip() == refuses:
            wanted = {"0": "1", "1": "0"}[refuses] if "max" not in name else "10000"
            hint = f"switch it on: sysctl -w {name.replace('/', '.')}={wanted} (or run as root)"
            break
    else:
        hint = "in a container or chroot run it as root with CAP_SYS_ADMIN (docker run --privileged), or on the machine itself"
    return PantauError(f"the kernel refuses the namespaces that the city is built of ({error.strerror}): {hint}", status=Exit.MISSING)


def _be_the_city(order: inside.Order, lifeline: int) -> int:
    """Be process 1 of the city; return its exit status."""
    kernel.die_with_parent()
    os.set_blocking(lifeline, False)
    try:
        os.read(lifeline, 1)
    except BlockingIOError:
        return inside.main(order)
    return Exit.MISSING  # the parent ended before we were bound to it


def _watch(child: int, report: int, url: str) -> int:
    """Show what the city reports, hand signals on, wait for its end."""
    asked = 0

    def hand_on(_number: int, _frame: object) -> None:
        nonlocal asked
        asked += 1
        os.kill(child, signal.SIGTERM if asked < 3 else signal.SIGKILL)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, hand_on)
    console = Console(stderr=False, highlight=False, soft_wrap=True)
    error = ""
    console.print("kota dibangun · building the city", style="dim")
    with os.fdopen(report, encoding="utf-8") as lines:  # no spinner: past the door of a PID namespace no thread can be started
        for word in map(json.loads, lines):
            if "error" in word:
                error = word["error"]
            elif "ready" in word:
                console.print(_what_now(url, word["ready"]))
            else:
                console.print(word["step"], style="dim")
    _pid, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if error:
        raise PantauError(error, status=Exit.MISSING)
    return 0 if asked and code != 0 else max(code, -code)


def _what_now(url: str, ready: str) -> str:
    return "\n".join((
        f"[bold green]Kota hidup · the city is up[/]  {ready}",
        f"  halaman · page        [bold]{url}[/]",
        "  putuskan · cut        pantau lab cut kec-gadingrejo     lalu · then: pantau lab restore kec-gadingrejo",
        "  ponsel · phones       pantau lab phone --follow",
        "  nama-nama · names     pantau lab list",
        "  akhiri · end          Ctrl-C",
    ))  # fmt: skip
