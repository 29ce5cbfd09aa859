"""What the keys of every kind have in common."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from monitor.core.duration import seconds

DURATION_SCHEMA: dict[str, object] = {
    "anyOf": [{"type": "string", "pattern": "^[0-9.]+(ms|s|m|h|d)$"}, {"type": "number", "exclusiveMinimum": 0}]
}
Duration = Annotated[float, BeforeValidator(seconds), WithJsonSchema(DURATION_SCHEMA)]


class Keys(BaseModel):
    """Keys of any check: frozen, unknown ones refused, a number may stand for text; an answer later than `slow` seconds is SLOW."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    slow: float | None = Field(None, gt=0)

    def misfit(self, timeout: float) -> tuple[str, str] | None:  # noqa: ARG002 - kinds that need time say more
        """Return which key asks for more than so many seconds allow, and why; None: a look can end within them."""
        return None
