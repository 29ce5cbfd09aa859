"""TCP: does a port let us connect. By hand: `pantau probe tcp 198.18.0.1 port=443`."""

import time

from pydantic import Field

from monitor.core.verdict import Outcome, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.connect import connect
from monitor.probes.keys import Keys
from monitor.probes.names import Names
from monitor.probes.vantage import Vantage


class TcpOptions(Keys):
    """Keys of a `tcp` check: the `port`."""

    port: int = Field(ge=1, le=65535)


SECRETS: frozenset[str] = frozenset()


async def probe(target: str, options: TcpOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Connect and close; `seconds` is the time of connecting."""
    addresses = await vantage.share(Names).resolve(target, attempt, both=True)
    start = time.monotonic()
    (await connect(addresses, options.port, attempt)).close()
    return Outcome(Verdict.OK, seconds=time.monotonic() - start, phases=attempt.phases, values=attempt.values)
