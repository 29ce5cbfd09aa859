"""The live shell: inbox -> engine -> journal -> effects; signals, reload, words from people, one HTTP address."""

from monitor import inventory
from monitor.daemon import life
from monitor.daemon.settings import Settings

__all__ = ["Settings", "run"]


async def run(settings: Settings) -> int:
    """Run the daemon until it is told to stop; return 0. Raises PantauError with the line to print and the exit status."""
    return await life.run(settings, inventory.load)
