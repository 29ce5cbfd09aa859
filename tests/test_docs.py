"""The docs say what the code does: reasons, commands, places; that they name every metric, key and setting is in test_house."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from alerts.words import REASONS
from monitor.cli import root
from monitor.core.verdict import Reason, Verdict
from monitor.probes import PROBES, read_options
from monitor.probes.faults import verdict_of

ROOT = Path(__file__).resolve().parent.parent
PROBING = ROOT / "monitor/probes"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
"""Those that are true today; decisions keep what they said."""
INVENTED = ("radius", "sms", "NAME")
"""What the recipes of CONTRIBUTING add: it is not there."""


def chapters() -> dict[str, str]:
    """Return the chapters of docs/probes.md by heading."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs/probes.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def said(chapter: str) -> set[tuple[Verdict, Reason]]:
    """Return what the table of a chapter says that a look may end with."""
    rows = re.findall(rf"^\| ({'|'.join(Verdict)}) \|([^|]*)\|", chapter, flags=re.MULTILINE)
    return {(Verdict(verdict), Reason(word)) for verdict, words in rows for word in re.findall(r"`(\w+)`", words)}


def coded(pattern: str) -> set[Reason]:
    """Return the reasons that the modules of this name speak of."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PROBING.glob(pattern)]
    named = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    return {Reason[node.attr] for node in named if isinstance(node.value, ast.Name) and node.value.id == "Reason"}


def test_every_kind_has_its_chapter_and_no_other() -> None:
    assert set(chapters()) == {"Every kind", *PROBES}


@pytest.mark.parametrize("kind", ["Every kind", *PROBES])
def test_a_reason_has_the_verdict_that_the_docs_give_it(kind: str) -> None:
    assert {(verdict, reason) for verdict, reason in said(chapters()[kind]) if verdict is not verdict_of(reason)} == set()


@pytest.mark.parametrize("kind", PROBES)
def test_what_the_code_of_a_kind_may_say_is_in_its_chapter(kind: str) -> None:
    """And a chapter names no reason that neither its code nor what all kinds share can give."""
    common = {reason for _, reason in said(chapters()["Every kind"])}
    own = {reason for _, reason in said(chapters()[kind])}
    assert coded(f"{kind}*.py") - own - common == set()
    assert own - common - coded(f"{kind}*.py") - coded("faults.py") - coded("names.py") == set()


def test_every_reason_is_explained_and_has_its_words() -> None:
    """That a port is down is said of a target by another look than its own."""
    assert set(Reason) - {reason for chapter in chapters().values() for _, reason in said(chapter)} == {Reason.PORT_DOWN}
    assert set(REASONS) == set(Reason)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every `pantau ...` of the pages, in code spans and at the head of lines of code, as its words."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        lines = re.findall(r"^(?:\$ )?(?:\.venv/bin/)?(pantau .*)$", text, flags=re.MULTILINE)
        spans = re.findall(r"`(?:\.venv/bin/)?(pantau [^`]+)`", text)
        for line in [re.split(r"\s{2,}|\s#", line)[0] for line in lines] + spans:
            yield path.name, shlex.split(line.replace("'", '"'))


@pytest.mark.parametrize(("page", "words"), list(commands()), ids=lambda part: part if isinstance(part, str) else " ".join(part))
def test_a_command_of_the_docs_is_one(page: str, words: list[str]) -> None:
    del page
    command: click.Command = root
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"there is no command {rest[0]!r}"
        command, rest = found, rest[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "--version"}
    given = rest[: rest.index("--")] if "--" in rest else rest
    assert {word.partition("=")[0] for word in given if word.startswith("--")} <= options


@pytest.mark.parametrize("words", [words for _, words in commands() if words[1:2] == ["probe"] and "=" in words[-1]], ids=" ".join)
def test_the_keys_of_a_probe_in_the_docs_are_keys_of_its_kind(words: list[str]) -> None:
    keys = dict(word.split("=", 1) for word in words[4:] if "key" not in word)
    keys.pop("timeout", None)
    if words[2] in PROBES:
        read_options(words[2], keys)


def places() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        for name in re.findall(
            r"`((?:monitor|alerts|exporters|docs|scripts|deploy|tests|requirements|\.ci)/[\w./*-]*)`", path.read_text("utf-8")
        ):
            if not any(word in name for word in INVENTED):
                yield path.name, name


def is_there(name: str) -> bool:
    return any(any(ROOT.glob(each)) for each in (name.rstrip("/"), f"{name}.py"))


def test_every_place_in_the_code_that_the_docs_name_is_there() -> None:
    assert [(page, name) for page, name in places() if not is_there(name)] == []


def test_the_drawing_of_the_road_names_what_is_there() -> None:
    named = set(re.findall(r"(?:monitor|alerts|exporters)/[\w./]+\w", (ROOT / "docs/road.svg").read_text(encoding="utf-8")))
    assert named
    assert [name for name in named if not is_there(name)] == []
