"""Walking a column of a table, within bounds: every answer must bring something new under the column; rows and rounds are counted."""

import asyncio

from monitor.core.verdict import Reason
from monitor.probes.ber import Oid
from monitor.probes.faults import Fault
from monitor.probes.snmp_agent import Agent, TooBigError
from monitor.probes.snmp_message import Rows, Value

MAX_ROWS = 4096
MAX_ROUNDS = 1024


async def walk(agent: Agent, column: Oid, limit: int = MAX_ROWS) -> dict[Oid, Value]:
    """Return the values of a column by index (the rest of the name), at most `limit`.

    It ends with the first name outside the column and with an answer that brings nothing new: whoever repeats himself goes no
    round twice, and whoever tells his rows in no order, or twice, is heard out. Raises Fault. A device that cannot bear many
    rows at once is asked for fewer, then one by one, and that is remembered.
    """
    found = await _rows_of(agent, column, limit)
    agent.memory.walked()
    return {index: value for index, value in found.items() if value is not None}


async def _rows_of(agent: Agent, column: Oid, limit: int) -> dict[Oid, Value]:
    found: dict[Oid, Value] = {}
    size = len(column)
    last, at_once = column, agent.memory.repetitions
    for _ in range(MAX_ROUNDS):
        heard = len(found)
        at_once = min(at_once, agent.memory.most)
        for name, value in await _more(agent, last, at_once):
            index = name[size:]
            if not index or name[:size] != column or len(found) >= limit:
                return found
            found.setdefault(index, value)
            last = name
        if len(found) == heard or len(found) >= limit:
            break
    return found


async def _more(agent: Agent, last: Oid, at_once: int) -> Rows:
    while True:
        if rest := agent.memory.rest():
            await asyncio.sleep(rest)
        try:
            if at_once > 1:
                return await agent.request("bulk", [last], at_once)
            return await agent.request("next", [last])
        except TooBigError as error:
            if at_once <= 1:
                raise Fault(Reason.SNMP_ERROR, "the agent finds even one value too big") from None
            agent.memory.less(at_once, error.part)
            at_once = agent.memory.repetitions
