"""The kinds of probe: one signature, one table. The looking, with its time-out and its errors, is in `deadline.py`.

A kind is a module of this package with

    class <Kind>Options(Keys)            its keys
    SECRETS: frozenset[str]              names of the keys that hold a secret (as a reference, see `monitor.secret`)
    async def probe(target: str, options, vantage: Vantage, attempt: Attempt) -> Outcome

that returns an Outcome or raises `Fault` (or any error that `faults.fault_of` knows), and never minds its time-out.
A kind of which very many looks begin at the same time may save them a task and a timer each. It has, besides,

    def aim(target: str, options, vantage: Vantage) -> tuple[lane, aim] | None      None: only `probe` can look there
    def probe_many(aims of one lane, vantage: Vantage, attempt: Attempt, tell: Tell) -> Callable[[], None]

that begins all looks, tells each outcome by the place of its aim when it is there, and returns what tells all the rest at once.
A kind whose looks share something that must be there from the beginning has `def ready(vantage: Vantage, checks: Sequence[Check])`.
"""

import importlib
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from monitor.core.city import Check
from monitor.core.errors import Exit, PantauError
from monitor.core.verdict import Outcome
from monitor.probes.attempt import Attempt
from monitor.probes.keys import Keys
from monitor.probes.vantage import Vantage

__all__ = ["PROBES", "Attempt", "Outcome", "ProbeKind", "ProbeMany", "Vantage", "kind_of", "read_options", "ready", "secret_keys"]

Probe = Callable[[str, Any, Vantage, Attempt], Awaitable[Outcome]]
Tell = Callable[[int, Outcome], None]
ProbeMany = Callable[[Sequence[Any], Vantage, Attempt, Tell], Callable[[], None]]
Aiming = Callable[[str, Any, Vantage], tuple[Hashable, Any] | None]


@dataclass(frozen=True)
class ProbeKind:
    """One kind of probe, in a module that is imported when it is first used: `summary` is a line in Indonesian and English.

    `times` are its `interval` and `timeout` in seconds, where those of a class of sites make no sense for it.
    """

    name: str
    options_name: str
    summary: str
    times: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def _module(self) -> Any:  # noqa: ANN401 - a module has no better type
        return importlib.import_module(f"monitor.probes.{self.name}")

    @property
    def options(self) -> type[Keys]:
        """The type of the kind's keys."""
        kind: type[Keys] = getattr(self._module, self.options_name)
        return kind

    @property
    def probe(self) -> Probe:
        """The function that looks."""
        function: Probe = self._module.probe
        return function

    @property
    def probe_many(self) -> ProbeMany | None:
        """The function that begins many looks at once, if the kind has one."""
        function: ProbeMany | None = getattr(self._module, "probe_many", None)
        return function

    @property
    def aim(self) -> Aiming:
        """The function that says where a look among many would aim; there wherever `probe_many` is."""
        function: Aiming = self._module.aim
        return function

    @property
    def secrets(self) -> frozenset[str]:
        """Keys that hold a secret; `a.b` is the key `b` within the mapping `a`."""
        keys: frozenset[str] = self._module.SECRETS
        return keys


SELDOM: Mapping[str, float] = {"interval": 86400.0, "timeout": 30.0}

PROBES: dict[str, ProbeKind] = {
    kind.name: kind
    for kind in (
        ProbeKind("icmp", "IcmpOptions", "ping: apakah alamat menjawab · does the address answer"),
        ProbeKind("snmp", "SnmpOptions", "SNMP: sistem dan antarmuka perangkat · system and interfaces of a device"),
        ProbeKind("http", "HttpOptions", "HTTP(S): halaman, isi, sertifikat · page, content, certificate"),
        ProbeKind("tcp", "TcpOptions", "TCP: apakah porta terbuka · does the port let us connect"),
        ProbeKind("dns", "DnsOptions", "DNS: apakah server nama menjawab benar · does the name server answer rightly"),
        ProbeKind("ntp", "NtpOptions", "NTP: apakah jam server waktu benar · does the time server serve the right time"),
        ProbeKind("push", "PushOptions", "push: apakah ia memanggil kita tepat waktu · does it call us in time"),
        ProbeKind("domain", "DomainOptions", "domain: kapan pendaftarannya berakhir · when does its registration end", SELDOM),
    )
}


def kind_of(name: str) -> ProbeKind:
    """Return the kind of a name. Raises PantauError that lists what there is."""
    kind = PROBES.get(name)
    if kind is None:
        raise PantauError(f"probe {name!r}: there is no such kind; there are {', '.join(PROBES)}", status=Exit.UNKNOWN)
    return kind


def read_options(kind: str, raw: Mapping[str, object]) -> Any:  # noqa: ANN401 - each kind has its own type
    """Read the keys of a check of that kind. Raises pydantic.ValidationError with the keys that are wrong."""
    return kind_of(kind).options.model_validate(dict(raw))


def secret_keys(kind: str) -> frozenset[str]:
    """Return the keys of that kind that hold a secret; `a.b` is the key `b` (in lower case) within the mapping `a`."""
    return kind_of(kind).secrets


def ready(vantage: Vantage, checks: Iterable[Check]) -> None:
    """Open what the looks of these checks share, so that what is missing shows at start. Raises PantauError: what, and what to do."""
    kinds: dict[str, list[Check]] = {}
    for check in checks:
        kinds.setdefault(check.kind, []).append(check)
    for kind in kinds.keys() & PROBES.keys():
        opener = getattr(kind_of(kind)._module, "ready", None)  # noqa: SLF001 - the table's own
        if opener is not None:
            opener(vantage, kinds[kind])
