"""Questions to the running daemon over its HTTP address: `check`, `status`. Light imports: they answer at once."""

import fnmatch
import json
import os
import time
import urllib.parse
from collections.abc import Iterable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import click

from monitor.cli.terminal import show
from monitor.core.errors import Exit, PantauError

URL = "http://127.0.0.1:9475"
HERE = frozenset({"127.0.0.1", "::1", "localhost"})
PATIENCE = 5.0
LARGEST = 64 * 1024 * 1024
HEAVIEST_LAST = (Exit.OK, Exit.WARNING, Exit.UNKNOWN, Exit.CRITICAL)
PARTS = {"up": ("degraded", "no_reply", "suspect"), "down": ("shadowed",), "unknown": ("new",)}

url_option = click.option("--url", default=lambda: os.environ.get("PANTAU_URL", URL), show_default=URL, help="Where the daemon answers.")


def get(url: str, path: str) -> tuple[int, bytes]:
    """Return status and body of one GET; PantauError (3) when nobody answers."""
    host, port = _address(url)
    try:
        connection = HTTPConnection(host, port, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(LARGEST)
    except (OSError, HTTPException, ValueError) as error:
        text = f"{url}: no daemon answers there ({error}); start it with `pantau serve` or `pantau lab up`, or give --url"
        raise PantauError(text, status=Exit.UNKNOWN) from error


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname if parts.scheme == "http" else None, parts.port or 80
    except ValueError:
        host, port = None, 0
    if not host:
        raise PantauError(f"--url {url}: not an address like {URL}", status=Exit.UNKNOWN)
    return host, port


def get_json(url: str, path: str, missing: str = "") -> dict[str, Any]:
    """Return the JSON object at a path of the daemon; PantauError (3) when it is none, with the line `missing` for a 404."""
    status, body = get(url, path)
    if status == HTTPStatus.NOT_FOUND and missing:
        raise PantauError(missing, status=Exit.UNKNOWN)
    try:
        found = json.loads(body)
    except ValueError as error:
        raise PantauError(f"{url}{path}: not an answer of pantau (HTTP {status})", status=Exit.UNKNOWN) from error
    if status != 200 or not isinstance(found, dict):
        reason = found.get("error", "") if isinstance(found, dict) else ""
        raise PantauError(f"{url}{path}: {reason or f'HTTP {status}'}", status=Exit.UNKNOWN)
    if "at" not in found:
        raise PantauError(f"{url}{path}: something answers there, but it is not pantau", status=Exit.UNKNOWN)
    return found


def data_folder(url: str) -> Path | None:
    """Return the data folder of the daemon, None when it runs elsewhere or its journal is not ours to read."""
    folder = Path(str(get_json(url, "/api/v1/status").get("control") or "/nowhere")).parent
    here = urllib.parse.urlsplit(url).hostname in HERE
    return folder if here and os.access(folder / "journal.db", os.R_OK) else None


def about(url: str, subject: str) -> dict[str, Any]:
    """Return what is known of a node, check or incident; PantauError (3) when nothing is."""
    missing = f"{subject}: nothing has this id; ids are those of the inventory and of incidents, as kel-gentong, app-portal, g17"
    return get_json(url, f"/api/v1/explain?id={urllib.parse.quote(subject)}", missing)


@click.command()
@click.argument("ids", nargs=-1)
@url_option
@click.option("--format", "form", type=click.Choice(["nagios", "json"]), default="nagios")
def check(ids: tuple[str, ...], url: str, form: str) -> int:
    """Kesehatan pemantau, atau situs, aplikasi, jalur, risiko, gangguan yang disebut. / Health as Nagios reads it.

    An id may be a pattern; a shared risk is critical while an open incident names it, an incident while it is open.

    Contoh / example: pantau check kec-gadingrejo app-portal 'pln-*' g17
    """
    state, text, values = _judged(ids, url)
    if form == "json":
        show(json.dumps({"status": state.name, "text": text, "values": values}))
    else:
        perfdata = " ".join(f"'{label}'={value}" for label, value in values.items())
        show(f"{state.name} - {text.replace('|', '/')}{' | ' * bool(values)}{perfdata}")
    return int(state)


def _judged(ids: tuple[str, ...], url: str) -> tuple[Exit, str, dict[str, float]]:
    try:
        return _of_nodes(url, ids) if ids else _of_daemon(get_json(url, "/api/v1/status"))
    except PantauError as error:  # who calls a plug-in reads its standard output only
        return Exit.UNKNOWN, str(error), {}


def _of_daemon(found: dict[str, Any]) -> tuple[Exit, str, dict[str, float]]:
    incidents, blindness = found["incidents"], _blindness(found)
    states = [_by_incident(incident)[1] for incident in incidents]
    worst = max([Exit.UNKNOWN if blindness else Exit.OK, *states], key=HEAVIEST_LAST.index)
    sites, apps = found["sites"], found["apps"]
    causes = ", ".join(incident["cause"] for incident in incidents[:5])
    told = f"{len(incidents)} gangguan/incidents{': ' + causes if causes else ''}"
    text = "; ".join([*blindness, told, f"situs/sites {sites['up']} up, {sites['down']} down"])
    values = {"incidents": len(incidents), "sites_down": sites["down"], "sites_unknown": sites["unknown"], "apps_down": apps["down"]}
    return worst, text, values


def _blindness(found: dict[str, Any]) -> list[str]:
    """Say why no incident need not mean that there is none, a line a reason."""
    said = [f"Pantau belum siap / is not ready: {found['not_ready']}"] if found.get("not_ready") else []
    unseen = found["sites"]["unknown"] - found["sites"].get("new", 0)
    if unseen:
        said.append(f"{unseen} situs tidak diketahui: Pantau tidak dapat melihatnya / {unseen} sites unknown: Pantau cannot see them")
    return said


_STATES = {"up": Exit.OK, "degraded": Exit.WARNING, "suspect": Exit.WARNING, "down": Exit.CRITICAL, "shadowed": Exit.CRITICAL}


def _of_nodes(url: str, ids: Iterable[str]) -> tuple[Exit, str, dict[str, float]]:
    standing = _standing(get_json(url, "/api/v1/status"))
    found = {each: standing.get(each) or _asked(url, each) for word in ids for each in _meant(word, standing)}
    worst = max((state for _, state in found.values()), key=HEAVIEST_LAST.index)
    return worst, ", ".join(f"{each} {word}" for each, (word, _) in found.items()), {each: int(state) for each, (_, state) in found.items()}


def _meant(word: str, ids: Iterable[str]) -> Iterable[str]:
    """Return the ids that a word means: itself, or all that are like a pattern."""
    if not set(word) & set("*?["):
        return [word]
    if like := fnmatch.filter(ids, word):
        return like
    raise PantauError(f"{word}: no id is like this; ids are those of sites, applications, risks and open incidents", status=Exit.UNKNOWN)


def _standing(found: dict[str, Any]) -> dict[str, tuple[str, Exit]]:
    """Return how all that the daemon's status names stands, by id."""
    stands = {each: _by_condition(word) for each, word in (found["nodes"] | found.get("risks", {})).items()}
    return stands | {incident["id"]: _by_incident(incident) for incident in found["incidents"]}


def _asked(url: str, subject: str) -> tuple[str, Exit]:
    """Return how one thing stands that is not in the status, as a check or an incident that ended."""
    found = about(url, subject)
    if found.get("what") == "incident":
        return _by_incident(found)
    return _by_condition(str(found.get("condition") or found.get("status") or "unknown"))


def _by_condition(word: str) -> tuple[str, Exit]:
    return word, _STATES.get(word, Exit.UNKNOWN)


def _by_incident(incident: dict[str, Any]) -> tuple[str, Exit]:
    if incident.get("ended"):
        return f"selesai/ended ({incident['cause']})", Exit.OK
    return f"terbuka/open ({incident['cause']})", Exit.WARNING if incident.get("severity") == "minor" else Exit.CRITICAL


@click.command()
@url_option
@click.option("--watch", is_flag=True, help="Go on, every two seconds.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def status(url: str, watch: bool, form: str) -> int:  # noqa: FBT001 - a flag of the command line
    """Apa yang sedang terganggu, dan jumlahnya. / What is wrong now, and counts.

    Contoh / example: pantau status --watch
    """
    while True:
        found = get_json(url, "/api/v1/status")
        if watch:
            click.clear()
        show(*([json.dumps(found, ensure_ascii=False)] if form == "json" else _table(found)))
        if not watch:
            return 0
        time.sleep(2)


def _table(found: dict[str, Any]) -> list[str]:
    from alerts.words import clock

    lines = []
    for word, key in (("situs/sites", "sites"), ("aplikasi/apps", "apps")):
        lines.append(f"{word:14} {', '.join(_counted(found[key]))}")
    blindness = _blindness(found)
    lines += blindness
    if not found["incidents"] and not blindness:
        lines.append("tidak ada gangguan / no incident")
    for incident in found["incidents"]:
        since = clock(incident["since"][1], found["utc_offset"], "id", beside=found["at"])
        owed = " (belum sampai/not delivered yet)"
        told = ", ".join(f"{each}{owed if each in incident['owed'] else ''}" for each in incident["told"])
        lines.append(
            f"{incident['id']:>5} {incident['severity']:8} {incident['cause']}  sejak/since {since}  ({incident['reason'] or '-'})"
        )
        lines.append(f"      di belakangnya/behind it: {len(incident['shadowed'])}  dikabari/told: {told}")
    return lines


def _counted(counts: dict[str, int]) -> Iterable[str]:
    """Say how many are up, down and unknown, and in brackets how many of them are what else."""
    for name, parts in PARTS.items():
        among = ", ".join(f"{counts[part]} {part}" for part in parts if counts.get(part))
        yield f"{counts[name]} {name}" + (f" ({among})" if among else "")
