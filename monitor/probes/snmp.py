"""SNMP: does a device answer, and what it says of itself and its interfaces.

By hand: `pantau probe snmp 198.18.0.1 community=public read=system`, beside it `snmpget -v2c -c public 198.18.0.1 sysName.0`.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

from monitor.core.city import Check
from monitor.core.errors import Exit, PantauError
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault, verdict_of
from monitor.probes.names import Names
from monitor.probes.snmp_agent import Agent, Community, TooBigError
from monitor.probes.snmp_codec import NOT_THERE, installed, wants_fast
from monitor.probes.snmp_engine import Engines
from monitor.probes.snmp_fast import FastCommunity
from monitor.probes.snmp_fast_user import FastUser
from monitor.probes.snmp_memory import Memory
from monitor.probes.snmp_options import SnmpOptions
from monitor.probes.snmp_read import GROUPS, read_oids
from monitor.probes.snmp_user import User
from monitor.probes.vantage import Vantage
from monitor.secret import reveal

__all__ = ["SECRETS", "SnmpOptions", "probe"]

SECRETS = frozenset({"community", "auth", "priv"})
MAX_DEVICES = 10_000


class Devices:
    """What was learned of each device, by address and port."""

    def __init__(self, _: Vantage) -> None:
        self._known: dict[tuple[str, int, str], Memory] = {}

    def close(self) -> None:
        """Forget all of them."""
        self._known.clear()

    def of(self, address: str, options: SnmpOptions) -> Memory:
        """Return the memory of a device."""
        if len(self._known) > MAX_DEVICES:
            self._known.clear()
        return self._known.setdefault((address, options.port, options.version), Memory())


async def probe(target: str, options: SnmpOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Read what `read` names; `seconds` is the time until the first answer, and each group is a phase."""
    address = (await vantage.share(Names).resolve(target, attempt))[0]
    memory = vantage.share(Devices).of(address, options)
    agent = agent_of(options, memory, vantage, attempt)
    attempt.late = Reason.SNMP_TIMEOUT
    memory.begin(attempt.timeout)
    await agent.open(address, options.port)
    start, first = time.monotonic(), 0.0
    try:
        for group in options.groups:
            with attempt.phase(group, attempt.late):
                attempt.values |= await GROUPS[group](agent, options.max_interfaces)
            first = first or time.monotonic() - start
        if options.oids:
            with attempt.phase("oids", attempt.late):
                attempt.values |= await read_oids(agent, options.oids)
    except asyncio.CancelledError:
        memory.broken_off()
        raise
    except TooBigError:
        raise Fault(Reason.SNMP_ERROR, "the agent finds even one value too big") from None
    finally:
        agent.close()
    memory.ended()
    reason, detail = needs_care(attempt.values, options)
    verdict = Verdict.OK if reason is None else verdict_of(reason)
    return Outcome(verdict, reason, detail, first or time.monotonic() - start, attempt.phases, attempt.values)


def needs_care(values: Mapping[str, object], options: SnmpOptions) -> tuple[Reason | None, str]:
    """Return why a device that answers needs care, and a word on it: its battery, a bad radio link, or it lacks what was asked for."""
    ups, radio = values.get("ups"), values.get("radio")
    if isinstance(ups, Mapping) and ups.get("on_battery"):
        left = ups.get("minutes_left")
        return Reason.ON_BATTERY, "on battery" if left is None else f"on battery, {left} min left"
    for link in radio if isinstance(radio, list) else ():
        for word, least, unit in (("signal", options.min_signal, "dBm"), ("quality", options.min_quality, "%")):
            if link.get(word) is not None and link[word] < least:
                return Reason.RADIO_WEAK, f"{link['name'] or 'radio'}: {word} {link[word]} {unit}, min_{word} is {least:g}"
    if lacking := _lacking(values, options):
        return Reason.SNMP_MISSING, f"the agent answers, but has nothing of {', '.join(lacking)}"
    return None, ""


def _lacking(values: Mapping[str, object], options: SnmpOptions) -> list[str]:
    """Return what of `read` the device must have, and has not: `system` only where it has nothing else either; tables may be empty."""
    single = values.get("oids")
    has = {"system": any(values.values()), "ups": bool(values.get("ups"))}
    has |= {word: isinstance(single, Mapping) and word in single for word in options.oids}
    return [word for word in options.read if not has.get(word, True)]


def ready(vantage: Vantage, _checks: Sequence[Check]) -> None:
    """See that the back end that the city is set to is there. Raises PantauError: what to install."""
    if vantage.snmp_backend == "fast" and not installed():
        raise PantauError(f"snmp_backend: {NOT_THERE}", status=Exit.MISSING)


def agent_of(options: SnmpOptions, memory: Memory, vantage: Vantage, attempt: Attempt) -> Agent:
    """Return who asks: by community or as a user, and by which back end. Raises Fault."""
    fast = wants_fast(options.backend or vantage.snmp_backend)
    if options.user:
        user = User(options, memory, vantage.share(Engines), attempt)
        return FastUser(options, user, vantage, attempt) if fast else user
    community, versions = reveal(options.community), [options.version] if options.version else ["2c", "1"]
    return (FastCommunity if fast else Community)(community, versions, memory, attempt, vantage)
