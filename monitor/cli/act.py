"""Words that change something in the running daemon: they go through its Unix socket, found by its HTTP address."""

import click

from monitor.cli.ask import get_json, url_option
from monitor.cli.terminal import show
from monitor.control import ask
from monitor.core.errors import PantauError

PATIENCE = 120.0


def say(url: str, **request: object) -> int:
    """Send one request to the daemon behind the address and print what it says; PantauError (1) when it refuses."""
    address = str(get_json(url, "/api/v1/status").get("control", ""))
    answer = ask(address, request, PATIENCE)
    if answer.get("ok") is not True:
        raise PantauError(str(answer.get("message", "the daemon refused")))
    show(str(answer.get("message", "ok")))
    return 0


@click.command()
@url_option
def reload(url: str) -> int:
    """Baca ulang inventory.yaml; yang salah tidak mengubah apa pun. / Read it again; a bad file changes nothing.

    Contoh / example: pantau reload
    """
    return say(url, do="reload")


@click.group()
def notify() -> None:
    """Pesan kepada penerima. / Messages to receivers.

    Contoh / example: pantau notify test telegram-piket
    """


@notify.command()
@click.argument("receiver")
@url_option
def test(receiver: str, url: str) -> int:
    """Kirim pesan uji (UJI). / Send a test message.

    Contoh / example: pantau notify test telegram-piket
    """
    return say(url, do="notify-test", receiver=receiver)
