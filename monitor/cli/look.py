"""`pantau probe` and `pantau ping`: the daemon's own looking code, once and now."""

import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.quantities import Number
from monitor.cli.terminal import show
from monitor.core.errors import Exit, PantauError
from monitor.core.verdict import Outcome, Verdict
from monitor.garbage import put_off

if TYPE_CHECKING:
    from monitor.probes.explained import Told

NOTHING = "nothing was sent, and nothing came"
STATUS = {Verdict.OK: Exit.OK, Verdict.SLOW: Exit.WARNING, Verdict.WARN: Exit.WARNING, Verdict.FAIL: Exit.CRITICAL}


@click.command()
@click.argument("kind", required=False)
@click.argument("target", required=False)
@click.argument("keys", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--batch", type=click.Path(path_type=Path, allow_dash=True), help="JSON lines in (a file or -), JSON lines out.")
@click.option("--explain", is_flag=True, help="Say what was sent and received, without secrets.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def probe(kind: str | None, target: str | None, keys: tuple[str, ...], batch: Path | None, explain: bool, form: str) -> int:  # noqa: FBT001 - a flag of the command line
    """Periksa sekali, sekarang. / Look once, now.

    Contoh / example: pantau probe http https://portal.pantau.test expect_status=200 timeout=5
    """
    from monitor.probes import batch as looking
    from monitor.probes.room import claim

    if batch is not None:
        if kind or explain:
            raise click.UsageError(f"{kind or '--explain'}: --batch says in its lines what to look at, and answers in lines")
        with click.open_file(str(batch), errors="replace") as lines:
            return 0 if asyncio.run(looking.probe_batch(lines, show, claim())) else 1
    if not kind or not target:
        raise click.UsageError("say what to look at: pantau probe KIND TARGET [KEY=VALUE]...")
    options = _pairs(keys)
    told: list[Told] = []
    outcome = asyncio.run(looking.probe_once(kind, target, options, told.append if explain else None))
    if form == "json":
        exchanges = {"exchanges": [line.as_json() for line in told]} if explain else {}
        show(json.dumps(looking.as_json(outcome) | exchanges, ensure_ascii=False))
    else:
        show(*(map(str, told) if told or not explain else [NOTHING]), *_lines(outcome))
    return STATUS.get(outcome.verdict, Exit.UNKNOWN)


def _pairs(words: tuple[str, ...]) -> dict[str, object]:
    pairs = [_pair(word) for word in words]
    options = dict(pairs)
    if len(options) < len(pairs):
        said = [key for key, _ in pairs]
        raise click.UsageError(f"{next(key for key in said if said.count(key) > 1)}: stands there twice")
    return options


def _pair(word: str) -> tuple[str, object]:
    """Read `key=value`; a value that is JSON is taken as such, anything else as text."""
    key, found, value = word.partition("=")
    if not found:
        raise click.UsageError(f"{word}: not KEY=VALUE")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        return key, value


def _lines(outcome: Outcome) -> Iterable[str]:
    reason = f" ({outcome.reason.value})" if outcome.reason else ""
    took = f" {outcome.seconds * 1000:.2f} ms" if outcome.seconds is not None else ""
    yield f"{outcome.verdict.value}{reason}{took}{': ' + outcome.detail if outcome.detail else ''}"
    if outcome.phases:
        yield "  " + ", ".join(f"{name} {seconds * 1000:.2f} ms" for name, seconds in outcome.phases.items())
    for name, value in outcome.values.items():
        yield f"  {name}: {value}"


@click.command()
@click.argument("addresses", nargs=-1, required=True)
@click.option("--count", default=3, show_default=True, type=click.IntRange(1, 1000))
@click.option("--interval", default=1.0, show_default=True, type=Number(0.001, 60), help="Seconds between packets to one address.")
@click.option("--timeout", default=2.0, show_default=True, type=Number(0.01, 60), help="Seconds to wait for each answer.")
@click.option(
    "--spacing",
    type=Number(0, 1),
    help="Seconds between packets to different addresses; 0: as fast as it can. Not said: 0 up to 128, then 20e-6.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Text is a live table on a terminal.")
@click.option("--size", type=int, help="Bytes of data in each packet.")
@click.option("--df", is_flag=True, default=None, help="Packets may not be divided on the way.")
@click.option("--ttl", type=int, help="Routers that may pass a packet on.")
@click.option("--source", help="Address of this machine to send from.")
def ping(addresses: tuple[str, ...], count: int, interval: float, timeout: float, spacing: float | None, form: str, **keys: object) -> int:
    """Ping banyak alamat sekaligus; `-` membaca daftar dari masukan. / Many at once; `-` reads a list from standard input.

    On a terminal a table is kept up to date, the worst first; Ctrl-C ends it with what there is. Elsewhere: the lines of fping.
    In a list, empty lines and what follows a # count as nothing.

    Contoh / example: pantau ping 127.0.0.1 127.0.0.2 --count 3
    """
    from monitor.probes import batch as looking

    wanted = [word for each in addresses for word in (_listed() if each == "-" else [each])]
    if not wanted:
        raise PantauError("no address to ping", status=Exit.UNKNOWN)
    given = {key: value for key, value in keys.items() if value is not None}
    put_off()
    if form == "text" and sys.stdout.isatty():
        from monitor.cli.pings import Screen

        with Screen(count) as screen:
            found = asyncio.run(looking.ping(wanted, count, interval, timeout, screen.show, given, spacing))
            screen.show(found)
    else:
        found = asyncio.run(looking.ping(wanted, count, interval, timeout, keys=given, spacing=spacing))
        rows = found.values()
        show(*([json.dumps([row.as_json() for row in rows])] if form == "json" else (row.summary() for row in rows)))
    return 0 if all(line.received for line in found.values()) else 1


def _listed() -> list[str]:
    with click.open_file("-", errors="replace") as lines:
        return [word for line in lines for word in line.partition("#")[0].split()]
