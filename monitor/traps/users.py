"""Traps and informs of SNMP version 3 (RFC 3412, 3414), by pysnmp's engine, as for asking (decision 0030).

Looked at before the engine may see a message: is its user known; is it sent at exactly the level of that user's keys (the engine would
take an unsigned trap in the name of a user who signs); is it signed rightly (the engine keeps something of each that is not); is it not
older than what its sender said before (the engine takes what was recorded yesterday). Making one takes 0.1 s: do it in a thread.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.carrier.base import AbstractTransportDispatcher
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import ntfrcv
from pysnmp.proto import rfc1902

from monitor.core.errors import PantauError
from monitor.core.traps import Fate, TrapUser
from monitor.probes import ber
from monitor.probes.ber import Oid
from monitor.probes.snmp_engine import AUTH, UNREADABLE, derive
from monitor.probes.snmp_fast_user import DIGESTS
from monitor.probes.snmp_user import PRIV, plain
from monitor.secret import reveal
from monitor.traps.message import about

WORN = 1000
"""Messages that were refused, and engines met, after which a fresh one is made: pysnmp keeps something of each."""
REMEMBERED = 10_000
"""Engines of which it is known how late it was there when they spoke last."""
WINDOW = 150
"""Seconds by which a message may be older than the last of its engine (RFC 3414, 2.2.3)."""
_USM, _LEVEL, _ENGINE = 3, 0x03, (0, *range(5, 33))

_WHO_ARE_YOU = bytes.fromhex(
    "3038020103300e020101020300ffe30401040201030410300e0400020100020100040004000400301104000400a00b0201010201000201003000"
)
"""What asks for our engine (RFC 3414, 4)."""

Answer = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Header:
    """What stands in clear at the head of a message of version 3."""

    level: int
    engine: bytes
    boots: int
    time: int
    user: bytes
    digest: bytes


class _Mouth(AbstractTransportDispatcher):  # type: ignore[misc]
    """Where the engine sends its answers to."""

    said = False
    answer: Answer | None = None

    def send_message(self, message: bytes, domain: Oid, address: object) -> None:  # noqa: ARG002 - the engine's signature
        self.said = True
        if self.answer is not None:
            self.answer(bytes(message))


class Users:
    """All users, and one engine. Raises PantauError for a secret that cannot be read, or is too short."""

    def __init__(self, users: Sequence[TrapUser], before: "Users | None" = None) -> None:
        """Make them; who was met `before` stays as old as it was, or what was recorded of it would be news again."""
        self._known = {user.name.encode(): (user, *_keys(user)) for user in users}
        self._engine, self._mouth = SnmpEngine(), _Mouth()
        self._engine.register_transport_dispatcher(self._mouth)
        self._own = bytes(self._engine.snmpEngineID)
        self._met: set[tuple[bytes, bytes]] = set()
        self._clocks: dict[bytes, tuple[int, int]] = dict(list(before._clocks.items())[-REMEMBERED:]) if before else {}  # noqa: SLF001 - its own kind
        self._refused = 0
        self._found: list[Any] | None = None
        ntfrcv.NotificationReceiver(self._engine, self._notified)
        for name in self._known:
            self._meet(self._own, name)
        self.hear(_WHO_ARE_YOU, lambda _: None, 0.0)  # the first message costs the engine 20 ms, not the loop

    @property
    def is_worn(self) -> bool:
        """Whether it is time for a fresh one."""
        return self._refused + len(self._met) > WORN + len(self._known)

    def hear(self, data: bytes, answer: Answer, at: float) -> tuple[Fate, Oid | None, str]:
        """Take a message; return what became of it, and of a notification what it is about and the agent that it names."""
        try:
            header = read_header(data)
            fate = self._refusal(header, data)
            if fate is not None:
                return fate, None, ""
            found = self._understood(header, data, answer, at)
            what, agent = about([(tuple(name), plain(value)) for name, value in found]) if found else (None, "")
        except UNREADABLE:
            self._refused += 1
            return Fate.MALFORMED, None, ""
        if what is None:
            self._refused += 1
            return Fate.INTRODUCED if self._mouth.said and header.engine in {b"", self._own} else Fate.BAD_KEY, None, ""
        return Fate.LOOKED, what, agent

    def _refusal(self, header: Header, data: bytes) -> Fate | None:
        """Why a message is not even tried. Who sends informs asks first who we are, in nobody's name."""
        if not header.engine and not header.user:
            return None
        if header.user not in self._known:
            return Fate.UNKNOWN_USER
        user, auth, _ = self._known[header.user]
        if header.level != (3 if user.priv else 1 if user.auth else 0):
            return Fate.BAD_KEY
        if not auth:
            return None
        if not is_signed(header, data, user.auth_protocol, auth):
            return Fate.BAD_KEY
        return Fate.LATE if self._is_late(header) else None

    def _understood(self, header: Header, data: bytes, answer: Answer, at: float) -> list[Any] | None:
        """What the engine made of a message: the values of a notification, or nothing."""
        if header.user and header.engine:
            self._meet(header.engine, header.user)
        self._found, self._mouth.said, self._mouth.answer = None, False, answer
        self._mouth.handle_timer_tick(at)
        try:
            self._engine.message_dispatcher.receive_message(self._engine, udp.DOMAIN_NAME, ("", 0), data)
        finally:
            self._mouth.answer = None
        return self._found

    def _notified(self, _engine: object, _state: object, _context: object, _name: object, found: list[Any], _given: object) -> None:
        self._found = found

    def _meet(self, engine: bytes, name: bytes) -> None:
        """Derive a user's keys for an engine that was not met before."""
        if (engine, name) in self._met:
            return
        self._met.add((engine, name))
        user, auth, priv = self._known[name]
        config.add_v3_user(
            self._engine,
            user.name,
            authProtocol=AUTH[user.auth_protocol][0] if auth else config.USM_AUTH_NONE,
            authKey=auth or None,
            privProtocol=PRIV[user.priv_protocol] if priv else config.USM_PRIV_NONE,
            privKey=priv or None,
            securityEngineId=rfc1902.OctetString(engine),
            authKeyType=config.USM_KEY_TYPE_MASTER,
            privKeyType=config.USM_KEY_TYPE_MASTER,
        )

    def _is_late(self, header: Header) -> bool:
        """Tell whether a signed message is older than its engine's last (RFC 3414, 3.2, 7b)."""
        if header.engine == self._own:
            return False  # we tell the time there, and the engine looks
        said, now = self._clocks.get(header.engine, (0, 0)), (header.boots, header.time)
        self._clocks[header.engine] = max(said, now)
        return now < (said[0], said[1] - WINDOW)


def read_header(data: bytes) -> Header:
    """Read what stands in clear. Raises ValueError."""
    (_, _), (_, head), (_, security), _ = _items(ber.item(data, 0)[1], 4)
    (_, _), (_, _), (_, flags), (_, model) = _items(head, 4)
    (_, engine), (_, boots), (_, seconds), (_, user), (_, digest), _ = _items(ber.sole(security, ber.SEQUENCE), 6)
    if ber.read_integer(model) != _USM or len(flags) != 1 or len(engine) not in _ENGINE or len(user) > 32:
        raise ValueError("no message of a user")
    return Header(flags[0] & _LEVEL, engine, ber.read_integer(boots), ber.read_integer(seconds), user, digest)


def is_signed(header: Header, data: bytes, protocol: str, master: bytes) -> bool:
    """Tell whether the digest of a message is right (RFC 3414, 6.3.2)."""
    word, size = "sha1" if protocol == "sha" else protocol, DIGESTS[protocol]
    if len(header.digest) != size:
        return False
    key = hashlib.new(word, master + header.engine + master).digest()
    right = hmac.digest(key, data.replace(header.digest, bytes(size), 1), word)[:size]
    return hmac.compare_digest(header.digest, right)


def _items(data: bytes, count: int) -> list[tuple[int, bytes]]:
    found = list(ber.items(data))
    if len(found) < count:
        raise ValueError("too short")
    return found[:count]


def _keys(user: TrapUser) -> tuple[bytes, bytes]:
    """The master keys of a user."""
    words = [reveal(reference) for reference in (user.auth, user.priv)]
    if any(0 < len(word) < 8 for word in words):
        raise PantauError(f"user {user.name}: an SNMP passphrase has at least 8 characters")
    auth, priv = (derive(user.auth_protocol, word.encode()) if word else b"" for word in words)
    return auth, priv
