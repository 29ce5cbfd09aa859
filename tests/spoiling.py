"""Answers as a bad line, a bad memory or a bad mind would spoil them; seeded, so that each can be made again from its number.

`marks` are the places where something begins or ends in the bytes (a field, a length, a line): some ways of spoiling keep to them, so
that what comes out still looks like an answer.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

Marks = Callable[[bytes], Sequence[int]]
TELLING = (0x00, 0x01, 0x02, 0x0A, 0x0D, 0x20, 0x30, 0x39, 0x7F, 0x80, 0x81, 0x84, 0xC0, 0xFE, 0xFF)
"""Bytes that mean something somewhere: an end, a sign, a length of lengths, a pointer."""
KEPT = 20
"""Answers that are kept to splice others with."""


def words(size: int) -> Marks:
    """Fields that all have this size."""
    return lambda data: range(0, len(data) + 1, size)


def lines(data: bytes) -> Sequence[int]:
    """Lines, the words in them, and what stands between colons."""
    return [0, *(found.end() for found in re.finditer(rb"\r\n|[ :;]", data)), len(data)]


def tagged(data: bytes) -> Sequence[int]:
    """Tags, lengths and values of BER, however deep; where it ends to be that, nothing more."""
    found: list[int] = []

    def go(at: int, end: int) -> None:
        while at + 2 <= end:
            long = data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0
            size = int.from_bytes(data[at + 2 : at + 2 + long]) if long else data[at + 1]
            begin = at + 2 + long
            if begin + size > end:
                return
            found.extend((at, at + 1, begin, begin + size))
            if data[at] & 0x20:
                go(begin, begin + size)
            at = begin + size

    go(0, len(data))
    return sorted({0, len(data), *found})


class Spoiler:
    """Spoils the bytes of one answer by up to three of its ways, one after the other; never longer than `most`."""

    def __init__(self, chance: Random, marks: Marks, others: Sequence[bytes], most: int) -> None:
        self._chance, self._marks, self._others, self._most = chance, marks, others, most

    def spoil(self, data: bytes) -> bytes:
        """Return it spoilt; now and then it is left as it was."""
        for _ in range(self._chance.choice((0, 1, 1, 1, 1, 1, 1, 2, 2, 3))):
            data = self._chance.choice(WAYS)(self, data)[: self._most]
        return data

    def _part(self, data: bytes) -> tuple[int, int]:
        """A part between two marks, mostly neighbours."""
        marks = self._marks(data)
        first = self._chance.randrange(len(marks))
        last = min(len(marks) - 1, first + self._chance.choice((1, 1, 1, 2, 4)))
        return marks[first], marks[last]

    def flip(self, data: bytes) -> bytes:
        """A few bits are the other way round."""
        spoilt = bytearray(data)
        for _ in range(self._chance.choice((1, 1, 2, 8)) if data else 0):
            spoilt[self._chance.randrange(len(spoilt))] ^= 1 << self._chance.randrange(8)
        return bytes(spoilt)

    def write_over(self, data: bytes) -> bytes:
        """A byte at a mark (a tag, a length, the first of a number) is one that means something."""
        at = self._chance.choice(self._marks(data))
        return data[:at] + bytes((self._chance.choice(TELLING),)) + data[at + 1 :]

    def count_otherwise(self, data: bytes) -> bytes:
        """A byte, or a digit, is a little more or less than it was: a length that lies."""
        if not data:
            return data
        at = self._chance.randrange(len(data))
        return data[:at] + bytes(((data[at] + self._chance.choice((-2, -1, 1, 2, 16))) % 256,)) + data[at + 1 :]

    def cut(self, data: bytes) -> bytes:
        """The end is missing."""
        return data[: self._chance.randrange(len(data) + 1)]

    def lose(self, data: bytes) -> bytes:
        """A part in the middle is missing."""
        first, last = self._part(data)
        return data[:first] + data[last:]

    def insert(self, data: bytes) -> bytes:
        """Bytes that belong to nothing stand between."""
        at = self._chance.choice(self._marks(data))
        return data[:at] + self._chance.randbytes(self._chance.choice((1, 2, 8, 64))) + data[at:]

    def repeat(self, data: bytes) -> bytes:
        """A part comes again, a few times or very often."""
        first, last = self._part(data)
        return data[:last] + data[first:last] * self._chance.choice((1, 1, 2, 30, 2000)) + data[last:]

    def swap(self, data: bytes) -> bytes:
        """Two parts have changed places."""
        (first, end), (second, last) = sorted((self._part(data), self._part(data)))
        return data if end > second else data[:first] + data[second:last] + data[end:second] + data[first:end] + data[last:]

    def splice(self, data: bytes) -> bytes:
        """It begins as one answer and goes on as another."""
        other = self._chance.choice(self._others)
        return data[: self._chance.choice(self._marks(data))] + other[self._chance.choice(self._marks(other)) :]


WAYS = (
    Spoiler.flip,
    Spoiler.flip,
    Spoiler.write_over,
    Spoiler.count_otherwise,
    Spoiler.cut,
    Spoiler.lose,
    Spoiler.insert,
    Spoiler.repeat,
    Spoiler.swap,
    Spoiler.splice,
)


@dataclass
class Mouth:
    """Says a right answer spoilt, once, and keeps what was right and what was said instead."""

    marks: Marks
    most: int
    chance: Random = field(default_factory=Random)
    good: bytes = b""
    said: bytes | None = None
    others: list[bytes] = field(default_factory=list)

    def load(self, seed: str) -> None:
        """Spoil the next answer in the way of this seed."""
        self.chance, self.good, self.said = Random(seed), b"", None

    def spoil(self, good: bytes) -> bytes | None:
        """Return what is said instead of this answer; None where that was said already: then nothing is to be told but a refusal."""
        if len(self.others) < KEPT:
            self.others.append(good)
        if self.said is not None:
            return None
        self.good, self.said = good, Spoiler(self.chance, self.marks, self.others, self.most).spoil(good)
        return self.said
