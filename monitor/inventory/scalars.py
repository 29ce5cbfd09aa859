"""What a scalar without quotes is. YAML 1.1 (type repository, yaml.org/type) reads several as something else than people mean."""

import re
from dataclasses import dataclass
from typing import Final

import yaml

from monitor.inventory.tree import Scalar

REFERENCES: Final = ("!env", "!file", "!credential")
_LONGEST_NUMBER = 18
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+\Z")
# Text for YAML 1.1, a number for YAML 1.2 and for people.
_TWO_MINDS = re.compile(r"[-+]?([0-9][0-9.]*[eE][-+]?[0-9]+|0o[0-7]+)\Z")
_TRUE = {"yes", "on", "true"}


@dataclass(frozen=True, slots=True)
class Trap:
    """A scalar that is not what it looks like: `reads_as` says what YAML takes it for, `hint` what was meant, `advice` what to do."""

    reads_as: str
    hint: str
    advice: str = "quote it"


def meaning(text: str, tag: str) -> Scalar | Trap:
    """Return the value of a scalar without quotes whose YAML 1.1 tag is `tag`, or the trap that it is."""
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind == "null":
        return None
    if kind == "bool":
        return _truth(text)
    if kind in {"int", "float"}:
        return _number(text, kind)
    if kind == "timestamp":
        return Trap("a date", f'"{text}"')
    if _TWO_MINDS.match(text):
        return Trap("text here and as a number elsewhere", f'"{text}"')
    return text


def _truth(text: str) -> bool | Trap:
    if text in {"true", "false"}:
        return text == "true"
    value = "true" if text.lower() in _TRUE else "false"
    return Trap(value, value if text.lower() == value else f'"{text}"', f"quote it, or write {value}")


def _number(text: str, kind: str) -> int | float | Trap:
    if len(text) > _LONGEST_NUMBER:
        return Trap("a number", f'"{text[:_LONGEST_NUMBER]}..."')
    if _WHOLE.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    return Trap(f"the number {_as_yaml_counts(text, kind)}", f'"{text}"')


def _as_yaml_counts(text: str, kind: str) -> str:
    constructor = yaml.constructor.SafeConstructor()
    node = yaml.ScalarNode(f"tag:yaml.org,2002:{kind}", text)
    try:
        return f"{constructor.construct_yaml_int(node) if kind == 'int' else constructor.construct_yaml_float(node):g}"
    except (ValueError, OverflowError):
        return text
