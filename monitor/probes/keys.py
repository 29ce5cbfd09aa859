"""What the keys of every kind have in common."""

from pydantic import BaseModel, ConfigDict, Field


class Keys(BaseModel):
    """Keys of any check: frozen, unknown ones refused, a number may stand for text; an answer later than `slow` seconds is SLOW."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    slow: float | None = Field(None, gt=0)
