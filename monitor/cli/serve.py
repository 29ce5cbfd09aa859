"""`pantau serve`: the daemon in the foreground, as systemd and the city start it."""

import asyncio
import os
from pathlib import Path

import click

from monitor.cli.quantities import Number


def default_data_dir() -> Path:
    """Return where a daemon keeps its state: systemd's folder for it, else the user's."""
    if folder := os.environ.get("STATE_DIRECTORY"):
        return Path(folder.split(":")[0])
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "pantau"


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("inventory.yaml"), show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), default=default_data_dir, help="Journal and control socket live here.")
@click.option("--listen", default="127.0.0.1:9475", show_default=True, help="ADDRESS:PORT, or fd:N for an inherited socket.")
@click.option("--keep-days", type=Number(min=1), default=400, show_default=True, help="Looks older than this are forgotten.")
@click.option("--keep-gib", type=Number(min=0.01), default=4, show_default=True, help="So are the oldest beyond this size.")
def serve(config: Path, data_dir: Path, listen: str, keep_days: float, keep_gib: float) -> int:
    """Jalankan pemantau. / Run the daemon.

    Contoh / example: pantau serve --config inventory.yaml --listen 127.0.0.1:9475
    """
    from monitor import inventory
    from monitor.daemon.life import run
    from monitor.daemon.settings import Settings
    from monitor.journal import Keep

    keep = Keep(keep_days, keep_gib * 1024**3)
    return asyncio.run(run(Settings(config=config, data_dir=data_dir, listen=listen, keep=keep), inventory.load))
