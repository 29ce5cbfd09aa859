"""How to look: one signature, one table, and the one place where errors become verdicts.

CONTRACT (to be filled in by the probe engineer):

    PROBES: dict[str, ProbeKind]          # "icmp", "snmp", "http", "tcp", "dns"

    @dataclass(frozen=True, slots=True)
    class ProbeKind:
        options: type                     # frozen dataclass or pydantic model of the kind's keys, in probes/<kind>.py
        probe: Callable[[str, Any, Vantage, float], Awaitable[Outcome]]   # (target, options, vantage, timeout)
        summary: str                      # one line, Indonesian and English, for docs and --help

    class Vantage                         # monitor/probes/vantage.py: where we look from. Shared sockets, resolver, CA,
                                          # SNMP engines, secrets. async with Vantage.of(resolver=(), ca="", icmp_backend="shared") as v
    async def look(check: Check, vantage: Vantage) -> Outcome
                                          # bounded by check.timeout; never raises but CancelledError
    def read_options(kind: str, raw: Mapping[str, object]) -> Any
                                          # raises pydantic.ValidationError with the keys that are wrong
    def secret_keys(kind: str) -> frozenset[str]
"""
