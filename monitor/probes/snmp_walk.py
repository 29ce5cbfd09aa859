"""Walking a column of a table, within bounds: names must grow and lie under the column, rows and rounds are counted."""

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.snmp_agent import Agent, Oid, Rows, TooBigError, Value

MAX_ROWS = 4096
MAX_ROUNDS = 1024


async def walk(agent: Agent, column: Oid, limit: int = MAX_ROWS) -> dict[Oid, Value]:
    """Return the values of a column by index (the rest of the name), at most `limit`; the walk ends where names do not grow.

    Raises Fault. A device that cannot bear many rows at once is asked for half as many, then one by one, and that is remembered.
    """
    found: dict[Oid, Value] = {}
    last = column
    for _ in range(MAX_ROUNDS):
        rows = await _more(agent, last)
        for name, value in rows:
            if name[: len(column)] != column or name <= last:
                return found
            last = name
            if value is not None:
                found[name[len(column) :]] = value
            if len(found) >= limit:
                return found
        if not rows:
            return found
    return found


async def _more(agent: Agent, last: Oid) -> Rows:
    while True:
        repetitions = agent.memory.repetitions
        try:
            if repetitions > 1:
                return await agent.request("bulk", [last], repetitions)
            return await agent.request("next", [last])
        except TooBigError:
            if repetitions <= 1:
                raise Fault(Reason.SNMP_ERROR, "the agent finds even one value too big") from None
            agent.memory.repetitions = repetitions // 2
