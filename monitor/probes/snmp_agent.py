"""Asking an SNMP agent of version 1 or 2c: pysnmp's messages over a socket of our own, connected to the one agent.

A connected socket hears nobody else. An answer counts when its request id, its kind and its names fit; whatever else
comes is counted and passed over, and when time runs out the reason says that something came which could not be read.
"""

import asyncio
import itertools
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pysnmp.error import PySnmpError
from pysnmp.proto import api

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault, fault_of, local_fault

Oid = tuple[int, ...]
Value = int | bytes | Oid | None
Rows = list[tuple[Oid, Value]]
Kind = Literal["get", "next", "bulk"]
REPETITIONS = 10
MODELS = {"1": api.SNMP_VERSION_1, "2c": api.SNMP_VERSION_2C}
TOO_BIG, NO_SUCH_NAME = 1, 2
_UNREADABLE = (PyAsn1Error, PySnmpError, TypeError, ValueError, LookupError, AttributeError)


class TooBigError(Exception):
    """The answer does not fit: ask for less at once."""


class Agent(Protocol):
    """Something that answers requests; `memory` outlives the look."""

    memory: "Memory"

    async def request(self, kind: Kind, oids: Sequence[Oid], repetitions: int = 0) -> Rows:
        """Ask once; an empty list means that there is nothing (more) by that name. Raises Fault, TooBigError."""

    def close(self) -> None:
        """Let go of the socket."""


@dataclass(slots=True)
class Memory:
    """What was learned of a device: how many rows at once it bears (0: it knows no GETBULK), and which version it speaks."""

    repetitions: int = REPETITIONS
    version: str = ""


class Community(asyncio.DatagramProtocol):
    """One agent asked by community; `versions` are tried in turn until one is answered."""

    def __init__(self, community: str, versions: Sequence[str], memory: Memory, attempt: Attempt) -> None:
        self.memory = memory
        self._community = community
        self._versions = versions
        self._attempt = attempt
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[int, tuple[Kind, tuple[Oid, ...], asyncio.Future[Rows]]] = {}

    async def open(self, address: str, port: int) -> None:
        """Connect to the agent. Raises Fault `no_route` where the kernel knows no way."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            made.connect((address, port))
        except OSError as error:
            made.close()
            raise local_fault(error) from None
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=made)

    def close(self) -> None:
        """Close the socket; what is still waited for is given up."""
        if self._transport is not None:
            self._transport.abort()
        self._waiting.clear()

    async def request(self, kind: Kind, oids: Sequence[Oid], repetitions: int = 0) -> Rows:
        """Ask again and again until there is an answer; the time-out is the look's. A silent GETBULK is asked for less."""
        again = max(0.1, self._attempt.timeout / 5)
        answer: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        numbers: list[int] = []
        try:
            for turn in itertools.count():
                version = self.memory.version or self._versions[max(0, turn - 1) % len(self._versions)]
                asked: Kind = "next" if kind == "bulk" and version == "1" else kind
                numbers.append(self._send(version, asked, oids, repetitions, answer))
                done, _ = await asyncio.wait([answer], timeout=again)
                if done:
                    return answer.result()
                if kind == "bulk" and turn:
                    raise TooBigError  # two in a row unanswered: a large answer may be lost on the way
        finally:
            for number in numbers:
                self._waiting.pop(number, None)
            answer.cancel()
        raise AssertionError("unreachable")  # pragma: no cover

    def _send(self, version: str, kind: Kind, oids: Sequence[Oid], repetitions: int, answer: asyncio.Future[Rows]) -> int:
        number = secrets.randbelow(2**31 - 1) + 1
        self._waiting[number] = (kind, tuple(oids), answer)
        if self._transport is not None:
            self._transport.sendto(_encode(version, self._community, kind, oids, repetitions, number))
        return number

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr  # connected: it can only be the agent
        try:
            version, number, status, rows = _decode(data)
        except _UNREADABLE:
            self._odd("it answers what cannot be read")
            return
        waiting = self._waiting.get(number)
        if waiting is None:
            return
        kind, asked, answer = waiting
        if answer.done():
            return
        if status == 0 and not _fits(kind, asked, rows):
            self._odd("it answers something that was not asked")
            return
        self.memory.version = version
        if status == TOO_BIG:
            answer.set_exception(TooBigError())
        elif status in {0, NO_SUCH_NAME}:
            answer.set_result([] if status else rows)
        else:
            answer.set_exception(Fault(Reason.SNMP_ERROR, f"the agent answers with error status {status}"))

    def error_received(self, exc: Exception) -> None:
        for *_, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(fault_of(exc))

    def _odd(self, what: str) -> None:
        self._attempt.late, self._attempt.doing = Reason.SNMP_ERROR, what


def _fits(kind: Kind, asked: Sequence[Oid], rows: Rows) -> bool:
    if kind == "get":
        return [name for name, _ in rows] == list(asked)
    return len(rows) > 0 if kind == "bulk" else len(rows) == len(asked)


def _encode(version: str, community: str, kind: Kind, oids: Sequence[Oid], repetitions: int, number: int) -> bytes:
    model = api.PROTOCOL_MODULES[MODELS[version]]
    if kind == "bulk":
        pdu = model.GetBulkRequestPDU()
        model.apiBulkPDU.set_defaults(pdu)
        model.apiBulkPDU.set_non_repeaters(pdu, 0)
        model.apiBulkPDU.set_max_repetitions(pdu, repetitions)
        model.apiBulkPDU.set_varbinds(pdu, [(oid, model.null) for oid in oids])
    else:
        pdu = model.GetRequestPDU() if kind == "get" else model.GetNextRequestPDU()
        model.apiPDU.set_defaults(pdu)
        model.apiPDU.set_varbinds(pdu, [(oid, model.null) for oid in oids])
    model.apiPDU.set_request_id(pdu, number)
    message = model.Message()
    model.apiMessage.set_defaults(message)
    model.apiMessage.set_community(message, community)
    model.apiMessage.set_pdu(message, pdu)
    encoded: bytes = encoder.encode(message)
    return encoded


def _decode(data: bytes) -> tuple[str, int, int, Rows]:
    """Return version, request id, error status and rows. Raises one of `_UNREADABLE`."""
    version = "2c" if int(api.decodeMessageVersion(data)) else "1"
    model = api.PROTOCOL_MODULES[MODELS[version]]
    message, _ = decoder.decode(data, asn1Spec=model.Message())  # bytes after the message are the sender's carelessness
    pdu = model.apiMessage.get_pdu(message)
    if not isinstance(pdu, type(model.GetResponsePDU())):
        raise ValueError("not an answer")  # noqa: TRY004 - one of `_UNREADABLE`
    rows = [(tuple(name), plain(value)) for name, value in model.apiPDU.get_varbinds(pdu)]
    return version, int(model.apiPDU.get_request_id(pdu)), int(model.apiPDU.get_error_status(pdu)), rows


def plain(value: Any) -> Value:  # noqa: ANN401 - whatever pyasn1 made
    """Return a value of pyasn1 as a number, bytes or an OID; None for "no such object" and its like."""
    match value:
        case univ.Null():  # also the base of "no such object" and "end of view", and itself a kind of OctetString
            return None
        case univ.Integer():
            return int(value)
        case univ.OctetString():
            return bytes(value)
        case univ.ObjectIdentifier():
            return tuple(value)
        case _:
            return None
