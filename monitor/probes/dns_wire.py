"""One question to one name server: over UDP, and over TCP where it says that the answer is too long for that (RFC 1035, 7766).

Bounded whatever it sends: so many bytes, so many datagrams; what is not an answer to the question is not even read to its end.
"""

import asyncio
import socket

import dns.exception
import dns.message

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault, local_fault, way_fault
from monitor.probes.wiretap import heard, sent

LARGEST_DATAGRAM = 4096
LARGEST = 16384
"""Bytes of an answer over TCP: reading 65,535 bytes of addresses held the loop for 0.1 s."""
MOST_DATAGRAMS = 64
_ANSWER, _CUT = 0x80, 0x02
_HEADER = 12


async def ask_server(question: dns.message.Message, address: str, port: int) -> dns.message.Message:
    """Return the answer to the question; waits for ever. Raises Fault: of our own kernel, of the way, or of what the server sends."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    wire = question.to_wire()
    answer = await _by_datagram(question, wire, family, (address, port))
    return await _by_stream(question, wire, family, (address, port)) if answer is None else answer


async def _by_datagram(
    question: dns.message.Message, wire: bytes, family: socket.AddressFamily, where: tuple[str, int]
) -> dns.message.Message | None:
    """Return the answer, None when it was cut short. The kernel hands a connected socket nothing from anybody else."""
    loop = asyncio.get_running_loop()
    with _open(family, socket.SOCK_DGRAM) as link:
        try:
            link.connect(_sockaddr(where))
            await loop.sock_sendall(link, wire)
            sent("dns", where, wire)
        except OSError as error:
            raise local_fault(error) from None
        for _ in range(MOST_DATAGRAMS):
            try:
                said = await loop.sock_recv(link, LARGEST_DATAGRAM)
            except OSError as error:
                raise way_fault(error) from None
            heard("dns", where, said)
            if len(said) < _HEADER or said[:2] != wire[:2] or not said[2] & _ANSWER:
                continue
            if said[2] & _CUT and said[_HEADER : len(wire)].lower() == wire[_HEADER:].lower():
                return None  # our question came back with it: more is not needed to ask again
            if (answer := _read(question, said)) is not None:
                return answer
    raise _unreadable()


async def _by_stream(
    question: dns.message.Message, wire: bytes, family: socket.AddressFamily, where: tuple[str, int]
) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    with _open(family, socket.SOCK_STREAM) as link:
        try:
            await loop.sock_connect(link, _sockaddr(where))
            await loop.sock_sendall(link, len(wire).to_bytes(2) + wire)
            sent("dns/tcp", where, wire)
            length = int.from_bytes(await _exactly(link, 2))
            if length > LARGEST:
                raise Fault(Reason.DNS_WRONG_ANSWER, f"its answer has {length} bytes; at most {LARGEST} are read")
            said = await _exactly(link, length)
            heard("dns/tcp", where, said)
            answer = _read(question, said)
        except OSError as error:
            raise way_fault(error) from None
    if answer is None:
        raise _unreadable()
    return answer


async def _exactly(link: socket.socket, length: int) -> bytes:
    said = b""
    while len(said) < length:
        piece = await asyncio.get_running_loop().sock_recv(link, length - len(said))
        if not piece:
            raise Fault(Reason.REFUSED, "ended the connection")
        said += piece
    return said


def _sockaddr(where: tuple[str, int]) -> tuple[str, int] | tuple[str, int, int, int]:
    """Where that is for the kernel: a router may give out its name server by an address of one link, fe80::1%eth0 (RFC 8106)."""
    host, _, link = where[0].partition("%")
    try:
        return (host, where[1], 0, socket.if_nametoindex(link)) if link else where
    except OSError:
        raise Fault(Reason.NO_ROUTE, f"there is no interface {link[:20]} here") from None


def _open(family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
    return socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)


def _read(question: dns.message.Message, said: bytes) -> dns.message.Message | None:
    """Return what was said if it is an answer to the question, whole and readable."""
    try:
        answer = dns.message.from_wire(said, ignore_trailing=True)
    except dns.exception.DNSException:
        return None
    return answer if question.is_response(answer) else None


def _unreadable() -> Fault:
    return Fault(Reason.DNS_WRONG_ANSWER, "what it sends cannot be read, or answers another question")
