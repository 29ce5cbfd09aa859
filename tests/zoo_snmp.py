"""The zoo: devices as they are, and as they must not be, each in a few lines: what it tells, and what a look at it must say."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from monitor.core.verdict import Reason, Verdict
from monitor.lab.snmp_agent import Question, write
from monitor.probes import ber
from monitor.probes.ber import Oid
from tests.agents import BULK, COUNTER32, COUNTER64, GAUGE32, GET, NEXT, TICKS, Answer, Row, column, honest, recorded, system, text

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "monitor" / "lab" / "recordings"
SHARED = Path(os.environ.get("PANTAU_TEST_SNMPREC", ROOT.parent / "shared" / "snmprec"))
"""Recordings that may not be shipped, where there are any."""
IF, IFX = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
DESCR, OPER = (*IF, 2), (*IF, 8)
Values = dict[str, object]


@dataclass(frozen=True)
class Animal:
    """A device and what a look at it must find; `rows` may be made late, `holds` is asked of the values that were read."""

    name: str
    rows: Sequence[Row] | Callable[[], Sequence[Row]]
    answer: Answer = honest
    options: Values = field(default_factory=dict)
    verdict: Verdict = Verdict.OK
    reason: Reason | None = None
    holds: Callable[[Values], object] = lambda _: True
    via: str = ""
    looks: int = 1

    def told(self) -> Sequence[Row]:
        return self.rows() if callable(self.rows) else self.rows


def interfaces(numbers: Sequence[int], *, wide: bool = True, narrow: bool = True, named: bool = True) -> list[Row]:
    """IfTable and ifXTable with these indices; all are up, `in` is 1000 times the index."""
    rows = column(IF, 2, {number: text(f"ether{number}") for number in numbers})
    rows += column(IF, 8, {number: ber.integer(1) for number in numbers})
    if narrow:
        rows += column(IF, 10, {number: ber.integer(1000 * number % 2**32, COUNTER32) for number in numbers})
        rows += column(IF, 16, {number: ber.integer(7, COUNTER32) for number in numbers})
    if named:
        rows += column(IFX, 1, {number: text(f"eth{number}") for number in numbers})
    if wide:
        rows += column(IFX, 6, {number: ber.integer(1000 * number, COUNTER64) for number in numbers})
        rows += column(IFX, 10, {number: ber.integer(7, COUNTER64) for number in numbers})
    return rows


def bits(values: Values) -> list[object]:
    rows = values["interfaces"]
    assert isinstance(rows, list)
    return [row.get("bits") for row in rows]


def indices(values: Values) -> list[object]:
    rows = values["interfaces"]
    assert isinstance(rows, list)
    return [row["index"] for row in rows]


def raw(question: Question, bindings: bytes, status: int = 0, number: int | None = None) -> bytes:
    """An answer with bindings as they are, whether or not they make sense."""
    fields = ber.integer(question.number if number is None else number) + ber.integer(status) + ber.integer(0)
    message = ber.integer(question.version) + ber.tlv(ber.OCTETS, question.community)
    return ber.tlv(ber.SEQUENCE, message + ber.tlv(0xA2, fields + ber.tlv(ber.SEQUENCE, bindings)))


def binding(name: Oid, value: bytes) -> bytes:
    return ber.tlv(ber.SEQUENCE, ber.oid(name) + value)


def sized(most: int) -> Answer:
    """MikroTik: GETBULK of more than it likes is tooBig."""
    return lambda question, view: raw(question, b"", 1) if question.kind == BULK and question.second > most else honest(question, view)


def on(kinds: Sequence[int], odd: Answer) -> Answer:
    """Odd for these kinds of question, honest for the rest."""
    return lambda question, view: odd(question, view) if question.kind in kinds else honest(question, view)


def bulk_of(names: Callable[[Question], Sequence[Oid]]) -> Answer:
    """GETBULK and GETNEXT are answered with these names, all up."""
    return on([NEXT, BULK], lambda question, _: write(question, [(name, ber.integer(1)) for name in names(question)]))


def after(question: Question, first: int, step: int) -> list[Oid]:
    """As many names as were asked for, of the column that was asked for, from `first` on or from the last one on."""
    last = question.names[0]
    size = len(IFX) + 1 if last[: len(IFX)] == IFX else len(OPER)
    start = last[size] if len(last) > size else first
    return [(*last[:size], start + step * turn) for turn in range(1, max(1, question.second) + 1)]


WELL = [*system(), *interfaces([1, 2, 3])]
FULL: Values = {"read": ["system", "interfaces"]}
MANY: Values = {**FULL, "max_interfaces": 4096}
QUICK: Values = {"timeout": 0.6}
silent = partial(Animal, verdict=Verdict.FAIL, reason=Reason.SNMP_TIMEOUT, options=QUICK)
odd = partial(Animal, verdict=Verdict.FAIL, reason=Reason.SNMP_ERROR, options=QUICK)
THREE = [1, 2, 3]


def recordings(folder: Path) -> list[Animal]:
    """Every recorded device of a folder: it must simply be read."""
    return [
        Animal(path.stem, lambda path=path: recorded(path), options=MANY, holds=lambda values: values["sysDescr"] and indices(values))  # type: ignore[misc]
        for path in sorted(folder.glob("*.snmprec"))
    ]


DEVICES = [
    Animal("well", WELL, options=FULL, holds=lambda values: (indices(values), bits(values)) == (THREE, [64, 64, 64])),
    Animal(
        "version 1 only", WELL, lambda question, view: honest(question, view) if question.version == 0 else None, {**FULL, "timeout": 3}
    ),
    Animal("asked by version 1", WELL, options={**FULL, "version": "1"}, holds=lambda values: bits(values) == [32, 32, 32]),
    Animal(
        "noSuchName for one that is missing", system(uptime=None), options={"version": "1"}, holds=lambda values: "uptime" not in values
    ),
    Animal("no sysUpTime", [*system(uptime=None)], holds=lambda values: "uptime" not in values and values["sysName"] == "alat-uji"),
    Animal("sysUpTime INTEGER", system(uptime=ber.integer(4200)), holds=lambda values: values["uptime"] == 42),
    Animal("sysUpTime of no sense", system(uptime=ber.integer(-4200)), holds=lambda values: "uptime" not in values),
    Animal(
        "sysUpTime about to wrap", system(uptime=ber.integer(2**32 - 1, TICKS)), holds=lambda values: values["uptime"] == (2**32 - 1) / 100
    ),
    Animal("empty sysName", system(name=""), holds=lambda values: values["sysName"] == ""),
    Animal("GB2312", system(descr="锐捷网络".encode("gb2312")), holds=lambda values: values["sysDescr"] == "锐捷网络"),
    Animal("CRLF", system(descr=b'"Huawei\r\nVersatile  Routing"'), holds=lambda values: values["sysDescr"] == "Huawei Versatile Routing"),
    Animal("60 KB of text", system(descr="a" * 60_000), holds=lambda values: values["sysDescr"] == "a" * 120),
    Animal("60 KB cut within a sign", system(descr="a" + "é" * 30_000), holds=lambda values: values["sysDescr"] == "a" + "é" * 119),
    Animal(
        "nothing at all",
        [((1, 3, 6, 1, 4, 1, 9, 0), ber.integer(1))],
        options=FULL,
        verdict=Verdict.WARN,
        reason=Reason.SNMP_MISSING,
        holds=lambda values: indices(values) == [],
    ),
    Animal(
        "3,271 interfaces",
        lambda: interfaces(range(1, 3272), narrow=False),
        options={"read": "interfaces", "max_interfaces": 4096, "timeout": 60},
        holds=lambda values: indices(values) == list(range(1, 3272)),
    ),
    Animal(
        "3,271 interfaces, 64 wanted", lambda: interfaces(range(1, 3272)), options=FULL, holds=lambda values: len(indices(values)) == 64
    ),
    Animal(
        "ifIndex over 2e9",
        interfaces([5, 2_000_000_001, 2**32 - 1]),
        options=FULL,
        holds=lambda values: indices(values) == [5, 2_000_000_001, 2**32 - 1],
    ),
    Animal("no ifXTable", interfaces(THREE, wide=False, named=False), options=FULL, holds=lambda values: bits(values) == [32, 32, 32]),
    Animal(
        "HC for a part of the rows",
        [*interfaces(THREE, wide=False), *interfaces([2], narrow=False, named=False)[2:]],
        options=FULL,
        holds=lambda values: bits(values) == [32, 64, 32],
    ),
    Animal(
        "columns of unequal length",
        [row for row in interfaces(THREE) if row[0] != (*OPER, 2)],
        options=FULL,
        holds=lambda values: (indices(values), values["interfaces_up"]) == (THREE, 2),
    ),
    Animal(
        "unsorted rows",
        [row for number in (1, 3, 2) for row in column(IF, 8, {number: ber.integer(2)})] + [((*IF, 9, 1), ber.integer(6))],
        options=FULL,
        holds=lambda values: (indices(values), values["interfaces_down"]) == (THREE, 3),
    ),
    Animal(
        "double rows",
        [row for number in THREE for row in column(IF, 8, {number: ber.integer(2)}) * 2],
        options=FULL,
        holds=lambda values: (indices(values), values["interfaces_down"]) == (THREE, 3),
    ),
    Animal(
        "Counter32 without its zero byte",
        [*column(IF, 8, {1: ber.integer(1)}), *column(IF, 10, {1: ber.tlv(COUNTER32, (2**32 - 5).to_bytes(4, "big"))})],
        options=FULL,
        holds=lambda values: "4294967291" in str(values["interfaces"]),
    ),
    Animal(
        "Counter32 over 2^32",
        [*column(IF, 8, {1: ber.integer(1)}), *column(IF, 10, {1: ber.integer(2**32 + 9, COUNTER32)})],
        options=FULL,
        holds=lambda values: "'in': 9" in str(values["interfaces"]),
    ),
    Animal(
        "a counter that is negative",
        [*column(IF, 8, {1: ber.integer(1)}), *column(IF, 10, {1: ber.tlv(GAUGE32, b"\xff")})],
        options=FULL,
        holds=lambda values: "'in': 255" in str(values["interfaces"]),
    ),
    Animal(
        "bytes after the message",
        WELL,
        lambda question, view: honest(question, view) + b"\0\0",
        FULL,
        holds=lambda values: indices(values) == THREE,
    ),
    Animal(
        "an index of several parts",
        [((*OPER, 1, 7), ber.integer(1)), ((*OPER, 9), ber.integer(1))],
        options=FULL,
        holds=lambda values: indices(values) == [9],
    ),
]

LIARS = [
    silent("mute", WELL, lambda *_: None),
    silent("answers from another port", WELL, via="127.0.0.1"),
    silent("answers from another address", WELL, via="127.0.0.9"),
    odd("wrong request id", WELL, lambda question, view: honest(replace(question, number=question.number ^ 1), view)),
    odd("other names", WELL, on([GET], lambda question, _: write(question, [((*name, 1), ber.integer(1)) for name in question.names]))),
    odd("names in another order", WELL, on([GET], lambda question, view: honest(replace(question, names=question.names[::-1]), view))),
    odd("more values than asked", WELL, on([GET], lambda question, view: honest(replace(question, names=question.names * 2), view))),
    odd("no values", WELL, on([GET], lambda question, _: raw(question, b""))),
    odd("no values to GETBULK", WELL, on([BULK, NEXT], lambda question, _: raw(question, b"")), options={**FULL, "timeout": 1.5}),
    odd("random bytes", WELL, lambda question, _: bytes(range(question.number % 200, 255))),
    odd("cut short", WELL, lambda question, view: honest(question, view)[:-3]),
    odd("an empty binding", WELL, lambda question, _: raw(question, b"\x30\x00")),
    odd("a length without end", WELL, lambda *_: b"\x30\x84\xff\xff\xff\xff\x02"),
    odd(
        "a number of 9 bytes",
        WELL,
        lambda question, _: raw(question, b"".join(binding(name, b"\x02\x09" + b"\xff" * 9) for name in question.names)),
    ),
    odd("its own question back", WELL, lambda question, _: write(question, []).replace(b"\xa2", b"\xa0")),
    odd("genErr", WELL, lambda question, _: raw(question, b"", 5)),
    odd(
        "genErr to GETBULK, and values beside it",
        WELL,
        on([BULK, NEXT], lambda question, _: raw(question, binding((*OPER, 1), ber.integer(1)), 5)),
        options={**FULL, "timeout": 1.5},
    ),
    odd("even one value is tooBig", WELL, lambda question, _: raw(question, b"", 1)),
    Animal(
        "everything twice", WELL, lambda question, view: [honest(question, view)] * 2, FULL, holds=lambda values: indices(values) == THREE
    ),
    Animal(
        "repeats itself",
        WELL,
        bulk_of(lambda question: after(question, 4, 0)),
        FULL,
        holds=lambda values: indices(values) == [4],
    ),
    Animal(
        "falling names", WELL, bulk_of(lambda question: after(question, 2**31, -1)), FULL, holds=lambda values: len(indices(values)) == 64
    ),
    Animal(
        "names without end", WELL, bulk_of(lambda question: after(question, 0, 1)), FULL, holds=lambda values: len(indices(values)) == 64
    ),
    Animal(
        "names outside the column", WELL, bulk_of(lambda _: [(1, 3, 6, 1, 4, 1, 9, 9)]), FULL, holds=lambda values: indices(values) == []
    ),
    Animal("tooBig for a large GETBULK", interfaces(range(1, 41)), sized(4), FULL, holds=lambda values: len(indices(values)) == 40),
    Animal(
        "no GETBULK: it hangs",
        WELL,
        on([BULK], lambda *_: None),
        {**FULL, "timeout": 4},
        holds=lambda values: indices(values) == THREE,
        looks=2,
    ),
    Animal(
        "a GETBULK over 4 hangs",
        interfaces(range(1, 21)),
        lambda question, view: None if question.kind == BULK and question.second > 4 else honest(question, view),
        {**FULL, "timeout": 4},
        holds=lambda values: len(indices(values)) == 20,
        looks=2,
    ),
    Animal(
        "ZTE: it hangs at max-repetitions 0",
        WELL,
        lambda question, view: None if question.kind == BULK and question.second < 1 else honest(question, view),
        FULL,
    ),
]
