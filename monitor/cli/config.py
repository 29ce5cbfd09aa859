"""`pantau check-config` and `pantau completion`."""

import json
from pathlib import Path

import click

DEFAULT = Path("inventory.yaml")


@click.command("check-config")
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def check_config(file: Path, form: str) -> int:
    """Semua kesalahan berkas sekaligus. / Every problem of the file at once.

    Contoh / example: pantau check-config inventory.yaml
    """
    from monitor import inventory

    city, problems = inventory.examine(file)
    if form == "json":
        click.echo(json.dumps({"problems": [problem.as_json() for problem in problems]}, ensure_ascii=False))
    else:
        for problem in problems:
            click.echo(str(problem))
        if city is not None:
            sites = sum(1 for node in city.nodes.values() if node.id.split("-")[0] in ("opd", "pkm", "kec", "kel", "titik"))
            click.echo(
                f"{file}: {sites} situs/sites, {len(city.applications)} aplikasi/applications, {len(city.checks)} checks: baik / clean"
            )
    return 1 if problems else 0


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
