"""The house keeps its own rules: sizes, layers, docs that name everything, and nothing of anybody's own machine."""

import ast
import json
import os
import re
import statistics
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("monitor", "alerts", "exporters")
PURE = ("monitor/core", "monitor/engine", "monitor/replay", "alerts/incidents", "alerts/routing", "alerts/message")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*patterns: str) -> list[Path]:
    """Return what is tracked, or new and not ignored, under the patterns of git."""
    asked = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "--", *patterns]
    named = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in sorted(set(named)) if (ROOT / name).is_file()]


def product() -> list[Path]:
    return [path for path in files("*.py") if path.relative_to(ROOT).parts[0] in PACKAGES]


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def functions() -> list[tuple[int, str]]:
    found = [(path, node) for path in product() for node in nodes(path) if isinstance(node, Function)]
    return [(int(node.end_lineno or node.lineno) - node.lineno + 1, f"{place(path, node)} {node.name}") for path, node in found]


def documentation() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in files("README.md", "docs/*.md", "docs/**/*.md"))


def constants(pattern: str, *under: str) -> set[str]:
    """Return the texts in the code of these packages that are wholly of this pattern."""
    code = [path for path in product() if path.relative_to(ROOT).parts[0] in under]
    texts = (node.value for path in code for node in nodes(path) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and re.fullmatch(pattern, text)}


def test_no_function_is_over_50_lines_and_half_are_12_or_less() -> None:
    found = functions()
    assert [where for size, where in found if size > 50] == []
    assert statistics.median(size for size, _ in found) <= 12


def test_no_file_of_code_is_over_400_lines() -> None:
    assert [str(path) for path in files("*.py") if len(path.read_text(encoding="utf-8").splitlines()) > 400] == []


def is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in caught)


def test_every_exception_is_caught_only_where_a_look_ends_and_where_a_delivery_ends() -> None:
    found = [place(path, node) for path in product() for node in nodes(path) if is_broad(node)]
    assert [where for where in found if not where.startswith(("monitor/probes/deadline.py", "alerts/delivery"))] == []
    assert len(found) <= 2


def is_sleep(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep" and node.args):
        return False
    return not (isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)


def test_no_test_sleeps() -> None:
    assert [place(path, node) for path in files("tests/*.py") for node in nodes(path) if is_sleep(node)] == []


def reads_the_clock(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in {"open", "print", "input"}
    return isinstance(node.func, ast.Attribute) and node.func.attr in {"now", "utcnow", "today"}


def test_what_judges_reads_no_clock_and_opens_no_file() -> None:
    pure = [path for path in product() if str(path.relative_to(ROOT)).startswith(PURE)]
    assert [place(path, node) for path in pure for node in nodes(path) if reads_the_clock(node)] == []


def test_every_module_stands_on_a_floor_of_the_house() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    named = {word.strip(" ()") for floor in contracts[0]["layers"] for word in floor.split("|")}
    there = {".".join(path.relative_to(ROOT).with_suffix("").parts[:2]) for path in product()}
    homeless = {name for name in there if name not in named and name.split(".")[0] not in named and not name.endswith(".__init__")}
    assert homeless == set()


# Written in two parts, so that this file does not hold what it looks for.
FOREIGN = "|".join(
    [
        "pypi" + r"\.org",
        "python" + r"hosted\.org",
        "npm" + r"js\.(org|com)",
        "deb" + r"ian\.org/debian",
        "/opt/" + "(pypi|wheels)",
        r"(?<![\w.}])/" + r"(work|root)(?![\w-])",
    ]
)


def test_nothing_tracked_names_a_registry_or_a_folder_of_somebodys_machine() -> None:
    wrong = []
    for path in files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        wrong += [f"{path.relative_to(ROOT)}: {found.group()}" for found in re.finditer(FOREIGN, text)]
    assert wrong == []


def scripts() -> list[Path]:
    return [path for path in files("scripts", ".ci", "deploy") if path.read_bytes().startswith(b"#!")]


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_a_script_can_be_run_and_parses(path: Path) -> None:
    assert os.access(path, os.X_OK)
    if b"bash" in path.read_bytes().splitlines()[0]:
        parsed = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
        assert (parsed.returncode, parsed.stderr) == (0, "")


def keys(schema: object) -> Iterator[str]:
    """Yield every key that a JSON Schema allows in a mapping."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from keys(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from keys(part)


def test_every_key_of_the_inventory_is_in_its_reference() -> None:
    schemas = files("docs/*.schema.json", "docs/**/*.schema.json")
    reference = documentation()
    missing = {key for path in schemas for key in keys(json.loads(path.read_text(encoding="utf-8"))) if f"`{key}`" not in reference}
    assert missing == set()


def test_every_metric_is_in_the_docs() -> None:
    text = documentation()
    assert {name for name in constants(r"pantau_[a-z][a-z0-9_]*[a-z0-9]", "exporters") if name not in text} == set()


def test_every_setting_of_the_environment_is_in_the_docs() -> None:
    text = documentation()
    assert {name for name in constants(r"PANTAU_[A-Z][A-Z_]*", *PACKAGES) if name not in text} == set()


def test_the_two_commands_of_the_readme_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in ("scripts/run", "scripts/test") if name not in text or not os.access(ROOT / name, os.X_OK)] == []


def links() -> Iterator[tuple[str, str]]:
    """Yield every link of a page to a file: the page and where it points, as a path from the root."""
    for path in files("*.md"):
        for link in re.findall(r"\]\(([^)#:\s]+)[^):]*\)", path.read_text(encoding="utf-8")):
            yield str(path.relative_to(ROOT)), os.path.relpath(path.parent / link, ROOT)


def test_every_link_of_the_pages_leads_to_a_file() -> None:
    assert [link for link in links() if not (ROOT / link[1]).exists()] == []


def test_every_decision_is_in_the_list_of_decisions() -> None:
    listed = {where for page, where in links() if page == "docs/decisions/README.md"}
    assert {str(path.relative_to(ROOT)) for path in files("docs/decisions/[0-9]*.md")} == listed
