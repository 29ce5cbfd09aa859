"""What must not be told of a look: its own secrets, and in a head of HTTP all that may be one of the application.

Nobody can know where an application keeps its secrets: so what is told is what cannot be one, and of the rest its name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from monitor.core.errors import PantauError
from monitor.probes import secret_keys
from monitor.probes.wiretap import END_OF_HEAD
from monitor.secret import is_reference, reveal

BLOT = "***"
"""Stands where something was left out."""
SHOWN = frozenset(
    {
        "accept", "accept-encoding", "accept-ranges", "age", "allow", "alt-svc", "cache-control", "connection", "content-encoding",
        "content-language", "content-length", "content-type", "date", "expires", "host", "keep-alive", "last-modified", "location",
        "pragma", "retry-after", "server", "strict-transport-security", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
        "vary", "via", "x-cache", "x-content-type-options", "x-frame-options", "x-powered-by"
    }
)  # fmt: skip
"""Headers whose values are told."""
MOST_HEADERS, MOST_HEADS, SHORTEST = 32, 4, 4
GOES_ON = "the head goes on"
_TOKEN = re.compile(r"(?=.*\d)[A-Za-z0-9_~:.%=+-]{16,}|[A-Za-z0-9_~:%=+]{24,}")
_INTERIM = re.compile(r"HTTP/1\.\d 1\d\d")
_HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*/?", re.IGNORECASE)
_AUTHORITY = re.compile(r"^([a-z][a-z0-9+.-]*:)?//[^/?#]*@", re.IGNORECASE)


def head(data: bytes) -> str:
    """Tell the head that begins here, interim answers before it too, and how much comes after it."""
    found: list[str] = []
    while len(found) < MOST_HEADS and data:
        told, data = _head(data)
        found.append(told)
        if not data.startswith(b"HTTP/") or not _INTERIM.match(told):
            break
    return " | ".join([*found, *([f"and {len(data)} bytes of the body, which are not told"] if data else [])])


def _head(data: bytes) -> tuple[str, bytes]:
    """Return the words for one head, and what comes after it."""
    end = END_OF_HEAD.search(data)
    lines = data[: end.start() if end else len(data)].decode("latin-1").replace("\r\n", "\n").split("\n")
    lines = lines if end else [*lines[:-1], GOES_ON]  # half a line may hold half a secret
    first = lines[0].rstrip("\r").split(" ", 2)
    start = lines[0] if first[0].startswith("HTTP/") or len(first) < 3 else f"{first[0]} {address(first[1])} {first[2]}"
    headers = [_header(line) for line in lines[1 : 1 + MOST_HEADERS]]
    further = [f"{len(lines) - 1 - MOST_HEADERS} more"] if len(lines) - 1 > MOST_HEADERS else []
    return " | ".join([start.rstrip("\r")[:200], *headers, *further]), data[end.end() :] if end else b""


def _header(line: str) -> str:
    name, colon, value = line.rstrip("\r").partition(":")
    if not colon:
        return line if line == GOES_ON else BLOT
    word, value = name.strip().lower(), value.strip()
    if word == "www-authenticate":
        return f"{name[:60]}: {value.split(' ')[0][:20]} {BLOT}"
    if word not in SHOWN:
        return f"{name[:60]}: {BLOT}"
    return f"{name}: {(address(value) if word == 'location' else value)[:120]}"


def address(text: str) -> str:
    """Return an address of the web without who asks, without values of its query, without what looks like a token."""
    text = _AUTHORITY.sub(lambda found: f"{found[1] or ''}//{BLOT}@", text)
    way, _, _ = text.partition("#")
    path, asked, query = way.partition("?")
    names = "&".join(map(_named, query.split("&")))
    host = _HOST.match(path)
    front, below = (host[0], path[host.end() :]) if host else ("", path)
    return front + "/".join(map(_part, below.split("/"))) + (f"?{names}" if asked else "") + (f"#{BLOT}" if "#" in text else "")


def _named(part: str) -> str:
    """A value of a query by its name; what has none, or looks like a token that ends with an =, is left out whole."""
    name, equals, _ = part.partition("=")
    return f"{name}={BLOT}" if equals and not _TOKEN.fullmatch(name) else BLOT


def _part(part: str) -> str:
    word, semicolon, _ = part.partition(";")  # `;jsessionid=...`
    return (BLOT if _TOKEN.fullmatch(word) else word) + (f";{BLOT}" if semicolon else "")


def secrets(kind: str, keys: Mapping[str, object]) -> frozenset[str]:
    """Return what the keys of a look name or hold that must not be told; what is too short to be one would only tear words apart."""
    held = {text for key in secret_keys(kind) for text in _texts(_under(keys, key.split(".")))}
    found = set()
    for text in held | {text for text in _texts(keys) if is_reference(text)}:
        with suppress(PantauError):
            found.add(reveal(text))
    return frozenset(each for each in found if len(each) >= SHORTEST)


def _under(keys: object, way: Sequence[str]) -> object:
    """Return what stands at the end of the way; the last word of it in any case, as the name of a header may be written."""
    for word in way:
        keys = next((value for key, value in keys.items() if str(key).lower() == word), None) if isinstance(keys, Mapping) else None
    return keys


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif value is not None:
        yield str(value)
