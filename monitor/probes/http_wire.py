"""The way to a web server, phase by phase (resolve, connect, TLS), and one question to it: one connection each."""

import asyncio
import ssl
import time
from collections.abc import Sequence

import aiohttp
from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.connect import connect
from monitor.probes.faults import Fault, fault_of, way_fault
from monitor.probes.http_certificate import chain_end, missing_issuer
from monitor.probes.http_head import Head, Request
from monitor.probes.http_options import HttpOptions
from monitor.probes.http_redirect import depth, reachable
from monitor.probes.http_reply import Reply
from monitor.probes.http_tls import Tls
from monitor.probes.names import Names
from monitor.probes.stream import Stream
from monitor.probes.vantage import Vantage
from monitor.probes.wiretap import noted

_SILENT = "the server closed the connection before it answered"


class Wire:
    """Makes one connection a question, for one look.

    `certificate_end` is the first end of any verified chain met (epoch seconds), `legacy` the out-of-date TLS that a hop needed.
    With `verify` turned off, any certificate will do, and `issuer_missing` says what its chain lacks.
    """

    def __init__(self, options: HttpOptions, vantage: Vantage, attempt: Attempt) -> None:
        self._options = options
        self._vantage = vantage
        self._attempt = attempt
        self._stream: Stream | None = None
        self._own, self._at_home = "", True
        self._deepest: int | None = None
        self.verify = options.verify
        self.certificate_end: float | None = None
        self.legacy = ""
        self.issuer_missing = ""

    def hang_up(self) -> None:
        """End the connection at once, without a farewell that a mute peer would not answer."""
        if self._stream is not None:
            self._stream.abort()
        self._stream = None

    async def ask(self, request: Request) -> Head:
        """Ask over a connection of its own and return the head of the answer; the last connection ends before. Raises Fault."""
        self.hang_up()
        question = request.written()
        reply = await self._open(request.url)
        try:
            message, content = await reply.hear(question, bodiless=request.method == hdrs.METH_HEAD)
        except HttpProcessingError as error:
            raise _broken(error) from None
        except aiohttp.ClientConnectionError:
            raise await self._ended(reply) from None
        return Head(request, message, content)

    async def _open(self, url: URL) -> Reply:
        host, port = url.raw_host, url.port
        if host is None or port is None:
            raise Fault(Reason.REDIRECT_INVALID, "the URL names no host")
        addresses = await self._addresses(host)
        if url.scheme == "http":
            reply = self._reply()
            await self._connect(addresses, port, reply)
            return reply
        name = self._options.server_name or host
        try:
            return await self._shake_hands(addresses, port, name)
        except Fault as fault:
            if fault.reason not in {Reason.TLS_PROTOCOL, Reason.TLS_HANDSHAKE} or not self.verify:
                raise
            return await self._shake_hands_as_of_old(addresses, port, name, fault)

    async def _addresses(self, host: str) -> Sequence[str]:
        """Where the host is; after the first hop, only what lies no further inside than that did."""
        self._own = self._own or host
        self._at_home = host == self._own
        at = self._options.address if self._options.address and self._at_home else host
        addresses = await self._vantage.share(Names).resolve(at, self._attempt, both=True)
        if self._deepest is None:
            self._deepest = max(map(depth, addresses))
        return reachable(addresses, host, self._deepest, self._options)

    async def _connect(self, addresses: Sequence[str], port: int, protocol: asyncio.Protocol) -> None:
        self._stream = Stream(await connect(addresses, port, self._attempt, speaks=True), protocol)

    def _reply(self) -> Reply:
        return Reply(asyncio.get_running_loop(), self._options.max_body)

    async def _ended(self, reply: Reply) -> Fault:
        """How the connection ended that brought no answer, once it has (an alert of TLS is known a moment after it)."""
        self.hang_up()
        if (closed := reply.closed) is not None:
            await asyncio.wait([closed])
            closed.exception()
        return way_fault(reply.ended_by) if isinstance(reply.ended_by, OSError) else Fault(Reason.RESET, _SILENT)

    async def _shake_hands(self, addresses: Sequence[str], port: int, name: str, *, legacy: bool = False) -> Reply:
        # Who we are is the first host's to know, and not behind a certificate that does not hold.
        own = self._options.client_certificate if self._at_home and self.verify == self._options.verify else ""
        context = self._vantage.tls(self._options.ca, verify=self.verify, legacy=legacy, certificate=own)
        tls, reply = Tls(context, name), self._reply()
        await self._connect(addresses, port, tls)
        with self._attempt.phase("tls", Reason.TLS_TIMEOUT):
            try:
                await tls.shake(reply)
            except ssl.SSLError as error:
                noted("tls", tls, f"TLS: no hands shaken: {fault_of(error).detail}")
                raise fault_of(error) from None
            except ConnectionError as error:
                ended = Fault(Reason.TLS_HANDSHAKE, "the server ended the connection while shaking hands")
                raise (fault_of(error) if error.errno else ended) from None
            noted("tls", tls, tls.object)
            self._note_tls(tls.object)
        return reply

    async def _shake_hands_as_of_old(self, addresses: Sequence[str], port: int, name: str, fault: Fault) -> Reply:
        """Try what browsers no longer do. Raises the fault that they would meet when that does not help."""
        self._attempt.found = fault
        self.hang_up()
        try:
            reply = await self._shake_hands(addresses, port, name, legacy=True)
        except Fault:
            raise fault from None
        self._attempt.found = None
        self.legacy = str(self._attempt.values["tls_version"])
        return reply

    def _note_tls(self, shaken: ssl.SSLObject) -> None:
        self._attempt.values["tls_version"] = shaken.version()
        if not self.verify:
            self.issuer_missing = missing_issuer(shaken)
        end = chain_end(shaken)
        if end is not None:
            self.certificate_end = end if self.certificate_end is None else min(end, self.certificate_end)
            self._attempt.values["certificate_end"] = int(self.certificate_end)


def _broken(error: HttpProcessingError) -> Fault:
    """The reason for which a head cannot be read."""
    if "Got more than" in str(error) or "oo many" in str(error):
        return Fault(Reason.HEADER_TOO_LARGE, "a line of the header, or the number of lines, is beyond all bounds")
    return Fault(Reason.HTTP_PROTOCOL, "what the server says is not HTTP")


def fault_of_aiohttp(error: aiohttp.ClientError) -> Fault:
    """The reason of an error of aiohttp; its text, which may hold the URL, stays behind."""
    text = f"{error} {error.__cause__ or ''}"
    match error:
        case aiohttp.ClientError(__cause__=ssl.SSLError() as cause):  # its number is no errno, though aiohttp hands it on as one
            return fault_of(cause)
        case aiohttp.ClientPayloadError() if "ot enough data" in text or "not completed" in text:
            return Fault(Reason.BODY_INCOMPLETE, "the connection ended before the body did")
        case OSError() if error.errno:
            return fault_of(OSError(error.errno, ""))
        case aiohttp.ClientConnectionError():
            return Fault(Reason.RESET, "the server closed the connection")
        case _:
            return Fault(Reason.HTTP_PROTOCOL, "the body is not framed as HTTP wants it")


def days_left(end: float) -> float:
    """Days from now until a certificate ends, which is a date on the wall."""
    return (end - time.time()) / 86400.0
