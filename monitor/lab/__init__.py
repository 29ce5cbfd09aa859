"""A city of real kernel networks to run, test and rehearse in: `pantau lab up`, then `pantau lab cut kec-gadingrejo`.

`up` builds it (outside.py, then inside.py as process 1 of the city); `monitor.lab.client` speaks to a running one.
What is real and what is not: docs/lab.md.
"""

from collections.abc import Sequence
from pathlib import Path

from monitor.core.city import City


def up(
    city: City,
    *,
    config: Path,
    data_dir: Path,
    listen: tuple[str, int],
    daemon: Sequence[str] = (),
    plain: bool | None = None,
) -> int:
    """Build the city, run the daemon in it until a signal ends it, return the exit status.

    `daemon` is the program and its first words (the `pantau` beside this Python, unless given); `plain` makes the namespaces
    without a user namespace (as root, unless given). Raises PantauError (69) when the kernel refuses.
    """
    from monitor.lab.outside import Wish, run  # noqa: PLC0415 - the words of `lab` answer at once: they build nothing

    return run(Wish(city, config, data_dir, listen, tuple(daemon), plain))
