"""`pantau check-config` and `pantau completion`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.terminal import show

if TYPE_CHECKING:
    from monitor.core.city import City
    from monitor.core.promise import Promise
    from monitor.core.rules import Grade, Rule
    from monitor.inventory import Problem

DEFAULT = Path("inventory.yaml")


@click.command("check-config")
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def check_config(file: Path, form: str) -> int:
    """Semua kesalahan berkas sekaligus. / Every problem of the file at once.

    What is right, but surely nobody's wish, is a warning: nobody is ever told, or a secret cannot be read by you, here and now.

    Contoh / example: pantau check-config inventory.yaml
    """
    from monitor import inventory

    city, problems, warnings = inventory.inspect(file)
    if form == "json":
        classes = {grade.value: asdict(said) for grade, said in _promises(city)} if city else {}
        told = {"problems": [each.as_json() for each in problems], "warnings": [each.as_json() for each in warnings], "classes": classes}
        show(json.dumps(told, ensure_ascii=False))
    else:
        show(*_text(file, city, problems, warnings))
    return 1 if problems else 0


def _text(file: Path, city: "City | None", problems: "Sequence[Problem]", warnings: "Sequence[Problem]") -> Iterator[str]:
    yield from map(str, problems)
    yield from (f"peringatan / warning: {each}" for each in warnings)
    if city is None:
        return
    sites = sum(1 for node in city.nodes.values() if node.id.split("-")[0] in ("opd", "pkm", "kec", "kel", "titik"))
    clean = f"baik / clean, {len(warnings)} peringatan / warnings" if warnings else "baik / clean"
    yield f"{file}: {sites} situs/sites, {len(city.applications)} aplikasi/applications, {len(city.checks)} checks: {clean}"
    yield from (_price(grade, city.rules[grade], said) for grade, said in _promises(city))
    yield f"  seluruhnya / all together: kabar palsu / false pages ≤ {_false_a_year(city):.1f} setahun / a year"


def _promises(city: "City") -> "list[tuple[Grade, Promise]]":
    """Return what each class that is used promises."""
    from monitor.core.promise import promise_of_class

    used = {check.grade for check in city.checks.values()}
    return [(grade, promise_of_class(grade, rule)) for grade, rule in city.rules.items() if grade in used]


def _false_a_year(city: "City") -> float:
    """Return the false pages a year that the rules allow for all that decide about a node."""
    from monitor.core.promise import fleet

    return fleet(city, {}).false


def _price(grade: "Grade", rule: "Rule", said: "Promise") -> str:
    """Return what a class promises and costs in one line."""
    cap = f", paling lama / cap {rule.cap:g} s" if rule.cap else ""
    return (
        f"  {grade:<5} gangguan sampai pasti / fault to DOWN {said.mean:.0f} s, {said.worst:.0f} s terlama / at worst{cap}; "
        f"kabar palsu / false pages {said.false:.2g} setahun per sasaran / a target-year = 1 : {1 / said.share:.0f}"
    )


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Cetak pelengkap perintah. / Print the completion script.

    Contoh / example: pantau completion bash > ~/.local/share/bash-completion/completions/pantau
    """
    from click.shell_completion import get_completion_class

    from monitor.cli import root

    made = get_completion_class(shell)
    if made is not None:
        click.echo(made(root, {}, "pantau", "_PANTAU_COMPLETE").source())
    return 0
