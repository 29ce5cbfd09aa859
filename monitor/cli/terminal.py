"""What is printed: ids that somebody typed and words of a peer reach the terminal as signs, never as commands to it."""

import json

import click


def printable(text: str) -> str:
    """Return text on one line; what is no sign to be read is written as in JSON, so that JSON stays JSON."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)


def show(*lines: str) -> None:
    """Print these lines."""
    click.echo("\n".join(map(printable, lines)))
