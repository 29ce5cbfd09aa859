"""The socket of the pages: an address, or one that somebody opened for us; and what to do when it cannot be had."""

import errno
import os
import re
import socket

from monitor.core.errors import Exit, PantauError

_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.%\w]+)\]|(?P<v4>[^:\[\]]*)):(?P<port>\d{1,5})\Z")


def listener(listen: str) -> socket.socket:
    """Return the bound socket that `--listen` names: `A:P`, `[A6]:P` or `fd:N`.

    Raises PantauError: 3 when the words mean nothing, 69 when the address cannot be had.
    """
    if re.fullmatch(r"fd:\d{1,5}", listen):
        return _inherited(int(listen[3:]))
    found = _ADDRESS.match(listen)
    if not found or int(found["port"]) > 65535:
        raise PantauError(f"--listen {listen}: is no address; write 127.0.0.1:9475, [::1]:9475 or fd:3", status=Exit.UNKNOWN)
    host = found["v6"] or found["v4"] or "127.0.0.1"
    try:
        return socket.create_server((host, int(found["port"])), family=socket.AF_INET6 if found["v6"] else socket.AF_INET)
    except OSError as error:
        raise PantauError(f"--listen {listen}: {_advice(error)}", status=Exit.MISSING) from error


def _inherited(number: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=os.dup(number))
        sock.settimeout(0)
    except OSError as error:
        raise PantauError(f"--listen fd:{number}: is no socket that was passed in ({error.strerror})", status=Exit.MISSING) from error
    return sock


def _advice(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "the port is taken; stop what listens there, or choose another --listen"
        case errno.EACCES:
            return "no permission for this port; choose one above 1023"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; 127.0.0.1 is always there"
        case _:
            return f"{error.strerror or error}; choose another --listen"
