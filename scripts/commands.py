"""The reference of all commands, from their own help."""

from collections.abc import Iterator

import click

HEAD = """# Commands

Written by `scripts/generate` from the help of each command: change it there. Exit codes: 0 well, 1 2 3 as Nagios reads them,
a usage error is 3, 69 a part of the system is missing, 78 the inventory is not good (`check-config`, `reload`: 1).
JSON keys are English, times are epoch seconds.
"""


def contexts(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[click.Context]:
    """Yield a context for the command and for all that lie under it, hidden ones left out."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            inner = command.get_command(context, word)
            if inner is not None and not inner.hidden:
                yield from contexts(inner, word, context)


def reference() -> str:
    """Return the Markdown of docs/commands.md."""
    from monitor.cli import root  # noqa: PLC0415  # the other generators need no command line

    return HEAD + "".join(f"\n## {context.command_path}\n\n```\n{context.get_help()}\n```\n" for context in contexts(root, "pantau"))
