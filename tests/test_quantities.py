"""Quantities as people type them at a terminal."""

import click
import pytest

from monitor.cli.quantities import Percent, Share, Time


@pytest.mark.parametrize(
    ("kind", "text", "means"),
    [
        (Percent(), "5", 5.0),
        (Percent(), "5%", 5.0),
        (Share(), "0.2%", 0.002),
        (Share(), "0.002", 0.002),
        (Time(), "2", 2.0),
        (Time(), "2s", 2.0),
        (Time(), "1.5m", 90.0),
    ],
)
def test_a_quantity_may_be_written_with_its_unit_or_without(kind: click.ParamType[float], text: str, means: float) -> None:
    assert kind.convert(text, None, None) == pytest.approx(means)


@pytest.mark.parametrize(
    ("kind", "text"), [(Percent(), "101%"), (Percent(), "x"), (Share(), "60%"), (Time(3600), "2h"), (Time(), "-1"), (Time(), "s")]
)
def test_what_is_no_quantity_is_refused_in_a_line(kind: click.ParamType[float], text: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        kind.convert(text, None, None)
    assert "\n" not in str(caught.value)
