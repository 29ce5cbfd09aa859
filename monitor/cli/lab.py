"""`pantau lab`: the city to rehearse in. Every word but `up` is sent to the running city."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from monitor.cli.quantities import Number, Percent, Time
from monitor.cli.serve import default_data_dir
from monitor.lab import client

CITY = Path("inventory.yaml")
identity = click.argument("name", metavar="ID")


@click.group()
def lab() -> None:
    """Kota latihan dari jaringan sungguhan. / A city of real kernel networks to rehearse in.

    Contoh / example: pantau lab up, lalu / then: pantau lab cut kec-gadingrejo
    """


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, int]:
    host, _colon, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"{value}: not ADDRESS:PORT, as 127.0.0.1:9475")
    return host.strip("[]"), int(port)


@lab.command()
@click.option("--sites", type=click.IntRange(1, 5000), help="Enlarge the city to this many sites.")
@click.option("--config", type=click.Path(path_type=Path), default=CITY, show_default=True)
@click.option("--listen", default="127.0.0.1:9475", show_default=True, callback=_address, help="Where the page answers on this machine.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the city's daemon keeps its journal.")
def up(sites: int | None, config: Path, listen: tuple[str, int], data_dir: Path | None) -> int:
    """Bangun kota dan jalankan pemantau di dalamnya. / Build the city and run the daemon inside it.

    Contoh / example: pantau lab up --sites 415
    """
    from monitor import inventory
    from monitor.lab.outside import Wish, run

    folder = (data_dir or default_data_dir() / "lab").absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sites is not None:
        config = inventory.write_larger(config, sites, folder / "inventory")
    return run(Wish(inventory.load(config), config.absolute(), folder, listen))


@lab.command()
@identity
def cut(name: str) -> None:
    """Putuskan jalur, atau semua jalur sebuah situs ke hub. / Cut a link, or all links of a node towards the hub.

    Contoh / example: pantau lab cut kec-gadingrejo
    """
    click.echo(client.cut(name))


@lab.command()
@identity
def restore(name: str) -> None:
    """Pulihkan. / Mend what was cut, lossy, late or without power there.

    Contoh / example: pantau lab restore kec-gadingrejo
    """
    click.echo(client.restore(name))


@lab.command()
@identity
@click.option("--seconds", default=8.0, show_default=True, type=Number(0, 3600))
def reboot(name: str, seconds: float) -> None:
    """Nyalakan ulang. / Take a node down and bring it up again.

    Contoh / example: pantau lab reboot kel-gentong
    """
    click.echo(client.reboot(name, seconds))


@lab.command()
@identity
@click.argument("percent", type=Percent())
@click.option("--burst", default=0.0, type=Time(3600), help="Mean length of a burst of losses: 2s or 2.")
def loss(name: str, percent: float, burst: float) -> None:
    """Hilangkan paket. / Lose packets on a link or on a node's links.

    Contoh / example: pantau lab loss kel-gentong 5 --burst 2s
    """
    click.echo(client.loss(name, percent, burst))


@lab.command()
@identity
@click.argument("milliseconds", type=Number(0, 60000))
def delay(name: str, milliseconds: float) -> None:
    """Perlambat. / Make round trips longer.

    Contoh / example: pantau lab delay kel-gentong 200
    """
    click.echo(client.delay(name, milliseconds))


@lab.command()
@click.argument("feeder")
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--speed", default=1.0, show_default=True, type=Number(0.01, 10000), help="How much faster than the batteries.")
def power(feeder: str, state: str, speed: float) -> None:
    """Padamkan atau nyalakan penyulang. / Switch a feeder.

    Contoh / example: pantau lab power pln-gadingrejo off
    """
    click.echo(client.power(feeder, on=state == "on", speed=speed))


@lab.command()
@identity
@click.argument("mode", type=click.Choice(["ok", "slow", "500", "hang", "defaced", "expired", "stale"]))
def app(name: str, mode: str) -> None:
    """Beri aplikasi sebuah gangguan. / Give an application a fault.

    Contoh / example: pantau lab app app-simpus hang
    """
    click.echo(client.app(name, mode))


@lab.command()
@click.argument("name")
@click.argument("risk", default="")
@click.option("--speed", default=1.0, show_default=True, type=Number(0.01, 10000))
def scenario(name: str, risk: str, speed: float) -> None:
    """Mainkan skenario. / Play a scenario.

    Contoh / example: pantau lab scenario flood sungai-petung
    """
    click.echo(client.scenario(name, risk, speed))


@lab.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@identity
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(name: str, command: tuple[str, ...]) -> None:
    """Jalankan perintah di dalam sebuah situs. / Run a command inside a node.

    Contoh / example: pantau lab exec kec-gadingrejo -- ip route
    """
    client.execute(name, command[1:] if command[0] == "--" else command)


@lab.command("list")
def list_() -> None:
    """Nama semua situs, jalur, penyulang, aplikasi. / Names of all nodes, links, feeders, applications.

    Contoh / example: pantau lab list
    """
    for row in client.names():
        click.echo(f"{row['id']:28} {row['kind']:10} {row['state']:10} {row['name']}")


@lab.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--follow", is_flag=True, help="Go on as messages arrive.")
def phone(form: str, follow: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Apa yang masuk ke telepon di kota. / What arrived on the phones of the city.

    Contoh / example: pantau lab phone --follow
    """
    if form == "json" and not follow:
        click.echo(json.dumps(client.phone(), ensure_ascii=False))
        return
    for message in client.follow() if follow else client.phone():
        click.echo(json.dumps(message, ensure_ascii=False) if form == "json" else _shown(message))
    if follow:
        click.echo("kota berakhir · the city has ended", err=form == "json")


def _shown(message: Mapping[str, object]) -> str:
    return f"── {message['when']} {message['channel']} → {message['to']}\n{message['text']}\n"
