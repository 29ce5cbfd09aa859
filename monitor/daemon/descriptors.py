"""File descriptors: as many as we may have, shared so that looks never take those of the journal, the pages and the channels.

At the limit every look would seem an outage, no page could leave and nobody could ask why.
"""

from collections.abc import Mapping

from monitor.core.errors import Exit, PantauError
from monitor.daemon.logs import log
from monitor.probes.room import HOLDS
from monitor.schedule import LIMITS

RESERVE = 128
"""Kept for everything but looks: about 30 for the journal, the loop and what listens, 64 for browsers, the rest for words and channels."""

WANTED = sum(HOLDS[kind] * most for kind, most in LIMITS.items())
LEAST, ENOUGH = RESERVE + 32, RESERVE + WANTED


def shares(have: int) -> Mapping[str, int]:
    """Return how many looks of each kind may be in flight with so many descriptors; what waits for its turn is looked at later.

    Raises PantauError (69) when there are too few to work with.
    """
    if have >= ENOUGH:
        return LIMITS
    line = f"may open {have} files: {{}}; raise LimitNOFILE (or ulimit -n) to {ENOUGH}"
    if have < LEAST:
        raise PantauError(f"this process {line.format(f'too few, it needs {LEAST} at least')}", status=Exit.MISSING)
    log.warning("few descriptors", advice=line.format("fewer looks run at the same time"))
    part = (have - RESERVE) / WANTED
    return {kind: max(1, int(most * part)) if HOLDS[kind] else most for kind, most in LIMITS.items()}
