"""Asking an SNMP agent of version 3 (RFC 3414) through pysnmp's engine.

Making an engine costs tens of milliseconds, so all devices share one; but an engine never gets over it when another
device takes an address. So a device that speaks without being understood gets a fresh engine for its next look. Keys are
derived from passphrases once, in a thread (RFC 3414, A.2 hashes a mebibyte).
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress

from pyasn1.error import PyAsn1Error
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.carrier.error import CarrierError
from pysnmp.entity.engine import SnmpEngine
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.hlapi.varbinds import MibViewControllerManager
from pysnmp.proto import errind

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault
from monitor.probes.snmp_agent import NO_SUCH_NAME, TOO_BIG, Kind, Memory, Oid, Rows, TooBigError, plain
from monitor.probes.snmp_options import SnmpOptions
from monitor.probes.vantage import Vantage
from monitor.secret import reveal

AUTH: dict[str, tuple[Oid, Callable[[bytes], "hashlib._Hash"]]] = {
    "md5": (hlapi.USM_AUTH_HMAC96_MD5, hashlib.md5),
    "sha": (hlapi.USM_AUTH_HMAC96_SHA, hashlib.sha1),
    "sha224": (hlapi.USM_AUTH_HMAC128_SHA224, hashlib.sha224),
    "sha256": (hlapi.USM_AUTH_HMAC192_SHA256, hashlib.sha256),
    "sha384": (hlapi.USM_AUTH_HMAC256_SHA384, hashlib.sha384),
    "sha512": (hlapi.USM_AUTH_HMAC384_SHA512, hashlib.sha512),
}
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
_UNREADABLE = (PyAsn1Error, PySnmpError, errind.ErrorIndication, TypeError, ValueError, LookupError, AttributeError)
_MEBIBYTE = 1024 * 1024
MAX_HEARD = 10_000
FIRST: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)


class _Guarded:
    """Bytes that cannot be read must not raise into the event loop; who spoke at all is noted."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)
        self.heard: set[str] = set()

    def datagram_received(self, datagram: bytes, address: tuple[str, int]) -> None:
        if len(self.heard) < MAX_HEARD:
            self.heard.add(address[0])
        try:
            self._callback_function(self, address, datagram)  # type: ignore[attr-defined]
        except _UNREADABLE:
            return


class _Udp(_Guarded, udp.UdpAsyncioTransport):  # type: ignore[misc]
    """UDP over IPv4 for pysnmp."""


class _Udp6(_Guarded, udp6.Udp6AsyncioTransport):  # type: ignore[misc]
    """UDP over IPv6 for pysnmp."""


class _Target(hlapi.UdpTransportTarget):  # type: ignore[misc]
    """An agent by address: nothing to resolve."""

    PROTO_TRANSPORT = _Udp

    async def _resolve_address(self, address: tuple[str, int]) -> tuple[str, int]:
        return address


class _Target6(hlapi.Udp6TransportTarget):  # type: ignore[misc]
    """The same over IPv6."""

    PROTO_TRANSPORT = _Udp6

    async def _resolve_address(self, address: tuple[str, int]) -> tuple[str, int]:
        return address


class Engines:
    """The engines of a vantage: one for all, and a fresh one for whoever it got stuck with; and the keys derived so far."""

    def __init__(self, _: Vantage) -> None:
        self._common: SnmpEngine | None = None
        self._own: dict[str, SnmpEngine | None] = {}
        self._making = asyncio.Lock()
        self._keys: dict[tuple[str, str], bytes] = {}

    def close(self) -> None:
        """Close the sockets of all engines."""
        for engine in (*self._own.values(), self._common):
            if engine is not None:
                engine.close_dispatcher()
        self._own.clear()
        self._common = None

    async def of(self, address: str) -> SnmpEngine:
        """Return the engine to ask this address with; made in a thread, for it takes its time."""
        async with self._making:
            if address in self._own:
                engine = self._own[address] or await asyncio.to_thread(_engine)
                self._own[address] = engine
                return engine
            self._common = self._common or await asyncio.to_thread(_engine)
            return self._common

    def renew(self, address: str) -> None:
        """Ask this address with a fresh engine from now on."""
        stuck = self._own.get(address)
        if stuck is not None:
            stuck.close_dispatcher()
        self._own[address] = None

    async def key(self, protocol: str, passphrase: str) -> bytes:
        """Return the master key of a passphrase, derived once. Raises Fault `bad_secret` for one of less than 8 characters."""
        if len(passphrase) < 8:
            raise Fault(Reason.BAD_SECRET, "an SNMP passphrase has at least 8 characters")
        known = self._keys.get((protocol, passphrase))
        if known is None:
            known = self._keys[protocol, passphrase] = await asyncio.to_thread(_derive, protocol, passphrase.encode())
        return known


class User:
    """One agent asked as a user of version 3."""

    def __init__(self, options: SnmpOptions, memory: Memory, engines: Engines, attempt: Attempt) -> None:
        self.memory = memory
        self._options = options
        self._engines = engines
        self._attempt = attempt
        self._address = ""
        self._stuck = False

    async def open(self, address: str, port: int) -> None:
        """Derive the keys and aim at the agent."""
        self._address = address
        self._engine = await self._engines.of(address)
        self._data = await self._user()
        kind = _Target6 if ":" in address else _Target
        each = max(0.5, self._attempt.timeout / 3)
        self._target = await kind.create((address, port), timeout=each, retries=2)

    def close(self) -> None:
        """The engine keeps its socket; a device that spoke and was not understood gets a fresh one."""
        spoke = self._spoke()
        for heard in _heard(self._engine):
            heard.discard(self._address)
        if spoke and self._stuck:
            self._engines.renew(self._address)

    async def request(self, kind: Kind, oids: Sequence[Oid], repetitions: int = 0) -> Rows:
        """Ask once; pysnmp repeats. Raises Fault, `snmp_auth` where the agent does not take our user or key."""
        binds = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in oids]
        self._stuck = True
        way = (self._engine, self._data, self._target, hlapi.ContextData())
        try:
            if kind == "bulk":
                trouble, status, _, rows = await hlapi.bulk_cmd(*way, 0, repetitions, *binds, lookupMib=False)
            else:
                command = hlapi.get_cmd if kind == "get" else hlapi.next_cmd
                trouble, status, _, rows = await command(*way, *binds, lookupMib=False)
        except asyncio.CancelledError:
            self._suspect_key()
            raise
        except _UNREADABLE as error:
            raise Fault(Reason.SNMP_ERROR, f"it answers what cannot be read ({type(error).__name__})") from None
        self._stuck = trouble is not None and not isinstance(trouble, _WRONG_KEY)
        if trouble is not None:
            self._suspect_key()
            raise _fault(trouble, self._attempt)
        if int(status) == TOO_BIG:
            raise TooBigError
        if int(status) not in {0, NO_SUCH_NAME}:
            raise Fault(Reason.SNMP_ERROR, f"the agent answers with error status {int(status)}")
        return [] if int(status) else _checked(kind, oids, [(tuple(name), plain(value)) for name, value in rows])

    def _suspect_key(self) -> None:
        """An agent that tells its name and then stays silent on what we encrypted cannot read it: the key is wrong, and ours."""
        if self._options.priv and not self._attempt.values and self._spoke():
            self._attempt.late, self._attempt.doing = Reason.SNMP_AUTH, "the agent speaks, but not to our encrypted question (wrong priv?)"

    def _spoke(self) -> bool:
        return any(self._address in heard for heard in _heard(self._engine))

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


def _engine() -> SnmpEngine:
    """Make an engine, and do what its first question would else do in the loop: load modules, and a MIB compiler where there is one."""
    engine = SnmpEngine()
    view = MibViewControllerManager.get_mib_view_controller(engine.cache)
    hlapi.ObjectType(hlapi.ObjectIdentity(FIRST)).resolve_with_mib(view)
    return engine


def _checked(kind: Kind, asked: Sequence[Oid], rows: Rows) -> Rows:
    if kind == "get" and [name for name, _ in rows] != list(asked):
        raise Fault(Reason.SNMP_ERROR, "it answers something that was not asked")
    return rows


def _heard(engine: SnmpEngine) -> list[set[str]]:
    """The addresses that spoke to this engine, a set a family."""
    found: list[set[str]] = []
    for domain in (udp.DOMAIN_NAME, udp6.DOMAIN_NAME):
        with suppress(CarrierError, AttributeError):  # no agent of that family was asked yet
            found.append(engine.transport_dispatcher.get_transport(domain).heard)
    return found


def _fault(trouble: object, attempt: Attempt) -> Fault:
    if isinstance(trouble, _WRONG_KEY):
        return Fault(Reason.SNMP_AUTH, f"the agent does not take our user or key: {trouble}")
    if isinstance(trouble, errind.RequestTimedOut):
        return Fault(attempt.late, attempt.doing if attempt.late is Reason.SNMP_AUTH else "no answer")
    return Fault(Reason.SNMP_ERROR, f"{trouble}")


def _derive(protocol: str, passphrase: bytes) -> bytes:
    """RFC 3414, A.2.1: the hash of the passphrase repeated to a mebibyte."""
    return AUTH[protocol][1]((passphrase * (_MEBIBYTE // len(passphrase) + 1))[:_MEBIBYTE]).digest()
