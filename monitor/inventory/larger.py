"""The network as it grew: the committed city and further sites behind its kecamatan, by the same rules (`lab up --sites`)."""

import json
from pathlib import Path

from monitor.core.city import SITES, Kind
from monitor.core.errors import Exit, PantauError
from monitor.inventory.loading import load

LARGEST = 5000
WORDS = ("Sekolah", "CCTV", "Posyandu", "Pos Kamling", "Taman")
GRADES = ("fibre", "metro", "radio", "vpn")


def write_larger(inventory: Path, sites: int, folder: Path) -> Path:
    """Write into `folder` an inventory of `sites` sites that includes the given one; return its path. Raises PantauError."""
    city = load(inventory)
    there = sum(node.kind in SITES for node in city.nodes.values())
    above = [node.id for node in city.nodes.values() if node.kind is Kind.KECAMATAN]
    if not there <= sites <= LARGEST or not above:
        raise PantauError(f"--sites {sites}: the city has {there}; give a number from {there} to {LARGEST}", status=Exit.UNKNOWN)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_row(number, above[number % len(above)]) for number in range(sites - there)]
    path = folder / "inventory.yaml"
    path.write_text(f"include: {json.dumps(str(inventory.resolve()))}\nsites: {{{','.join(rows)}\n}}\n", encoding="utf-8")
    return path


def _row(number: int, above: str) -> str:
    address = f"198.18.{128 + number // 250}.{1 + number % 250}"
    name, grade = f"{WORDS[number % len(WORDS)]} {number + 1}", GRADES[number % len(GRADES)]
    return f"\n  titik-{number + 1:04}: {{name: {name}, via: {above}, link: {grade}, address: {address}}}"
