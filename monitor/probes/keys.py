"""What the keys of every kind have in common."""

from pydantic import BaseModel, ConfigDict, Field


class Keys(BaseModel):
    """Keys of any check: read once, frozen, unknown ones refused, numbers where text is wanted taken as text; an answer that took longer than `slow` seconds is SLOW."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    slow: float | None = Field(None, gt=0)
