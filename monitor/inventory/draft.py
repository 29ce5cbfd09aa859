"""An inventory on its way to a city: what fits the file's shape, with the places of everything and the problems so far."""

import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from monitor.core.city import Kind
from monitor.core.rules import GRADES, Grade, Rule
from monitor.inventory.problems import Problems, dotted, nearest
from monitor.inventory.shape import InventoryPart, LinedPart, NodePart, SitePart, WayPart
from monitor.inventory.tree import Branch, key_spot, known, value_spot
from monitor.inventory.tree import Path as Way

RULE_KEYS = ("interval", "timeout", "odds", "cap", "outages")
PREFIXES = {"kec": Kind.KECAMATAN, "kel": Kind.KELURAHAN, "pkm": Kind.PUSKESMAS, "opd": Kind.OPD, "titik": Kind.TITIK}


@dataclass
class Draft:
    """`file` is what fitted, `tree` all that stands there, `root` the folder of the first file."""

    file: InventoryPart
    tree: Branch
    problems: Problems
    root: Path
    _files: dict[str, str] = field(default_factory=dict)

    def say(self, path: Way, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Keep a problem with what stands at the path."""
        spot = key_spot(self.tree, path) if at_key else value_spot(self.tree, path)
        self.problems.say(spot, dotted(known(self.tree, path)), message, hint)

    def where(self, path: Way) -> str:
        """Return `file:line` of a key, the file as seen from the first one's folder."""
        spot = key_spot(self.tree, path)
        return f"{self._seen_from_root(spot.file)}:{spot.line}"

    def _seen_from_root(self, file: str) -> str:
        if file not in self._files:
            self._files[file] = os.path.relpath(file, self.root)
        return self._files[file]

    def named(self, section: str) -> set[str]:
        """Return the ids of a section, also of entries that do not fit."""
        part = self.tree.items.get(section)
        return set(part.items) if isinstance(part, Branch) else set()

    @cached_property
    def nodes(self) -> dict[str, tuple[Way, NodePart]]:
        """Everything with an address of its own that others may be connected to, by id, with the way to it."""
        found: dict[str, tuple[Way, NodePart]] = {}
        if self.file.hub:
            found["hub"] = (("hub",), self.file.hub)
        for key, uplink in self.file.uplinks.items():
            found[key] = (("uplinks", key), uplink)
        if self.file.internet:
            found["internet"] = (("internet",), self.file.internet)
        for key, site in self.file.sites.items():
            found[key] = (("sites", key), self._with_kind(key, site))
        return found

    @cached_property
    def node_ids(self) -> set[str]:
        """Ids of `nodes`, also of those that do not fit; a hub that is missing is told once."""
        return {"hub"} | {"internet"} & set(self.tree.items) | self.named("uplinks") | self.named("sites")

    def kind(self, node: str) -> Kind:
        """Return what a node of `nodes` is."""
        path, part = self.nodes[node]
        if path[0] == "sites":
            return (part.kind if isinstance(part, SitePart) else None) or PREFIXES.get(node.partition("-")[0], Kind.TITIK)
        return {"hub": Kind.HUB, "internet": Kind.INTERNET}.get(str(path[0]), Kind.ISP)

    def _with_kind(self, key: str, site: SitePart) -> SitePart:
        """Return the site with what its kind gives to those who do not say otherwise."""
        kind = site.kind or PREFIXES.get(key.partition("-")[0])
        shared = self.file.kinds.get(kind) if kind else None  # type: ignore[call-overload]
        if shared is None:
            return site
        given = {name: getattr(shared, name) for name in shared.model_fields_set - site.model_fields_set}
        if isinstance(given.get("via"), str):
            given["via"] = () if given["via"] == key else (WayPart(to=given["via"]),)
        return site.model_copy(update=given)

    def grade(self, part: NodePart) -> Grade:
        """Return the class by which a node is looked at: its own, that of its first line, or core."""
        if part.grade:
            return Grade(part.grade)
        return self.link_grade(part, part.via[0]) if isinstance(part, LinedPart) and part.via else Grade.CORE

    def link_grade(self, part: LinedPart, line: WayPart) -> Grade:
        """Return the class of a line: its own, that of its site, or fibre."""
        return Grade(line.link or part.link or Grade.FIBRE)

    def provider(self, grade: Grade) -> str:
        """Return who runs the lines of a class, an empty text when the file does not say."""
        given = self.file.classes.get(grade)
        return (given and given.provider) or ""

    def times(self, grade: Grade) -> tuple[float, float]:
        """Return interval and time-out of a class, in seconds."""
        rule = self.rules[grade]
        return rule.interval, rule.timeout

    @cached_property
    def rules(self) -> dict[Grade, Rule]:
        """The detection rules of the classes, with what the file says of them."""
        return {grade: self._rule(grade, rule) for grade, rule in GRADES.items()}

    def _rule(self, grade: Grade, rule: Rule) -> Rule:
        part = self.file.classes.get(grade)
        said: dict[str, float] = {key: value for key in RULE_KEYS if (value := getattr(part, key, None)) is not None}
        return replace(rule, **said)  # type: ignore[arg-type]

    def refer(self, path: Way, word: str, words: Collection[str], what: str) -> None:
        """Say so when `word` is none of `words`."""
        if word not in words:
            self.say(path, f"there is no {what} {word!r}", nearest(word, sorted(words)))
