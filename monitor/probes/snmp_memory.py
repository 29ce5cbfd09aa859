"""What was learned of a device, kept from look to look: its version, how many rows at once it bears, how fast it may be asked.

Nothing that was learned holds for ever: a device that was asked gently for long enough is tried with more, each failed try makes the next
one wait longer, and another device (or program) at the same place begins anew.
"""

from dataclasses import dataclass, field
from typing import Any

REPETITIONS, MOST = 10, 48
ROOM = 1400
"""Bytes of an answer that no line on the way has to cut in two."""
SILENT = 4
"""The part to ask for where a large answer did not come at all: every try costs time."""
PATIENCE, LONGEST_PATIENCE = 32, 2048
"""Walks that went well and could have used larger answers, before twice as much is tried; four times as many after a try that failed."""
PAUSE, LONGEST_PAUSE = 0.05, 0.4
"""Seconds between two questions of a walk, for a device that falls silent when they follow at once."""
CALM = 16
"""Looks that went well, before half of the pause is tried."""


@dataclass(slots=True)
class Memory:
    """One device: `repetitions` rows are asked for at once (1: it knows no GETBULK), at `most` so many; `version` is the one it speaks.

    `reading` are the counters of its interfaces as they were (see `snmp_interfaces`), `pause` the seconds between two questions of a walk.
    """

    repetitions: int = REPETITIONS
    most: int = MOST
    version: str = ""
    reading: Any = None
    pause: float = 0.0
    _said: dict[str, object] = field(default_factory=dict)
    _patience: int = PATIENCE
    _walks: int = 0
    _roomy: bool = False
    _trying: bool = False
    _looks: int = 0
    _answered: bool = False
    _time: float = 0.0
    _lost: float = 0.0
    _paused: float = 0.0

    def recognise(self, word: str, said: object) -> None:
        """Hear what the device says of itself: another answer than ever before means another device, or another program in it."""
        before = self._said.setdefault(word, said)
        if before != said:
            self._said[word] = said
            self.forget()

    def forget(self) -> None:
        """Begin anew: what is there now need not be what was there."""
        self.repetitions, self.most, self.reading, self.pause = REPETITIONS, MOST, None, 0.0
        self._patience, self._walks, self._trying, self._looks = PATIENCE, 0, False, 0

    def less(self, asked: int, part: int) -> None:
        """So many at once was too much: ask for a part of them from now on."""
        self.repetitions = self.most = max(1, asked // part)
        if self._trying:
            self._patience = min(4 * self._patience, LONGEST_PATIENCE)
        self._walks, self._roomy, self._trying = 0, False, False

    def answered(self, asked: int, rows: int, size: int) -> None:
        """An answer of `size` bytes came; when it was full, and twice as much is no more than a packet, twice as much may be asked for."""
        self._answered = True
        if rows >= asked >= self.repetitions and 2 * size <= ROOM:
            self.repetitions = min(2 * asked, self.most)
            self._roomy = self._roomy or asked == self.most

    def walked(self) -> None:
        """A walk came to its end. When many did, and more at once would have been of use, try it."""
        if not self._roomy or self.most >= MOST:
            return
        self._roomy = False
        if self._trying:
            self._trying, self._patience = False, PATIENCE
        self._walks += 1
        if self._walks >= self._patience:
            self.repetitions = self.most = min(2 * self.most, MOST)
            self._walks, self._trying = 0, True

    def begin(self, timeout: float) -> None:
        """A look begins, which may take so many seconds."""
        self._answered = self._roomy = False
        self._time, self._lost, self._paused = timeout, 0.0, 0.0

    def silent(self, seconds: float) -> None:
        """A question was not answered for so long."""
        self._lost += seconds

    def late(self) -> None:
        """An answer came to a question that had been asked again since: the device is slow, but heard it."""
        self._lost = 0.0

    def rest(self) -> float:
        """Seconds to wait before the next question of a walk: of the time of a look, half at most."""
        rest = min(self.pause, max(0.0, self._time / 2 - self._paused))
        self._paused += rest
        return rest

    def ended(self) -> None:
        """The look came to its end: when many did, try a shorter pause."""
        self._looks += self.pause > 0
        if self._looks >= CALM:
            self._looks, self.pause = 0, self.pause / 2 if self.pause > PAUSE else 0.0

    def broken_off(self) -> None:
        """Time ran out; another device may stand there now.

        A device that answers, but most of the time was silent, is asked more slowly from now on. Pauses that did not help are given up.
        """
        self.version, self._looks = "", 0
        deaf = self._answered and 2 * self._lost >= self._time
        self.pause = max(PAUSE, 2 * self.pause) if deaf and self.pause < LONGEST_PAUSE else 0.0
