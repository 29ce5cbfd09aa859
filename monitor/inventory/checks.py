"""What to look at: the checks of every node, with the defaults of their kind and class put in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.core.city import Check
from monitor.core.rules import Grade
from monitor.inventory.draft import Draft
from monitor.inventory.shape import AppPart, CheckPart, DefaultPart, NodePart, Options
from monitor.inventory.tree import Path
from monitor.probes import PROBES

TIMES = ("interval", "timeout")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A check, the way to what asks for it, and the ways where its options may stand, nearest first."""

    check: Check
    path: Path
    options: tuple[Path, ...]


def wanted(draft: Draft) -> list[Wanted]:
    """Return all checks of the file; the first of a node decides it."""
    found: list[Wanted] = []
    for node, (path, part) in draft.nodes.items():
        found += _of_node(draft, node, path, part)
    for app, application in draft.file.apps.items():
        found += _of_app(draft, app, application)
    return found


def link_check(draft: Draft, link: str, address: str, grade: Grade, path: Path) -> Wanted:
    """Return the ping of the far end of a line."""
    return _Maker(draft, link, address, grade).make("icmp", "", path, {}, {})


def _of_node(draft: Draft, node: str, path: Path, part: NodePart) -> Iterator[Wanted]:
    maker = _Maker(draft, node, part.address or "", draft.grade(part))
    own = _times(part)
    if part.icmp is not False:
        yield maker.make("icmp", "", path, own, part.icmp or {}, (*path, "icmp"))
    if (options := _snmp(draft, part, maker.grade)) is not None:
        yield maker.make("snmp", "", path, {}, options, (*path, "snmp"))
    yield from _further(maker, path, part.checks)


def _of_app(draft: Draft, app: str, part: AppPart) -> Iterator[Wanted]:
    maker = _Maker(draft, app, part.url, Grade.APP)
    own = _times(part)
    path: Path = ("apps", app)
    yield maker.make("http", "", path, own, part.http, (*path, "http"))
    yield from _further(maker, path, part.checks)


def _snmp(draft: Draft, part: NodePart, grade: Grade) -> Options | None:
    """Return the SNMP options of a node, None when it is not asked: its own word, its kind's, or its class's."""
    if part.snmp is not None:
        return part.snmp if isinstance(part.snmp, dict) else None
    given = draft.file.classes.get(grade)
    return {} if given and given.snmp else None


def _times(part: NodePart | AppPart | CheckPart | DefaultPart) -> dict[str, float]:
    return {name: value for name in TIMES if (value := getattr(part, name)) is not None}


def _further(maker: "_Maker", path: Path, checks: tuple[CheckPart, ...]) -> Iterator[Wanted]:
    for number, part in enumerate(checks):
        own = _times(part)
        here: Path = (*path, "checks", number)
        yield maker.make(part.kind, part.id or "", here, own, part.model_extra or {}, here, target=part.target)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the checks of one node."""

    draft: Draft
    node: str
    target: str
    grade: Grade

    def make(
        self, kind: str, name: str, path: Path, times: Mapping[str, float], own: Options, *options: Path, target: str | None = None
    ) -> Wanted:
        defaults = next((part for word, part in self.draft.file.defaults.items() if word == kind), DefaultPart())
        usual = dict(zip(TIMES, self.draft.times(self.grade), strict=True)) | dict(PROBES[kind].times) | _times(defaults)
        check = Check(
            id=f"{self.node}/{kind}-{name}" if name else f"{self.node}/{kind}",
            node=self.node,
            kind=kind,
            target=target or self.target,
            grade=self.grade,
            interval=times.get("interval", usual["interval"]),
            timeout=times.get("timeout", usual["timeout"]),
            options={**(defaults.model_extra or {}), **own},
            where=self.draft.where(path),
        )
        return Wanted(check, path, (*options, ("defaults", kind)))
