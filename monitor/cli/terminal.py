"""What is printed on a terminal."""

import click

from monitor.core.printable import printable


def show(*lines: str) -> None:
    """Print these lines, each as one."""
    click.echo("\n".join(map(printable, lines)))
