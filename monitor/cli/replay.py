"""`pantau replay`: recorded looks judged anew, through another policy, beside what was told."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.ask import data_folder, url_option
from monitor.cli.serve import default_data_dir
from monitor.cli.terminal import show
from monitor.core.errors import PantauError

if TYPE_CHECKING:
    from monitor.core.city import City
    from monitor.journal import Recorded
    from monitor.replay import Comparison, Difference, Rehearing

WARM_UP = 3600.0
SHOWN = 50_000
GROUPS = (
    ("added", "bertambah / added"),
    ("gone", "hilang / gone"),
    ("earlier", "lebih awal / earlier"),
    ("later", "lebih lambat / later"),
    ("unknowable", "tidak dapat diketahui / unknowable"),
)


@click.command()
@click.option("--policy", type=click.Path(path_type=Path), help="An inventory to judge by; default: the recorded ones.")
@click.option("--from", "begin", metavar="TIME", default="", help="As 7d (ago), 2026-11-24, 2026-11-24T02:14; default: all that is kept.")
@click.option("--to", "end", metavar="TIME", default="", help="Default: the newest look.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="The journal to read; default: the running daemon's.")
@url_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def replay(policy: Path | None, begin: str, end: str, data_dir: Path | None, url: str, form: str) -> int:
    """Nilai ulang catatan dengan aturan lain. / Judge recorded looks anew: which pages would come, go, be earlier or later.

    Contoh / example: pantau replay --policy new.yaml --from 7d
    """
    from monitor import inventory
    from monitor.journal import Recorded

    city = inventory.load(policy) if policy else None
    with closing(Recorded(data_dir or _folder(url))) as recorded:
        found = _judged(recorded, city, begin, end)
    if form == "json":
        show(json.dumps(found, ensure_ascii=False))
    else:
        show(*_told(found))
    return 0


def _folder(url: str) -> Path:
    """Return the data folder of the daemon that runs here, that of one that would when none does."""
    try:
        return data_folder(url) or default_data_dir()
    except PantauError:
        return default_data_dir()


def _judged(recorded: "Recorded", policy: "City | None", begin: str, end: str) -> dict[str, Any]:
    from monitor.replay import Rehearing, compare

    oldest, newest = recorded.span()
    held = policy or recorded.city_at(newest)
    offset = held.utc_offset if held else 7.0
    upto = _moment(end, "--to", offset, newest) if end else newest + 1.0
    first = _moment(begin, "--from", offset, newest) if begin else oldest
    if begin and end and first >= upto:
        raise click.BadParameter(f"{begin}: must be before --to, {end}", param_hint="--from")
    since = max(first, oldest)
    heard, warm = Rehearing(policy), max(since - WARM_UP, oldest)
    if known := policy or recorded.city_at(warm):
        heard.begin(warm, known, recorded.learned_before(warm))
    _drive(heard, recorded, warm, upto)
    comparison = compare(recorded.pages(warm, upto), heard, since, upto)
    return {"from": since, "to": upto, "utc_offset": offset, **_as_json(comparison, heard), "lost_blocks": recorded.lost}


def _moment(text: str, option: str, offset: float, now: float) -> float:
    from alerts.words import moment

    try:
        return moment(text, offset, now)
    except ValueError as error:
        raise click.BadParameter(f"{text}: not a time like 7d, 2026-11-24 or 2026-11-24T02:14", param_hint=option) from error


def _drive(heard: "Rehearing", recorded: "Recorded", begin: float, end: float) -> None:
    """Judge all that was recorded; how far it is shows on a terminal."""
    shown = sys.stderr.isatty()
    for event in recorded.events(begin, end):
        heard.take(event)
        if shown and heard.looks % SHOWN == 0:
            print(f"\r{(event.at - begin) / (end - begin):4.0%}", end="", file=sys.stderr, flush=True)  # noqa: T201
    heard.close(end)
    if shown:
        print("\r    \r", end="", file=sys.stderr)  # noqa: T201


def _as_json(found: "Comparison", heard: "Rehearing") -> dict[str, Any]:
    counts = {"looks": heard.looks, "foreign_looks": heard.foreign, "before": found.before, "after": found.after, "same": found.same}
    groups: dict[str, Any] = {name: [_difference(each) for each in getattr(found, name)] for name, _ in GROUPS}
    return counts | groups


def _difference(each: "Difference") -> dict[str, Any]:
    shown: dict[str, Any] = {"cause": each.cause, "receiver": each.receiver or None, "at": each.at, "before": each.before}
    if each.doubt:
        shown |= {"first_loss": each.doubt.first_loss, "until": each.doubt.until or None, "looks_missing": each.doubt.holes}
    return shown


def _told(found: dict[str, Any]) -> Iterator[str]:
    from alerts.words import clock

    def when(at: float) -> str:
        return clock(at, found["utc_offset"], "id", beside=0.0)

    yield f"{when(found['from'])} .. {when(found['to'])}: {found['looks']} pemeriksaan / looks"
    yield f"kabar / pages: {found['before']} dahulu / then, {found['after']} sekarang / now, {found['same']} sama / the same"
    for name, title in GROUPS:
        if found[name]:
            yield f"{title}: {len(found[name])}"
        for each in found[name]:
            yield f"  {_line(each, when)}"
    if found["foreign_looks"]:
        yield f"{found['foreign_looks']} pemeriksaan tidak dikenal aturan ini / looks of checks that this policy does not have"
    if found["lost_blocks"]:
        yield f"{found['lost_blocks']} blok pita rusak, dilewati / damaged blocks of the tape, skipped"


def _line(each: dict[str, Any], when: Any) -> str:  # noqa: ANN401 - a function of a time
    at, before, missing = each["at"], each["before"], each.get("looks_missing")
    words = [each["cause"], f"-> {each['receiver']}" if each["receiver"] else ""]
    if before is not None:
        words.append(f"dahulu/then {when(before)}")
    if at is not None:
        words.append(f"sekarang/now {when(at)}")
    if at is not None and before is not None:
        words.append(f"({at - before:+.1f} s)")
    if missing:
        words.append(f"[ragu sejak/in doubt since {when(each['first_loss'])}, {missing} pemeriksaan tidak ada/looks missing]")
    return " ".join(word for word in words if word)
