"""Secrets are named, not written: `!env NAME`, `!file PATH` or `!credential NAME`, looked up at the moment of use.

No value of a secret is ever part of an error, a log line or a repr made here.
"""

import os
import re
from pathlib import Path

from monitor.core.errors import PantauError

MAX_SIZE = 64 * 1024
CLEAR = "a secret in clear text: write !env NAME, !file PATH or !credential NAME"
_REFERENCE = re.compile(r"!(env|file|credential)[ ]+(\S(?:.*\S)?)\Z")


def is_reference(text: str) -> bool:
    """Tell whether the text names a secret rather than being one."""
    return _REFERENCE.match(text) is not None


def reveal(text: str) -> str:
    """Return the secret that `text` names, or `text` itself when it is no reference.

    `!env` reads the environment, `!file` a file, `!credential` a file in `$CREDENTIALS_DIRECTORY` (systemd.exec(5)); the
    line end of a file is dropped. Raises PantauError that says which reference cannot be read, never what it holds.
    """
    match = _REFERENCE.match(text)
    if match is None:
        return text
    kind, name = match.groups()
    if kind == "env":
        value = os.environ.get(name, "")
        if not value:
            raise PantauError(f"secret !env {name}: the variable is not set or empty; set it in the environment of pantau")
        return value
    return _read(text, Path(name) if kind == "file" else _credential(text, name))


def _credential(reference: str, name: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise PantauError(
            f"secret {reference}: CREDENTIALS_DIRECTORY is not set; start pantau by its systemd unit with LoadCredential={name}"
        )
    if "/" in name or name in {".", ".."}:
        raise PantauError(f"secret {reference}: the name of a credential has no '/'; use !file for a path")
    return Path(folder) / name


def _read(reference: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise PantauError(f"secret {reference}: {path}: {error.strerror}; create the file, readable for pantau only") from None
    if len(raw) > MAX_SIZE:
        raise PantauError(f"secret {reference}: {path}: larger than {MAX_SIZE} bytes; a secret is one line")
    try:
        value = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise PantauError(f"secret {reference}: {path}: is not UTF-8 text; write the secret as one line of text") from None
    if not value:
        raise PantauError(f"secret {reference}: {path}: is empty; write the secret into it")
    return value
