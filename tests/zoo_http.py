"""The zoo: servers that do HTTP and TLS in every way that was ever seen, and what a look must say of each.

One line an animal: its name, what it does, the reason (None: OK), and options of the look. `test_probes_http_zoo.py` looks at
all of them; `scripts/zoo` lets other programs look at the same servers (docs/zoo.md).
"""

import gzip
import itertools
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from monitor.core.verdict import Reason
from tests.certificates import PORTAL, STRANGER, Manner, asking_for_a_certificate, authority, behind_another, holding, needing_a_name, only
from tests.certificates import speaking as speaking_protocols
from tests.webs import (
    Talk,
    by_cookie,
    by_path,
    crowded,
    drip,
    hanging_up,
    listening,
    mute,
    nobody,
    resetting,
    resetting_after,
    saying,
    saying_on,
    shaking,
)

OK = b"HTTP/1.1 200 OK\r\n"
FULL = OK + b"Content-Length: 5\r\n\r\nhello"
OPEN = OK + b"\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BROTLI_BOMB = bytes.fromhex(
    "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f0110870500baf77ffcffff837f02200e"
    "0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe0980382c00d0bdffe3ffff1ffc1300715800a07bff37"
)
"""64 MiB of zeros."""
HELLO = {"expect_text": "hello"}
FEW_SECONDS = 0.6


@dataclass(frozen=True)
class Animal:
    """One server: what it does, in which manner of TLS (None: none), and what a look at it must say.

    `talk` is how it talks, who it is when nobody talks ("nobody", "crowded"), or what a TLS peer says that shakes hands as most do.
    """

    name: str
    talk: Talk | str | bytes
    reason: Reason | None
    options: Mapping[str, object] = field(default_factory=dict)
    tls: Manner | None = None
    reads: bool = True
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Its address, with `{port}` in it."""
        return f"{self.scheme}://{PORTAL if self.scheme == 'https' else '127.0.0.1'}:{{port}}/"

    @asynccontextmanager
    async def awake(self, folder: Path) -> AsyncIterator[int]:
        """Let it listen; yields its port."""
        if isinstance(self.talk, str):
            async with {"nobody": nobody, "crowded": crowded}[self.talk]() as port:
                yield port
            return
        if isinstance(self.talk, bytes):
            assert self.tls
            async with shaking(self.tls(folder), self.talk) as port:
                yield port
            return
        async with listening(self.talk, read=self.reads, tls=self.tls(folder) if self.tls else None) as port:
            yield port


def packed(encoding: str, body: bytes) -> Talk:
    """Say a body that is packed so, or says it is."""
    return saying(OK + f"Content-Encoding: {encoding}\r\n\r\n".encode() + body)


def sent(status: int, to: str, more: str = "") -> bytes:
    """A redirect."""
    return f"HTTP/1.1 {status} To\r\nLocation: {to}\r\n{more}Content-Length: 0\r\n\r\n".encode()


def secure(name: str, manner: Manner, reason: Reason | None, talk: Talk | bytes = FULL, **options: str) -> Animal:
    """A server whose manner of TLS is what matters."""
    return Animal(name, talk, reason, options, tls=manner, scheme="https")


def broken(name: str, talk: Talk, reason: Reason) -> Animal:
    """A server that breaks the handshake: what it says is not TLS."""
    return Animal(name, talk, reason, reads=False, scheme="https")


@cache
def bomb(window: int) -> bytes:
    """64 MiB of zeros, packed a thousandfold."""
    packing = zlib.compressobj(9, wbits=window)
    return b"".join(packing.compress(bytes(1 << 20)) for _ in range(64)) + packing.flush()


def deflated(body: bytes, window: int) -> bytes:
    """A body packed by zlib."""
    packing = zlib.compressobj(wbits=window)
    return packing.compress(body) + packing.flush()


CONNECT = (
    Animal("nobody listens", "nobody", Reason.REFUSED),
    Animal("its queue is full: no answer to SYN", "crowded", Reason.TIMEOUT),
    Animal("resets who connects", resetting, Reason.RESET, reads=False),
    Animal("hangs up on who connects", hanging_up, Reason.RESET, reads=False),
)

HEAD = (
    Animal("hears and says nothing", mute, Reason.HTTP_TIMEOUT),
    Animal("hangs up instead of answering", hanging_up, Reason.RESET),
    Animal("resets instead of answering", resetting, Reason.RESET),
    Animal("a slow-loris: one header line after the other", drip(OK, itertools.repeat(b"X-A: b\r\n", 100)), Reason.HTTP_TIMEOUT),
    Animal("a slow-loris: one byte after the other", drip(b"", (bytes([each]) for each in FULL[:-9] * 9)), Reason.HTTP_TIMEOUT),
    Animal("falls silent within the header", drip(OK + b"Conten", itertools.repeat(b"", 100)), Reason.HTTP_TIMEOUT),
    Animal("hangs up within the header", saying(OK + b"Conten"), Reason.RESET),
    Animal("resets within the header", resetting_after(OK + b"Conten"), Reason.RESET),
    Animal("a status line without end", saying_on(b"HTTP/1.1 200 ", b"O" * 4096), Reason.HEADER_TOO_LARGE),
    Animal("header lines without end", saying_on(OK, b"X: y\r\n" * 100), Reason.HEADER_TOO_LARGE),
    Animal("one header line of 1 MB", saying(OK + b"X: " + b"a" * 1_000_000 + b"\r\n\r\nhello"), Reason.HEADER_TOO_LARGE),
    Animal("20,000 header lines", saying(OK + b"X: a\r\n" * 20_000 + b"\r\nhello"), Reason.HEADER_TOO_LARGE),
    Animal("100 honest header lines", saying(OK + b"X: a\r\n" * 100 + b"\r\nhello"), None, HELLO),
    Animal("HTTP/0.9: a page without a header", saying(b"<html>hello</html>"), Reason.HTTP_PROTOCOL),
    Animal("all bytes there are", saying(bytes(range(256)) * 8), Reason.HTTP_PROTOCOL),
    Animal("an SSH server", saying(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), Reason.HTTP_PROTOCOL),
    Animal("HTTP/2 at once", saying(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff"), Reason.HTTP_PROTOCOL),
    Animal("a status of four digits", saying(b"HTTP/1.1 2000 OK\r\n\r\nhello"), Reason.HTTP_PROTOCOL),
    Animal("a status without words", saying(b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"), None, HELLO),
    Animal("a header line without a colon", saying(OK + b"nonsense\r\n\r\nhello"), Reason.HTTP_PROTOCOL),
    Animal("a NUL in a header", saying(OK + b"X: a\0b\r\n\r\nhello"), Reason.HTTP_PROTOCOL),
    Animal("a folded header line", saying(OK + b"X: a\r\n b\r\n\r\nhello"), None, HELLO),
    Animal("lines that end in LF only", saying((OPEN + b"hello").replace(b"\r", b"")), None, HELLO),
    Animal("Latin-1 in a header", saying(OK + b"X: caf\xe9\r\n\r\nhello"), None, HELLO),
    Animal("interim answers before the answer", saying(CONTINUE + b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + FULL), None, HELLO),
    Animal("interim answers without end", saying_on(CONTINUE, CONTINUE * 1000), Reason.HEADER_TOO_LARGE),
    Animal("switches protocols unasked", saying(b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), Reason.HTTP_STATUS),
    Animal("HTTP/1.0 without a length", saying(b"HTTP/1.0 200 OK\r\n\r\nhello"), None, HELLO),
    Animal("status 503", saying(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), Reason.HTTP_STATUS),
)

BODY = (
    Animal("silent after the header", drip(OK + b"Content-Length: 5\r\n\r\n", itertools.repeat(b"", 100)), Reason.HTTP_TIMEOUT),
    Animal("a slow-loris: the body byte by byte", drip(OPEN, itertools.repeat(b"x", 100)), Reason.HTTP_TIMEOUT),
    Animal("resets within the body", resetting_after(OK + b"Content-Length: 50\r\n\r\nhello"), Reason.BODY_INCOMPLETE),
    Animal("Content-Length too large", saying(OK + b"Content-Length: 50\r\n\r\nhello"), Reason.BODY_INCOMPLETE),
    Animal("Content-Length too small", saying(OK + b"Content-Length: 5\r\n\r\nhello, and more"), None, HELLO),
    Animal("Content-Length of 99 GB", saying(OK + b"Content-Length: 99999999999\r\n\r\n"), Reason.BODY_TOO_LARGE),
    Animal("Content-Length below zero", saying(OK + b"Content-Length: -5\r\n\r\nhello"), Reason.HTTP_PROTOCOL),
    Animal("Content-Length in words", saying(OK + b"Content-Length: five\r\n\r\nhello"), Reason.HTTP_PROTOCOL),
    Animal("two lengths that differ", saying(OK + b"Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello"), Reason.HTTP_PROTOCOL),
    Animal(
        "Content-Length and chunked",
        saying(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        Reason.HTTP_PROTOCOL,
    ),
    Animal("chunked, whole", saying(CHUNKED + b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nT: x\r\n\r\n"), None, HELLO),
    Animal("chunked, and more after its end", saying(CHUNKED + b"5\r\nhello\r\n0\r\n\r\nand more"), None, HELLO),
    Animal("chunked, a size that is none", saying(CHUNKED + b"zz\r\nhi\r\n0\r\n\r\n"), Reason.HTTP_PROTOCOL),
    Animal("chunked, a size over 2^64", saying(CHUNKED + b"fffffffffffffffff\r\nhi\r\n"), Reason.HTTP_PROTOCOL),
    Animal("chunked, a size that is too small", saying(CHUNKED + b"3\r\nhello\r\n0\r\n\r\n"), Reason.HTTP_PROTOCOL),
    Animal("chunked, cut within a chunk", saying(CHUNKED + b"5\r\nhe"), Reason.BODY_INCOMPLETE),
    Animal("chunked, without its last chunk", saying(CHUNKED + b"5\r\nhello\r\n"), Reason.BODY_INCOMPLETE),
    Animal("chunked, an extension without end", saying_on(CHUNKED + b"5;a=", b"b" * 65536), Reason.BODY_TOO_LARGE),
    Animal("chunked, trailers without end", saying_on(CHUNKED + b"5\r\nhello\r\n0\r\n", b"X: y\r\n" * 100), Reason.HTTP_PROTOCOL),
    Animal("chunked, a byte a chunk without end", saying_on(CHUNKED, b"1\r\nx\r\n" * 4096), Reason.BODY_TOO_LARGE, {"max_body": 100_000}),
    Animal("204 with a body", saying(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello"), None),
    Animal("HEAD answered with a body", saying(FULL), None, {"method": "HEAD"}),
    Animal("a body without end", saying_on(OPEN, b"x" * 65536), Reason.BODY_TOO_LARGE),
    Animal("gzip, whole", packed("gzip", gzip.compress(b"hello")), None, HELLO),
    Animal("gzip in two members", packed("gzip", gzip.compress(b"hel") + gzip.compress(b"lo")), None, HELLO),
    Animal("gzip with padding after its end", packed("gzip", gzip.compress(b"hello") + bytes(1000)), None, HELLO),
    Animal("gzip in members without end", packed("gzip", gzip.compress(b"") * 20_000), Reason.DECODE_ERROR),
    Animal("gzip, cut short", packed("gzip", gzip.compress(b"hello" * 100)[:-9]), Reason.DECODE_ERROR),
    Animal("gzip that is none", packed("gzip", b"hello, not packed"), Reason.DECODE_ERROR),
    Animal("gzip, and an empty body", packed("gzip", b""), None),
    Animal("a gzip bomb: 64 MiB in 64 KiB", packed("gzip", bomb(31)), Reason.BODY_TOO_LARGE),
    Animal("gzip within gzip", packed("gzip, gzip", gzip.compress(gzip.compress(b"hello"))), Reason.DECODE_ERROR, HELLO),
    Animal("deflate with its header", packed("deflate", deflated(b"hello", 15)), None, HELLO),
    Animal("deflate without its header", packed("deflate", deflated(b"hello", -15)), None, HELLO),
    Animal("a deflate bomb: 64 MiB in 64 KiB", packed("deflate", bomb(15)), Reason.BODY_TOO_LARGE),
    Animal("a brotli bomb that nobody asked for", packed("br", BROTLI_BOMB), Reason.DECODE_ERROR, HELLO),
    Animal("an encoding that is none", packed("rot13", b"uryyb"), Reason.DECODE_ERROR, HELLO),
    Animal("bad UTF-8", saying(OK + b"Content-Type: text/html; charset=utf-8\r\n\r\n\xfe\xfa hello \xc3"), None, HELLO),
    Animal("a charset that is none", saying(OK + b"Content-Type: text/html; charset=nonsense\r\n\r\nhello"), None, HELLO),
    Animal(
        "a charset that is slow to decode",
        saying(OK + b"Content-Type: text/html; charset=punycode\r\n\r\nhello" + b"a" * 400_000 + b"-" + b"a" * 400_000),
        None,
        HELLO,
    ),
    Animal("UTF-16 by its first bytes", saying(OPEN + "\ufeffhello".encode("utf-16-le")), None, HELLO),
    Animal("100,000 brackets instead of JSON", saying(OPEN + b"[" * 100_000), Reason.JSON_MISMATCH, {"expect_json": {"a": 1}}),
)

REDIRECTS = (
    Animal("to itself", saying(sent(302, "/")), Reason.REDIRECT_LOOP),
    Animal("in a circle of two", by_path({"/": sent(302, "/a"), "/a": sent(302, "/")}), Reason.REDIRECT_LOOP, reads=False),
    Animal(
        "on and on, always elsewhere",
        by_path({f"/{'a' * n}": sent(302, f"/{'a' * (n + 1)}") for n in range(50)}),
        Reason.REDIRECT_LOOP,
        reads=False,
    ),
    Animal("to a relative place", by_path({"/": sent(301, "a/../b?c#d"), "/b?c": FULL}), None, HELLO, reads=False),
    Animal(
        "to a foreign host",
        by_path({"/": sent(302, "http://localhost:{port}/a"), "/a": FULL}),
        Reason.REDIRECT_FOREIGN,
        reads=False,
    ),
    Animal("without Location", saying(b"HTTP/1.1 302 To\r\n\r\n"), Reason.REDIRECT_INVALID),
    Animal("to no URL", saying(sent(302, "http://[/")), Reason.REDIRECT_INVALID),
    Animal("to another scheme", saying(sent(302, "file:///etc/passwd")), Reason.REDIRECT_INVALID),
    Animal("with two Locations", saying(b"HTTP/1.1 302 To\r\nLocation: /a\r\nLocation: /b\r\n\r\n"), Reason.REDIRECT_INVALID),
    Animal("with a password in its URL", by_path({"/": sent(302, "http://a:b@127.0.0.1:{port}/a"), "/a": FULL}), None, reads=False),
    Animal(
        "to itself, to see whether a cookie comes back",
        by_cookie(b"a=1", FULL, sent(302, "/", "Set-Cookie: a=1\r\n")),
        None,
        HELLO,
        reads=False,
    ),
    Animal(
        "with a body without end",
        by_path({"/": saying_on(sent(302, "/a")[:-23] + b"\r\n\r\n", b"x" * 4096), "/a": FULL}),
        None,
        reads=False,
    ),
)

TLS = (
    secure("a certificate that is right", holding(), None),
    secure("TLS 1.2 only", only(ssl.TLSVersion.TLSv1_2), None),
    secure("a certificate that has expired", holding(days=(-9, -1)), Reason.TLS_EXPIRED),
    secure("a certificate that is not valid yet", holding(days=(1, 9)), Reason.TLS_NOT_YET_VALID),
    secure("a certificate that ends in 9 days", holding(days=(-1, 9)), Reason.TLS_EXPIRES_SOON),
    secure("a certificate for another name", holding("lain.pantau.test"), Reason.TLS_HOSTNAME),
    secure("a certificate signed by itself", holding(issuer=PORTAL), Reason.TLS_UNTRUSTED),
    secure("a certificate of an unknown authority", holding(issuer=STRANGER), Reason.TLS_UNTRUSTED),
    secure("the intermediate is sent", behind_another(sent=True), None),
    secure("the intermediate is forgotten", behind_another(sent=False), Reason.TLS_UNTRUSTED),
    secure("TLS 1.0 only", only(ssl.TLSVersion.TLSv1), Reason.TLS_LEGACY),
    secure("TLS 1.1 only", only(ssl.TLSVersion.TLSv1_1), Reason.TLS_LEGACY),
    secure("wants a certificate of us (TLS 1.3)", asking_for_a_certificate(), Reason.TLS_HANDSHAKE),
    secure("wants a certificate of us (TLS 1.2)", asking_for_a_certificate(ssl.TLSVersion.TLSv1_2), Reason.TLS_HANDSHAKE),
    secure("offers h2 only", speaking_protocols(["h2"]), None),
    secure("needs a name (SNI), and gets it", needing_a_name, None),
    secure("needs a name (SNI), and is asked by address", needing_a_name, Reason.TLS_HANDSHAKE, server_name="127.0.0.1"),
    secure("shakes hands, then says nothing", holding(), Reason.HTTP_TIMEOUT, mute),
    secure("shakes hands, then hangs up", holding(), Reason.RESET, hanging_up),
    secure("a page of 900 KB", holding(), None, saying(OPEN + b"x" * 900_000 + b"hello"), **HELLO),
    secure("a body without end, by TLS", holding(), Reason.BODY_TOO_LARGE, saying_on(OPEN, b"x" * 65536)),
    secure("hangs up within the body", holding(), Reason.BODY_INCOMPLETE, saying(OK + b"Content-Length: 50\r\n\r\nhello")),
    broken("silent while shaking hands", mute, Reason.TLS_TIMEOUT),
    broken("a slow-loris while shaking hands", drip(b"\x16\3\3\x10\0\2\0\x0f\xfc", itertools.repeat(b"x", 100)), Reason.TLS_TIMEOUT),
    broken("hangs up instead of shaking hands", saying(b""), Reason.TLS_HANDSHAKE),
    broken("resets instead of shaking hands", resetting, Reason.RESET),
    broken("plain HTTP at the port of TLS", saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reason.TLS_PROTOCOL),
    broken("all bytes there are, instead of TLS", saying(bytes(range(256)) * 8), Reason.TLS_PROTOCOL),
    broken("a handshake without end", saying_on(b"", b"\x16\3\3\x40\0\2\xff\xff\xff" + b"x" * 16379), Reason.TLS_HANDSHAKE),
    broken("an alert: handshake failure", saying(b"\x15\3\1\0\2\2\x28"), Reason.TLS_HANDSHAKE),
    broken("an alert: protocol version", saying(b"\x15\3\1\0\2\2\x46"), Reason.TLS_PROTOCOL),
    secure("redirects out of TLS", holding(), Reason.REDIRECT_INSECURE, sent(302, "http://127.0.0.1:1/"), hosts_allowed="127.0.0.1"),
    Animal("TLS at the port of plain HTTP", saying(b"\x15\3\3\0\2\2\x16"), Reason.HTTP_PROTOCOL),
)

HOUSES: Mapping[str, tuple[Animal, ...]] = {
    "Connecting": CONNECT,
    "The answer begins": HEAD,
    "The body": BODY,
    "Redirects": REDIRECTS,
    "TLS": TLS,
}
ZOO = tuple(itertools.chain.from_iterable(HOUSES.values()))


def settings(animal: Animal, folder: Path) -> dict[str, object]:
    """Return the options of a look at an animal: it is on loopback, and its authority is trusted."""
    trusted = {"ca": str(authority(folder))} if animal.scheme == "https" else {}
    return {"address": "127.0.0.1", **trusted, **animal.options}
