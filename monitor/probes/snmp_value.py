"""Values of a device: fetching several, and reading them as text or numbers. Devices leave holes: what is missing is left out."""

import codecs
from collections.abc import Mapping

from monitor.probes.ber import Oid
from monitor.probes.snmp_agent import Agent, TooBigError
from monitor.probes.snmp_message import Value
from monitor.probes.snmp_walk import walk

MAX_TEXT = 120


async def get(agent: Agent, asked: Mapping[str, Oid]) -> dict[str, Value]:
    """Get values by the words for them, None for what is missing; where all at once is too much, or version 1 stumbles, one by one."""
    oids = [*asked.values()]
    try:
        rows = await agent.request("get", oids)
    except TooBigError:
        rows = []
    if len(rows) == len(oids):  # the names are those that were asked for, in their order
        return {word: value for word, (_, value) in zip(asked, rows, strict=True)}
    found = dict(rows if len(oids) == 1 else [row for oid in oids for row in await agent.request("get", [oid])])
    return {word: found.get(oid) for word, oid in asked.items()}


async def table(agent: Agent, entry: Oid, columns: Mapping[str, int], limit: int) -> dict[Oid, dict[str, Value]]:
    """Return the rows of a table by index, each with the words of its columns; a table without its first column is none."""
    rows: dict[Oid, dict[str, Value]] = {}
    for word, column in columns.items():
        for index, value in (await walk(agent, (*entry, column), limit)).items():
            rows.setdefault(index, {})[word] = value
        if not rows:
            break
    return dict(sorted(rows.items())[:limit])


def text(value: Value) -> str:
    """Return text of a device as one short line: UTF-8, else GB 18030 (GB 2312 within it), else Latin-1."""
    if not isinstance(value, bytes):
        return ""
    for encoding in ("utf-8", "gb18030"):
        try:
            decoded = codecs.getincrementaldecoder(encoding)().decode(value[: 8 * MAX_TEXT])  # which may cut a sign in two
            break
        except UnicodeDecodeError:
            continue
    else:
        decoded = value[: 8 * MAX_TEXT].decode("latin-1")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in decoded).split()).strip('"')[:MAX_TEXT]


def number(value: Value) -> int | None:
    """Return a number, None for anything else."""
    return value if isinstance(value, int) else None


def numbers(words: Mapping[str, Value]) -> dict[str, object]:
    """Return those of the words that have a number."""
    return {word: value for word, value in words.items() if isinstance(value, int)}
