"""The reference of the inventory (`docs/inventory.md`, by scripts/generate): every section, every key, an example of each."""

import inspect
import json
from collections.abc import Iterator, Mapping

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from alerts.channels import CHANNELS
from monitor.core.promise import promise_of_class
from monitor.core.rules import GRADES
from monitor.inventory.shape import (
    AppPart,
    CheckPart,
    CityPart,
    ClassPart,
    DefaultPart,
    HubPart,
    InventoryPart,
    KindPart,
    NodePart,
    PersonPart,
    ReceiverPart,
    RiskPart,
    RoutePart,
    SitePart,
    TrapsPart,
    TrapUserPart,
    UplinkPart,
    UrusanPart,
    WayPart,
)
from monitor.probes import PROBES

HEAD = """# Inventaris · the inventory

<!-- scripts/generate writes this file from monitor/inventory/shape.py -->

`inventory.yaml` says what there is: sites, lines, applications, people, and who is told of what. Pantau reads it once, judges it whole and
uses it only when it is right: `pantau check-config` prints every problem at once, as `file:line:column: key: what is wrong`.
After a change: `pantau reload`; a bad file is refused and the old one stays.

* **Durations** are `500ms`, `10s`, `2m`, `1h`, `1d`, or a number of seconds.
* **One or many**: where a list may stand, one word is enough (`risks: pln-pusat`).
* **Ids** have small letters, digits and hyphens. A site's begins with `kec-`, `kel-`, `pkm-`, `opd-` or `titik-`: that is its kind.
* **Secrets** are never written, only named: `!env NAME` (environment), `!file PATH`, `!credential NAME` (systemd).
* **Quotes**: YAML reads `no`, `1:30`, `0123`, `2026-12-31`, `12e3` as something else than text; Pantau says where to quote them.
* Not read: aliases (`*x`), merge keys (`<<`), other tags, tabs, files over 16 MiB. Double and unknown keys are refused.
* Editors with the YAML language server complete and check by the first line, `# yaml-language-server: $schema=docs/inventory.schema.json`;
  tell it of `yaml.customTags: ["!env scalar", "!file scalar", "!credential scalar"]`.

A key with **·** must be there.
"""

CHECKS = """What each kind asks, what it may answer and what fools it: [probes.md](probes.md). `slow`, for every kind: an answer that
takes longer (seconds) is SLOW.
"""

SECTIONS: Mapping[str, type[BaseModel]] = {
    "city": CityPart,
    "city: traps": TrapsPart,
    "city: traps: users": TrapUserPart,
    "classes": ClassPart,
    "kinds": KindPart,
    "defaults": DefaultPart,
    "hub": HubPart,
    "uplinks, internet": UplinkPart,
    "sites": SitePart,
    "sites, uplinks: via": WayPart,
    "checks": CheckPart,
    "apps": AppPart,
    "risks": RiskPart,
    "urusan": UrusanPart,
    "people": PersonPart,
    "receivers": ReceiverPart,
    "routes": RoutePart,
}


def reference() -> str:
    """Return the reference as Markdown."""
    lines = [HEAD, *_sections(), "## The keys of checks", "", CHECKS]
    for name, kind in PROBES.items():
        lines += [f"### {name}", "", f"{kind.summary}.", "", *_options(kind.options)]
    lines += ["## The keys of receivers", ""]
    for name, channel in CHANNELS.items():
        lines += [f"### {name}", "", f"{channel.summary}.", "", *_options(channel.options)]
    return "\n".join(lines)


def _sections() -> Iterator[str]:
    yield "## Sections\n\n| section | what |\n|---|---|"
    for key, field in InventoryPart.model_fields.items():
        yield f"| `{key}` | {field.description} |"
    yield ""
    for title, part in SECTIONS.items():
        yield f"## {title}\n\n{inspect.getdoc(part)}\n"
        if part is ClassPart:
            yield from _grades()
        if part in {HubPart, UplinkPart}:
            own = part.model_fields.keys() - NodePart.model_fields.keys()
            yield f"Keys as in [sites](#sites){'' if own else ', but for the line'}; without `kind` and `kecamatan`.\n"
        else:
            yield from _table(part)


def _table(part: type[BaseModel]) -> Iterator[str]:
    yield "| key | what | example |\n|---|---|---|"
    for key, field in part.model_fields.items():
        yield f"| `{key}`{' **·**' if field.is_required() else ''} | {field.description}{_bounds(field)} | `{key}: {_shown(field)}` |"
    yield ""


def _shown(field: FieldInfo) -> str:
    """Return the example as it stands in the file; references to secrets are not quoted there."""
    text = json.dumps((field.examples or [""])[0], ensure_ascii=False)
    words = text.replace('"', "")
    return text if words[:4].isdigit() and words.count("-") == 2 else words


def _bounds(field: FieldInfo) -> str:
    default = field.get_default()
    return f" Default: `{default:g}`." if isinstance(default, (int, float)) and not isinstance(default, bool) else ""


def _grades() -> Iterator[str]:
    heads = (
        "class",
        "interval",
        "time-out",
        "least span of losses",
        "odds",
        "outages a year",
        "fault to DOWN",
        "false pages a target-year",
    )
    yield f"| {' | '.join(heads)} |"
    yield "|---|---|---|---|---|---|---|---|"
    for grade, rule in GRADES.items():
        said = promise_of_class(grade, rule)
        yield (
            f"| `{grade}` | {rule.interval:g} s | {rule.timeout:g} s | {rule.span:g} s | {rule.odds:g} | {rule.outages:g} "
            f"| {said.mean:.0f} s, at worst {said.worst:.0f} s | {said.false:.2f} |"
        )
    yield "\nThe times are those of a target with the noise of its class; a noisier one takes longer (`pantau simulate`).\n"


def _options(options: type[BaseModel]) -> Iterator[str]:
    yield f"{inspect.getdoc(options)}\n\n| key | default |\n|---|---|"
    for key, field in options.model_fields.items():
        must = " **·**" if field.is_required() else ""
        said = field.default not in {None, "", ()} and not field.is_required() and not field.default_factory
        yield f"| `{key}`{must} | {f'`{json.dumps(field.default)}`' if said else ''} |"
    yield ""
