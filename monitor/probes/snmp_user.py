"""Asking an SNMP agent of version 3 (RFC 3414) through pysnmp's engine: what it says of users and keys becomes a reason."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from pyasn1.type import univ
from pysnmp.entity.engine import SnmpEngine
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto import errind, rfc1902

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.ber import Oid
from monitor.probes.faults import Fault
from monitor.probes.snmp_agent import TooBigError, at_once, fits, refusal
from monitor.probes.snmp_engine import AUTH, UNREADABLE, Engines, Target, Target6, heard
from monitor.probes.snmp_memory import REPETITIONS, SILENT, Memory
from monitor.probes.snmp_message import NO_SUCH_NAME, TOO_BIG, Kind, Rows, Value
from monitor.probes.snmp_options import SnmpOptions
from monitor.secret import reveal

PRIV: dict[str, Oid] = {
    "des": hlapi.USM_PRIV_CBC56_DES,
    "aes": hlapi.USM_PRIV_CFB128_AES,
    "aes192": hlapi.USM_PRIV_CFB192_AES,
    "aes256": hlapi.USM_PRIV_CFB256_AES,
}
_WRONG_KEY = (
    errind.WrongDigest,
    errind.UnknownUserName,
    errind.UnknownSecurityName,
    errind.UnsupportedSecurityLevel,
    errind.DecryptionError,
    errind.EncryptionError,
    errind.AuthenticationFailure,
    errind.AuthenticationError,
    errind.UnsupportedAuthProtocol,
    errind.UnsupportedPrivProtocol,
)


class User:
    """One agent asked as a user of version 3."""

    def __init__(self, options: SnmpOptions, memory: Memory, engines: Engines, attempt: Attempt) -> None:
        self.memory = memory
        self._options = options
        self._engines = engines
        self._attempt = attempt
        self._address = ""
        self._stuck = False
        self._good = self._spoken = False
        self._engine: SnmpEngine | None = None

    async def open(self, address: str, port: int) -> None:
        """Derive the keys and aim at the agent; while we are not ready ourselves, running out of time is no fault of the agent."""
        self._address = address
        attempt, before = self._attempt, (self._attempt.late, self._attempt.doing)
        attempt.late, attempt.doing = Reason.LOOP_LATE, "making our own engine of SNMPv3"
        self._data = await self._user()
        self._engine = await self._engines.of(address, self._data)
        attempt.late, attempt.doing = before
        kind = Target6 if ":" in address else Target
        self._target = await kind.create((address, port), timeout=max(0.5, self._attempt.timeout / 3), retries=2)
        self._briefly = await kind.create((address, port), timeout=max(0.5, self._attempt.timeout / 8), retries=1)

    def close(self) -> None:
        """The engine keeps its socket; a device that spoke and was not understood gets a fresh one."""
        spoke = self._spoke()
        for those in heard(self._engine) if self._engine else ():
            those.discard(self._address)
        if spoke and self._stuck:
            self._engines.renew(self._address, self._data)

    async def request(self, kind: Kind, oids: Sequence[Oid], repetitions: int = 0) -> Rows:
        """Ask once; pysnmp repeats. Raises Fault, `snmp_auth` where the agent does not take our user or key."""
        self._stuck = True
        try:
            trouble, status, rows = await self._ask(kind, oids, repetitions, brief=kind == "bulk" or not self._good)
            if isinstance(trouble, errind.RequestTimedOut) and not self._good:
                await self._renew()
                trouble, status, rows = await self._ask(kind, oids, repetitions, brief=False)
        except asyncio.CancelledError:
            self._suspect()
            raise
        except UNREADABLE as error:
            raise Fault(Reason.SNMP_ERROR, f"it answers what cannot be read ({type(error).__name__})") from None
        self._stuck = trouble is not None and not isinstance(trouble, _WRONG_KEY)
        if isinstance(trouble, errind.RequestTimedOut) and kind == "bulk" and self._good:
            raise TooBigError(SILENT)  # it answered before: a large answer may be lost on the way
        if trouble is not None:
            self._suspect()
            raise _fault(trouble, self._attempt)
        if status == TOO_BIG:
            raise TooBigError
        if status not in {0, NO_SUCH_NAME}:
            raise refusal(status)
        if status == 0 and not fits(kind, oids, repetitions, rows):
            raise Fault(Reason.SNMP_ERROR, "it answers something that was not asked")
        self._good = True
        asked = at_once(kind, repetitions)
        self.memory.answered(asked if asked < REPETITIONS else 0, len(rows), 0)  # how large it was, pysnmp does not say
        return [] if status else rows

    async def _renew(self) -> None:
        """Take a fresh engine if the agent speaks, but was not understood."""
        if self._spoke():
            self._spoken = True
            self._engines.renew(self._address, self._data)
            self._engine = await self._engines.of(self._address, self._data)

    async def _ask(self, kind: Kind, oids: Sequence[Oid], repetitions: int, *, brief: bool) -> tuple[object, int, Rows]:
        """Return what went wrong (or None), the error status and the rows."""
        binds = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in oids]
        way = (self._engine, self._data, self._briefly if brief else self._target, hlapi.ContextData())
        began = time.monotonic()
        try:
            if kind == "bulk":
                trouble, status, _, rows = await hlapi.bulk_cmd(*way, 0, repetitions, *binds, lookupMib=False)
            else:
                command = hlapi.get_cmd if kind == "get" else hlapi.next_cmd
                trouble, status, _, rows = await command(*way, *binds, lookupMib=False)
        finally:
            if (waited := time.monotonic() - began) > self._attempt.timeout / 8:
                self.memory.silent(waited)
        return trouble, int(status), [(tuple(name), plain(value)) for name, value in rows]

    def _suspect(self) -> None:
        """Time ran out, but the agent spoke: whoever is silent only on what we encrypted cannot read it, and the key is wrong, and ours."""
        if self._good or not self._spoke():
            return
        if self._options.priv:
            self._attempt.late, self._attempt.doing = Reason.SNMP_AUTH, "the agent speaks, but not to our encrypted question (wrong priv?)"
        else:
            self._attempt.late, self._attempt.doing = Reason.SNMP_ERROR, "it answers what cannot be read, or was not asked"

    def _spoke(self) -> bool:
        return self._spoken or (self._engine is not None and any(self._address in those for those in heard(self._engine)))

    async def _user(self) -> hlapi.UsmUserData:
        options = self._options
        auth, priv = reveal(options.auth), reveal(options.priv)
        if not auth:
            return hlapi.UsmUserData(options.user)  # noqa: S509 - what the device speaks is the office's choice
        protocol = options.auth_protocol
        return hlapi.UsmUserData(
            options.user,
            authKey=await self._engines.key(protocol, auth),
            privKey=await self._engines.key(protocol, priv) if priv else None,
            authProtocol=AUTH[protocol][0],
            privProtocol=PRIV[options.priv_protocol] if priv else hlapi.USM_PRIV_NONE,
            authKeyType=hlapi.USM_KEY_TYPE_MASTER,
            privKeyType=hlapi.USM_KEY_TYPE_MASTER,
        )


def plain(value: Any) -> Value:  # noqa: ANN401 - whatever pyasn1 made
    """Return a value of pyasn1 as a number, bytes or an OID; None for "no such object" and its like."""
    match value:
        case univ.Null():  # also the base of "no such object" and "end of view", and itself a kind of OctetString
            return None
        case univ.Integer():
            return int(value)
        case rfc1902.IpAddress():
            return tuple(bytes(value))
        case univ.OctetString():
            return bytes(value)
        case univ.ObjectIdentifier():
            return tuple(value)
        case _:
            return None


def _fault(trouble: object, attempt: Attempt) -> Fault:
    if isinstance(trouble, _WRONG_KEY):
        return Fault(Reason.SNMP_AUTH, f"the agent does not take our user or key: {trouble}")
    if isinstance(trouble, errind.RequestTimedOut):
        return Fault(attempt.late, "no answer" if attempt.late is Reason.SNMP_TIMEOUT else attempt.doing)
    words = str(trouble)
    return Fault(Reason.SNMP_ERROR, f"it reports {words} instead of an answer" if words[:1].isdigit() else words)
