"""Quantities as people type them: shares, percentages, durations."""

import math
from typing import cast

import click


class Share(click.ParamType[float]):
    """A share such as `0.2%` or `0.002`."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it as a number in [0, 0.5]."""
        text = str(value).strip()
        share = _number(text) / (100 if text.endswith("%") else 1)
        if not 0 <= share <= 0.5:
            self.fail(f"{text!r} is no share of looks: write 0.2% or 0.002, at most 50%", param, ctx)
        return share


class Percent(click.ParamType[float]):
    """A percentage such as `5` or `5%`."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it as a number in [0, 100]."""
        text = str(value).strip()
        percent = _number(text)
        if not 0 <= percent <= 100:
            self.fail(f"{text!r} is no percentage: write 5 or 5%, at most 100", param, ctx)
        return percent


class Time(click.ParamType[float]):
    """A duration such as `2s`, `5m` or `2` (seconds), at most `most` seconds."""

    name = "time"

    def __init__(self, most: float = float("inf")) -> None:
        """Bound it."""
        self._most = most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it in seconds."""
        from monitor.core.duration import seconds

        try:
            found = seconds(float(str(value)) if str(value).replace(".", "", 1).isdigit() else value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        if found > self._most:
            self.fail(f"{value!r} is longer than {self._most:g} s", param, ctx)
        return found


class Number(click.FloatRange):
    """A number within bounds; `nan`, which is within all of them for click, is none."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it."""
        found: float = super().convert(cast("float", value), param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a number", param, ctx)
        return found


def _number(text: str) -> float:
    """Return the number before a percent sign; not a number where there is none."""
    try:
        return float(text.removesuffix("%"))
    except ValueError:
        return float("nan")
