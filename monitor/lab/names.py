"""The city's name server: the applications and services of *.pantau.test and no more (RFC 1035, by dnspython)."""

import asyncio
import struct
from collections.abc import Mapping
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

ZONE = "pantau.test"
_TTL = 60
_PATIENCE = 10.0
_LARGEST_DATAGRAM = 1232


class Names(asyncio.DatagramProtocol):
    """Answers for `addresses` (name to IPv4 address) over UDP; `converse` over TCP."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = {name.lower(): address for name, address in addresses.items()}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # Python 3.11 does not derive its own from it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.answer(data)
        if answer and self._transport:
            self._transport.sendto(answer if len(answer) <= _LARGEST_DATAGRAM else self.answer(data, cut=True), addr)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer questions over one TCP connection (two bytes of length before each)."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    answer = self.answer(await reader.readexactly(length))
                    writer.write(struct.pack("!H", len(answer)) + answer)
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # gone or silent
        finally:
            writer.close()

    def answer(self, data: bytes, *, cut: bool = False) -> bytes:
        """Return the answer to a question in wire form; empty for what is none."""
        try:
            question = dns.message.from_wire(data)
        except (dns.exception.DNSException, ValueError):
            return b""
        if question.flags & dns.flags.QR or len(question.question) != 1:
            return b""
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.AA | (dns.flags.TC if cut else 0)
        if question.opcode() != dns.opcode.QUERY:
            answer.set_rcode(dns.rcode.NOTIMP)
        elif not cut:
            self._fill(answer, question.question[0])
        return answer.to_wire()

    def _fill(self, answer: dns.message.Message, asked: dns.rrset.RRset) -> None:
        name = asked.name.to_text(omit_final_dot=True).lower()
        if name == "localhost" or not (name == ZONE or name.endswith(f".{ZONE}")):
            answer.set_rcode(dns.rcode.REFUSED)
        elif name in self._addresses:
            if asked.rdtype == dns.rdatatype.A:
                answer.answer.append(dns.rrset.from_text(asked.name, _TTL, "IN", "A", self._addresses[name]))
        elif name != ZONE:
            answer.set_rcode(dns.rcode.NXDOMAIN)
