"""pysnmp's engines for version 3 (RFC 3414): their sockets, and the keys derived from passphrases.

Making an engine costs tens of milliseconds, so all devices of a user share one; but an engine never gets over it when another
device takes an address. So a device that speaks without being understood is asked anew by a fresh engine. Keys are
derived from passphrases once, in a thread (RFC 3414, A.2 hashes a mebibyte).
"""

import asyncio
import hashlib
from collections.abc import Callable, Hashable
from contextlib import suppress

from cryptography.hazmat.backends import default_backend
from pyasn1.error import PyAsn1Error
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.carrier.error import CarrierError
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.hlapi.v3arch.asyncio.lcd import CommandGeneratorLcdConfigurator
from pysnmp.hlapi.varbinds import MibViewControllerManager
from pysnmp.proto import errind

from monitor.core.verdict import Reason
from monitor.probes import ber, wiretap
from monitor.probes.ber import Oid
from monitor.probes.faults import Fault
from monitor.probes.vantage import Vantage

AUTH: dict[str, tuple[Oid, Callable[[bytes], "hashlib._Hash"]]] = {
    "md5": (hlapi.USM_AUTH_HMAC96_MD5, hashlib.md5),
    "sha": (hlapi.USM_AUTH_HMAC96_SHA, hashlib.sha1),
    "sha224": (hlapi.USM_AUTH_HMAC128_SHA224, hashlib.sha224),
    "sha256": (hlapi.USM_AUTH_HMAC192_SHA256, hashlib.sha256),
    "sha384": (hlapi.USM_AUTH_HMAC256_SHA384, hashlib.sha384),
    "sha512": (hlapi.USM_AUTH_HMAC384_SHA512, hashlib.sha512),
}
UNREADABLE = (PyAsn1Error, PySnmpError, errind.ErrorIndication, TypeError, ValueError, LookupError, AttributeError)
_MEBIBYTE = 1024 * 1024
MAX_HEARD = MAX_ASKED = 10_000
LARGEST = 4096
"""Bytes of an answer, as our questions say themselves: pysnmp decodes a message of 60 KB for 0.4 s of the loop."""
MAX_USERS = 32
MODULES = ("SNMPv2-TM", "PYSNMP-SOURCE-MIB", "__SNMPv2-MIB")
"""What pysnmp loads when it is first told of an address, and when it first gets an answer."""
FIRST: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)


class _Guarded:
    """pysnmp's socket, which hears everybody: an answer must come from where its question went, and must not raise into the event loop.

    Who spoke at all is noted.
    """

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)
        self.heard: set[str] = set()
        self._asked: dict[int, tuple[str, int]] = {}

    def send_message(self, message: bytes, address: tuple[str, int]) -> None:
        if len(self._asked) >= MAX_ASKED:
            self._asked.pop(next(iter(self._asked)))
        self._asked[message_number(message)] = address[0], address[1]
        wiretap.sent("snmp", address, message)
        super().send_message(message, address)  # type: ignore[misc]  # pysnmp's transport

    def datagram_received(self, datagram: bytes, address: tuple[str, int]) -> None:
        if len(self.heard) < MAX_HEARD:
            self.heard.add(address[0])
        wiretap.heard("snmp", address, datagram)
        if len(datagram) > LARGEST:
            return
        try:
            if self._asked.get(message_number(datagram)) == (address[0], address[1]):
                self._callback_function(self, address, datagram)  # type: ignore[attr-defined]
        except UNREADABLE:
            return


def message_number(message: bytes) -> int:
    """Return the msgID of a message of version 3 (RFC 3412, 6.2). Raises ValueError."""
    _, content, _ = ber.item(message, 0)
    _, (_, header) = ber.first(content, 2)
    _, number, _ = ber.item(header, 0)
    return ber.read_integer(number)


class _Udp(_Guarded, udp.UdpAsyncioTransport):  # type: ignore[misc]
    """UDP over IPv4 for pysnmp."""


class _Udp6(_Guarded, udp6.Udp6AsyncioTransport):  # type: ignore[misc]
    """UDP over IPv6 for pysnmp."""


class Target(hlapi.UdpTransportTarget):  # type: ignore[misc]
    """An agent by address: nothing to resolve."""

    PROTO_TRANSPORT = _Udp

    async def _resolve_address(self, address: tuple[str, int]) -> tuple[str, int]:
        return address


class Target6(hlapi.Udp6TransportTarget):  # type: ignore[misc]
    """The same over IPv6."""

    PROTO_TRANSPORT = _Udp6

    async def _resolve_address(self, address: tuple[str, int]) -> tuple[str, int]:
        return address


class Engines:
    """The engines of a vantage: one a user, and a fresh one for whoever it got stuck with; and the keys derived so far.

    An engine knows a user by name only: two keys of one name would take turns in it, each time for 15 ms of the loop.
    """

    def __init__(self, _: Vantage) -> None:
        self._common: dict[Hashable, SnmpEngine] = {}
        self._own: dict[tuple[str, Hashable], SnmpEngine | None] = {}
        self._making = asyncio.Lock()
        self._keys: dict[tuple[str, str], bytes] = {}

    def close(self) -> None:
        """Close the sockets of all engines."""
        for engine in (*self._own.values(), *self._common.values()):
            if engine is not None:
                engine.close_dispatcher()
        self._own.clear()
        self._common.clear()

    @property
    def made(self) -> bool:
        """Whether there was need of an engine yet."""
        return bool(self._common or self._own)

    async def of(self, address: str, user: hlapi.UsmUserData) -> SnmpEngine:
        """Return the engine to ask this address with; made in a thread, for it takes its time."""
        who = self._who(user)
        async with self._making:
            if (address, who) in self._own:
                engine = self._own[address, who] or await asyncio.to_thread(_engine, user)
                self._own[address, who] = engine
            else:
                engine = self._common.get(who) or await asyncio.to_thread(_engine, user)
                self._common[who] = engine
            return engine

    def renew(self, address: str, user: hlapi.UsmUserData) -> None:
        """Ask this address with a fresh engine from now on."""
        place = address, self._who(user)
        stuck = self._own.get(place)
        if stuck is not None:
            stuck.close_dispatcher()
        self._own[place] = None

    def _who(self, user: hlapi.UsmUserData) -> Hashable:
        """What an engine is for: a user with these keys; when there are very many of them, all the rest."""
        who = (
            user.userName,
            user.authentication_protocol,
            bytes(user.authentication_key or b""),
            user.privacy_protocol,
            bytes(user.privacy_key or b""),
        )
        return who if who in self._common or len(self._common) < MAX_USERS else ()

    async def key(self, protocol: str, passphrase: str) -> bytes:
        """Return the master key of a passphrase, derived once. Raises Fault `bad_secret` for one of less than 8 characters."""
        if len(passphrase) < 8:
            raise Fault(Reason.BAD_SECRET, "an SNMP passphrase has at least 8 characters")
        known = self._keys.get((protocol, passphrase))
        if known is None:
            known = self._keys[protocol, passphrase] = await asyncio.to_thread(derive, protocol, passphrase.encode())
        return known


def _engine(user: hlapi.UsmUserData) -> SnmpEngine:
    """Make an engine, and do what its first question would else do in the loop: load modules, and take in the user."""
    engine = SnmpEngine(maxMessageSize=LARGEST)
    engine.get_mib_builder().load_modules(*MODULES)
    default_backend()
    known = CommandGeneratorLcdConfigurator()._get_cache(engine)  # noqa: SLF001 - where pysnmp looks whether a user must be taken in
    config.add_v3_user(
        engine,
        user.userName,
        user.authentication_protocol,
        user.authentication_key,
        user.privacy_protocol,
        user.privacy_key,
        securityEngineId=user.securityEngineId,
        securityName=user.securityName,
        authKeyType=user.authKeyType,
        privKeyType=user.privKeyType,
    )
    known["auth"][user.userName, user.securityEngineId] = user
    view = MibViewControllerManager.get_mib_view_controller(engine.cache)  # an index of all modules, made anew when there are more
    hlapi.ObjectType(hlapi.ObjectIdentity(FIRST)).resolve_with_mib(view)
    return engine


def heard(engine: SnmpEngine) -> list[set[str]]:
    """Return the addresses that spoke to this engine, a set a family."""
    found: list[set[str]] = []
    for domain in (udp.DOMAIN_NAME, udp6.DOMAIN_NAME):
        with suppress(CarrierError, AttributeError):  # no agent of that family was asked yet
            found.append(engine.transport_dispatcher.get_transport(domain).heard)
    return found


def derive(protocol: str, passphrase: bytes) -> bytes:
    """RFC 3414, A.2.1: the hash of the passphrase repeated to a mebibyte."""
    return AUTH[protocol][1]((passphrase * (_MEBIBYTE // len(passphrase) + 1))[:_MEBIBYTE]).digest()
