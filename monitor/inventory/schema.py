"""The JSON Schema of the inventory, for editors (`docs/inventory.schema.json`, by scripts/generate)."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from alerts.channels import CHANNELS
from monitor.inventory.shape import InventoryPart
from monitor.probes import PROBES


def json_schema() -> str:
    """Return the schema as JSON text; checks and receivers have the keys of their kind or channel."""
    schema: dict[str, Any] = InventoryPart.model_json_schema()
    parts = schema["$defs"]
    kinds = {name: kind.options for name, kind in PROBES.items()}
    for part in ("CheckPart", "ReceiverPart"):
        del parts[part]["additionalProperties"]
    parts["CheckPart"] |= _by(("kind", kinds))
    parts["ReceiverPart"] |= _by(("channel", {name: channel.options for name, channel in CHANNELS.items()}))
    schema["properties"]["defaults"]["properties"] = {
        name: {"properties": parts["DefaultPart"]["properties"] | _keys(options), "additionalProperties": False}
        for name, options in kinds.items()
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Pantau: inventory.yaml"}
    return json.dumps({**schema, **head}, indent=1, ensure_ascii=False)


def _by(choice: tuple[str, Mapping[str, type[BaseModel]]]) -> dict[str, Any]:
    """Return the rule that the value of a key decides what further keys there are."""
    key, shapes = choice
    rules = [
        {
            "if": {"properties": {key: {"const": name}}, "required": [key]},
            "then": {"properties": _keys(options), "required": _required(options)},
        }
        for name, options in shapes.items()
    ]
    return {"allOf": rules, "unevaluatedProperties": False}


def _keys(options: type[BaseModel]) -> dict[str, Any]:
    properties: dict[str, Any] = options.model_json_schema()["properties"]
    if "to" in properties:
        # People and groups may stand there, and one without a list.
        properties["to"] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    return properties


def _required(options: type[BaseModel]) -> list[str]:
    return [name for name, field in options.model_fields.items() if field.is_required()]
