"""What `pantau ping` shows on a terminal: one table, drawn anew after each round, the worst first."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from monitor.core.printable import printable
from monitor.probes.icmp_judge import figures
from monitor.probes.icmp_many import Pinged

AROUND = 6
"""Lines of the terminal that the table's frame, head and last line take; a row takes one, whatever stands in it."""
LOST = 2
"""The column that is coloured."""


class Screen:
    """A live table of what came back; what does not fit on the terminal is counted in its last line."""

    def __init__(self, count: int, console: Console | None = None) -> None:
        self._count = count
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def show(self, found: Mapping[str, Pinged]) -> None:
        """Draw what there is."""
        self._live.update(table(found, self._count, max(1, self._live.console.height - AROUND)), refresh=True)


def table(found: Mapping[str, Pinged], count: int, most: int) -> Table:
    """Return the table: lost most first, else in the order in which they were asked for."""
    rows = sorted(found.values(), key=lambda pinged: -pinged.loss)
    silent = sum(not pinged.received for pinged in rows)
    sent = max((pinged.sent for pinged in rows), default=0)
    left_out = f", {len(rows) - most} rows left out" if len(rows) > most else ""
    made = Table(
        caption=f"{sent} of {count} sent; {len(rows) - silent} answer, {silent} silent{left_out}",
        caption_justify="left",
        box=SIMPLE_HEAD,
        collapse_padding=True,
    )
    made.add_column("address", min_width=15)
    for title in ("sent", "lost", "min", "median", "max", "jitter ms"):
        made.add_column(title, justify="right", no_wrap=True)
    made.add_column("what")
    for pinged in rows[:most]:
        made.add_row(*_cells(pinged))
    return made


def _cells(pinged: Pinged) -> list[Text]:
    style = "red" if not pinged.received else "yellow" if pinged.loss else "green"
    times = figures(pinged.times) if pinged.times else {}
    measured = [f"{1000 * times[name]:.3g}" if name in times else "" for name in ("rtt_min", "rtt_median", "rtt_max", "rtt_jitter")]
    besides = ", ".join([*([pinged.last] if pinged.last else []), *(f"{times} {what}" for what, times in (pinged.echoes or {}).items())])
    cells = (printable(pinged.address), str(pinged.sent), f"{100 * pinged.loss:.0f}%", *measured, printable(besides))
    return [Text(cell, style if place == LOST else "", no_wrap=True, overflow="ellipsis") for place, cell in enumerate(cells)]
