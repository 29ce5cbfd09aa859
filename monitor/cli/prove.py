"""`pantau prove`: every fault and every pair of faults through the real engine, against an independent oracle."""

import json
import sys
from pathlib import Path
from typing import TypedDict, cast

import click

from monitor.cli.config import DEFAULT
from monitor.cli.quantities import Number
from monitor.core.city import City


class Asked(TypedDict):
    """The options of `pantau prove`."""

    config: Path
    pairs: bool
    phases: int
    loss: float
    seed: int
    cities: int | None
    processes: int | None
    replay: str | None
    form: str


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=DEFAULT, show_default=True)
@click.option("--pairs", is_flag=True, help="Every pair of faults too.")
@click.option("--phases", type=click.IntRange(1, 1000), default=20, show_default=True, help="Moments at which a fault begins.")
@click.option("--loss", type=Number(0, 0.5), default=0.03, show_default=True, help="Share of answers lost in the lossy runs; 0: none.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--random", "cities", type=click.IntRange(1), help="On this many invented inventories instead (the first has number --seed).")
@click.option("--processes", type=click.IntRange(1), help="Default: all processors.")
@click.option("--case", "replay", help="Play one case again and tell it second by second.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def prove(**options: object) -> int:
    """Buktikan: satu sebab, satu kabar. / One cause, one page: proven on an inventory, fault by fault.

    Contoh / example: pantau prove --pairs
    """
    from monitor.prove.report import Wish, prove_all

    asked = cast("Asked", options)
    places = _cities(asked)
    if asked["replay"] is not None:
        return _replay(places[0], asked["replay"])
    wish = Wish(asked["pairs"], asked["phases"], asked["loss"], asked["seed"], asked["processes"])
    summary = prove_all(places, wish, show=sys.stderr.isatty())
    click.echo(json.dumps(summary.as_json()) if asked["form"] == "json" else summary.as_text())
    return 1 if summary.wrong else 0


def _cities(asked: Asked) -> list[City]:
    if asked["cities"] is None:
        from monitor import inventory

        return [inventory.load(asked["config"])]
    from monitor.prove.invented import invented

    return [invented(asked["seed"] + number) for number in range(asked["cities"])]


def _replay(city: City, text: str) -> int:
    from monitor.prove.run import Ground
    from monitor.prove.telling import tell
    from monitor.prove.timeline import Case

    ground = Ground(city)
    try:
        case = Case.read(text)
        ground.world.judge(case.faults)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--case") from error
    story, right = tell(ground, case)
    click.echo(story)
    return 0 if right else 1
