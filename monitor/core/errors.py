"""The one error that a person may cause: it carries the line that he or she reads."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses that scripts may rely on (sysexits.h and the Nagios plugin guidelines)."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3
    MISSING = 69
    BAD_INVENTORY = 78


class PantauError(Exception):
    """Something outside the program is wrong; `str(error)` is one line: what, where, what to do.

    `status` is the exit status a command ends with.
    """

    def __init__(self, line: str, *, status: Exit = Exit.WARNING) -> None:
        """Keep the line for people and the exit status for scripts."""
        super().__init__(line)
        self.status = status
