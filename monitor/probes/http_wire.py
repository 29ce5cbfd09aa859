"""The way to a web server, phase by phase (resolve, connect, TLS), as a connector of aiohttp.

aiohttp's own connector resolves in threads, hides what the kernel said and keeps connections; a look wants none of it.
"""

import asyncio
import ssl
import time
from collections.abc import Sequence

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.tracing import Trace

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.connect import connect
from monitor.probes.faults import Fault, fault_of
from monitor.probes.http_certificate import chain_end, missing_issuer
from monitor.probes.http_options import HttpOptions
from monitor.probes.http_redirect import depth, reachable
from monitor.probes.http_reply import Reply
from monitor.probes.http_tls import Tls
from monitor.probes.names import Names
from monitor.probes.vantage import Vantage
from monitor.probes.wiretap import noted

_SILENT = "the server closed the connection before it answered"


class Wire(aiohttp.BaseConnector):
    """Makes one connection a hop, for one look.

    `certificate_end` is the first end of any verified chain met (epoch seconds), `legacy` the out-of-date TLS that a hop needed.
    With `verify` turned off, any certificate will do, and `issuer_missing` says what its chain lacks.
    """

    def __init__(self, options: HttpOptions, vantage: Vantage, attempt: Attempt) -> None:
        super().__init__(force_close=True)
        self._options = options
        self._vantage = vantage
        self._attempt = attempt
        self._transport: asyncio.Transport | None = None
        self._replying: Reply | None = None
        self._asked = False
        self._own, self._at_home = "", True
        self._deepest: int | None = None
        self.verify = options.verify
        self.certificate_end: float | None = None
        self.legacy = ""
        self.issuer_missing = ""

    def hang_up(self) -> None:
        """End the connection of this hop at once, without a farewell that a mute peer would not answer."""
        if self._transport is not None:
            self._transport.abort()
        self._transport, self._asked = None, False

    async def _create_connection(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> ResponseHandler:
        del traces, timeout
        if self._asked:  # aiohttp asks a second time when the first ended without an answer; a look does not
            raise await self._ended()
        host, port = req.url.raw_host, req.url.port
        if host is None or port is None:
            raise Fault(Reason.REDIRECT_INVALID, "the URL names no host")
        self._asked = True
        addresses = await self._addresses(host)
        if req.url.scheme == "http":
            reply = self._reply()
            await self._open(addresses, port, reply)
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
        addresses = await self._vantage.share(Names).resolve(at, self._attempt)
        if self._deepest is None:
            self._deepest = max(map(depth, addresses))
        return reachable(addresses, host, self._deepest, self._options)

    async def _open(self, addresses: Sequence[str], port: int, protocol: asyncio.BaseProtocol) -> None:
        sock = await connect(addresses, port, self._attempt)
        self._transport, _ = await asyncio.get_running_loop().create_connection(lambda: protocol, sock=sock)

    def _reply(self) -> Reply:
        self._replying = Reply(asyncio.get_running_loop(), self._options.max_body)
        return self._replying

    async def _ended(self) -> Fault:
        """How the connection ended that brought no answer, once it has (an alert of TLS is known a moment after it)."""
        if self._transport is not None:
            self._transport.abort()
        if self._replying is not None and (closed := self._replying.closed) is not None:
            await asyncio.wait([closed])
            closed.exception()
        how = self._replying.ended_by if self._replying is not None else None
        return fault_of(how) if isinstance(how, OSError) else Fault(Reason.RESET, _SILENT)

    async def _shake_hands(self, addresses: Sequence[str], port: int, name: str, *, legacy: bool = False) -> Reply:
        # Who we are is the first host's to know, and not behind a certificate that does not hold.
        own = self._options.client_certificate if self._at_home and self.verify == self._options.verify else ""
        context = self._vantage.tls(self._options.ca, verify=self.verify, legacy=legacy, certificate=own)
        tls, reply = Tls(context, name), self._reply()
        await self._open(addresses, port, tls)
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
        self._asked = True
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


def fault_of_aiohttp(error: aiohttp.ClientError) -> Fault:
    """The reason of an error of aiohttp; its text, which may hold the URL, stays behind."""
    text = f"{error} {error.__cause__ or ''}"
    match error:
        case aiohttp.ClientError(__cause__=ssl.SSLError() as cause):  # its number is no errno, though aiohttp hands it on as one
            return fault_of(cause)
        case aiohttp.ServerDisconnectedError():
            return Fault(Reason.RESET, _SILENT)
        case aiohttp.ClientResponseError() if "Got more than" in text or "oo many" in text:
            return Fault(Reason.HEADER_TOO_LARGE, "a line of the header, or the number of lines, is beyond all bounds")
        case aiohttp.ClientResponseError():
            return Fault(Reason.HTTP_PROTOCOL, "what the server says is not HTTP")
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
