"""The program `pantau`: one file a family of commands, imported only when it is asked for, so that `--help` answers at once."""

import errno
import importlib
import os
import re
import sys
from typing import Any

import click

from monitor.core.errors import Exit, PantauError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})

# command -> (module, attribute, one line of help)
COMMANDS = {
    "serve": ("monitor.cli.serve", "serve", "Jalankan pemantau. / Run the daemon."),
    "check": ("monitor.cli.ask", "check", "Kesehatan pemantau, situs, aplikasi. / Health, in Nagios' terms."),
    "status": ("monitor.cli.ask", "status", "Apa yang sedang terganggu. / What is wrong now, and counts."),
    "explain": ("monitor.cli.explain", "explain", "Mengapa dikabarkan, atau tidak. / Why it was paged, or why not."),
    "reload": ("monitor.cli.act", "reload", "Baca ulang inventory.yaml. / Read the inventory again."),
    "notify": ("monitor.cli.act", "notify", "Kirim pesan uji. / Send a test message."),
    "check-config": ("monitor.cli.config", "check_config", "Semua kesalahan inventory.yaml. / Every problem of the file."),
    "probe": ("monitor.cli.look", "probe", "Periksa sekali, sekarang. / Look once, now."),
    "ping": ("monitor.cli.look", "ping", "Ping banyak alamat sekaligus. / Many at once, as fping."),
    "lab": ("monitor.cli.lab", "lab", "Kota latihan. / A city of real networks to rehearse in."),
    "replay": ("monitor.cli.replay", "replay", "Nilai ulang catatan dengan aturan lain. / Recorded looks, another policy."),
    "prove": ("monitor.cli.prove", "prove", "Buktikan: satu sebab, satu kabar. / One cause, one page: proven."),
    "simulate": ("monitor.cli.simulate", "simulate", "Hitung kabar palsu dan kelambatan. / False alarms and delays, counted."),
    "completion": ("monitor.cli.config", "completion", "Pelengkap perintah untuk shell. / Shell completion."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command may be meant when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            raise click.UsageError(f"no command '{args[0]}'" + (f"; did you mean '{near[0]}'?" if near else "; see `pantau --help`"))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands from the table: nothing is imported."""
        with formatter.section("Perintah / Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pantau", prog_name="pantau", message="%(prog)s %(version)s")
def root() -> None:
    """Pantau: satu sebab, satu kabar. / One cause, one page.

    \b
    Contoh / example:
      pantau lab up                     # a city comes up, the page answers
      pantau lab cut kec-gadingrejo     # one page names it
      pantau status
    """  # noqa: D301 - click's own mark


def main() -> None:
    """Run the program: an error of the user is one line and an exit status, never a stack trace."""
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """Run one command line; return its exit status (a usage error is 3: 2 would be Nagios' CRITICAL)."""
    try:
        result: Any = root.main(words, prog_name="pantau", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as asked:
        print(asked.format_message())  # noqa: T201 - the command line speaks
        return Exit.OK
    except click.UsageError as error:
        where = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        return _say(f"{_plain(error.format_message())}{where}", Exit.UNKNOWN)
    except click.ClickException as error:
        return _say(error.format_message(), Exit.UNKNOWN)
    except PantauError as error:
        return _say(str(error), error.status)
    except (KeyboardInterrupt, click.Abort):
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except OSError as error:
        return _say(_about(error), Exit.UNKNOWN)
    return result if isinstance(result, int) else 0


def _plain(text: str) -> str:
    """Return what click says on one line, and in words of people."""
    return re.sub(r"is not a valid (float|integer)( range)?", "is not a number", " ".join(text.split()))


def _about(error: OSError) -> str:
    """Say what the system refused about a file that somebody named, or about our output."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if error.errno not in NO_ROOM:
        raise error  # a fault of ours
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still to be written would fail once more at our end
    return f"the output cannot be written: {error.strerror}"


def _say(line: str, status: int) -> int:
    from monitor.core.printable import printable

    print(f"pantau: {printable(line)}", file=sys.stderr)  # noqa: T201 - the command line speaks
    return status
