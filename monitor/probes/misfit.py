"""What pydantic found wrong with a key, in people's words: for the inventory, for `pantau probe`, for a look with wrong keys."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

KINDS = {
    "string_type": "must be text",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of keys",
    "model_type": "must be a mapping of keys",
    "model_attributes_type": "must be a mapping of keys",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_too_short": "is empty",
    "missing": "is missing",
    "extra_forbidden": "there is no such key",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
}


def misfit(fault: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong with a value, and what was probably meant; only the latter may repeat the value."""
    kind, given, context = fault["type"], fault["input"], fault.get("ctx", {})
    if given is None:
        return "has no value", ""
    if kind in {"literal_error", "enum"}:
        words = [word.strip(" '") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
        words = [word.rpartition(": ")[2].strip("'<>") for word in words]
        return f"must be one of {', '.join(words)}", next(iter(difflib.get_close_matches(str(given), words, 1, 0.6)), "")
    if kind == "string_type" and isinstance(given, (bool, int, float)):
        shown = str(given).lower() if isinstance(given, bool) else str(given)
        return f"must be text, is {'true or false' if isinstance(given, bool) else 'a number'}: quote it", f'"{shown}"'
    if kind in KINDS:
        return KINDS[kind], ""
    if kind == "value_error":
        return str(context.get("error", fault["msg"])), ""
    return _bound(kind, context) or fault["msg"][:1].lower() + fault["msg"][1:], ""


def _bound(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']:g}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']:g}"
    if kind == "string_too_long":
        return f"is longer than {context['max_length']} characters"
    if kind == "string_pattern_mismatch":
        return (
            "must be a URL such as https://nama.pantau.test/" if "https?" in context["pattern"] else f"must look like {context['pattern']}"
        )
    return ""
