"""The back end `fast` for version 3 (RFC 3414): gufo_snmp reads and writes, the network and every check stay ours.

An answer counts when its digest is right, which gufo does not check. A report, silence or anything odd hands the rest of the look to
pysnmp, which knows the reason.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from monitor.probes import ber, snmp_message
from monitor.probes.attempt import Attempt
from monitor.probes.ber import Oid
from monitor.probes.faults import Fault
from monitor.probes.snmp_agent import Agent, TooBigError, at_once, fits
from monitor.probes.snmp_codec import Codec, Codecs
from monitor.probes.snmp_engine import Engines, message_number
from monitor.probes.snmp_line import Line, Lines
from monitor.probes.snmp_memory import SILENT
from monitor.probes.snmp_message import TOO_BIG, Kind, Rows
from monitor.probes.snmp_options import SnmpOptions
from monitor.probes.vantage import Vantage
from monitor.secret import reveal

DIGESTS = {"md5": 12, "sha": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}
"""Bytes of a digest (RFC 3414, RFC 7860)."""
FRESH = 100.0
"""Seconds for which the agent's clock, as last heard, is near enough (RFC 3414: 150)."""
MAX_ENGINE = 32
_SIGNED = 1


class Codec3(Codec):
    """A codec for one agent of version 3, which it must meet before it can ask.

    `used` is when it last heard the agent's clock, `boots` how often the agent started, in wire form; empty where nothing is signed.
    `clear` says of the last answer that was authentic whether it can be read without a key.
    """

    def __init__(self, options: SnmpOptions, auth: bytes, priv: bytes) -> None:
        from gufo.snmp._fast import SnmpV3ClientSocket  # noqa: PLC0415 - an extra: only where it is there

        super().__init__(lambda near: SnmpV3ClientSocket(near, b"", "", 0, b"", 0, b"", 0, 0, 0, 0))
        self.used = time.monotonic()
        self._user = _user(options, auth, priv)
        self._auth = auth
        self._hash = "sha1" if options.auth_protocol == "sha" else options.auth_protocol
        self._size = DIGESTS[options.auth_protocol]
        self._signing: hmac.HMAC | None = None
        self.boots = b""
        self.clear = True

    def meet(self, data: bytes) -> bool:
        """Take the agent's engine from its first answer, and make the keys for it."""
        if self.hears(data, lambda: (self.gufo.recv_refresh(),)) is None:
            return False
        engine, user = self.gufo.get_engine_id(), self._user
        if not 0 < len(engine) <= MAX_ENGINE:
            return False
        if self._auth:
            key = hashlib.new(self._hash, self._auth + engine + self._auth).digest()
            self._signing = hmac.new(key, digestmod=self._hash)
        self.gufo.set_keys(user.name, user.get_auth_alg(), user.get_auth_key(), user.get_priv_alg(), user.get_priv_key())
        return True

    def agree(self, data: bytes) -> bool:
        """Take the agent's clock from an answer that is signed."""
        return self.authentic(data) and self.hears(data, lambda: (self.gufo.recv_refresh(),)) is not None

    def authentic(self, data: bytes) -> bool:
        """Tell whether the digest of a message is right (RFC 3414, 6.3.2); without a key there is none to be."""
        if self._signing is None:
            return not self._auth
        try:
            _, (_, header), (_, parameters), (scoped, _) = ber.first(ber.item(data, 0)[1], 4)
            _, _, (_, flags) = ber.first(header, 3)
            _, (_, boots), _, _, (_, digest) = ber.first(ber.item(parameters, 0)[1], 5)
        except ValueError:
            return False
        if len(digest) != self._size or len(flags) != 1 or not flags[0] & _SIGNED:
            return False
        signing = self._signing.copy()  # the key is in it already
        signing.update(data.replace(digest, bytes(self._size), 1))
        if not hmac.compare_digest(digest, signing.digest()[: self._size]):
            return False
        self.boots, self.clear = boots, scoped != ber.OCTETS
        return True


class FastUser:
    """An agent of version 3 asked by gufo; `slow` asks wherever that is in doubt."""

    def __init__(self, options: SnmpOptions, slow: Agent, vantage: Vantage, attempt: Attempt) -> None:
        self.memory = slow.memory
        self._options, self._slow, self._attempt = options, slow, attempt
        self._engines, self._codecs, self._lines = vantage.share(Engines), vantage.share(Codecs), vantage.share(Lines)
        self._way: tuple[str, int] = ("", 0)
        self._codec: Codec3 | None = None
        self._good = self._over = self._slow_open = False
        self._owed = False
        self._heard: asyncio.Future[bytes | None] | None = None
        self._line: Line | None = None

    async def open(self, address: str, port: int) -> None:
        """Connect to the agent. Raises Fault `no_route` where the kernel knows no way, `bad_secret`."""
        self._way = address, port
        options, engines = self._options, self._engines
        auth, priv = reveal(options.auth), reveal(options.priv)
        self._keys = [await engines.key(options.auth_protocol, word) if word else b"" for word in (auth, priv)]
        self._whom = (address, port, options.user, options.auth_protocol, options.priv_protocol, *self._keys)
        self._line = self._lines.open(address, port)
        self._line.use(self._hear, self._fail)

    def close(self) -> None:
        """Close the sockets; a codec that knows its agent is kept for the next look."""
        if self._line is not None:
            self._line.rest()
            if self._owed:
                self._line.close()
            else:
                self._lines.give(self._way, self._line)
        if self._codec is not None:
            self._codecs.give(self._whom, self._codec)
        if self._slow_open:
            self._slow.close()

    async def request(self, kind: Kind, oids: Sequence[Oid], repetitions: int = 0) -> Rows:
        """Ask once by gufo, and again by pysnmp where its answer is in doubt. Raises Fault, TooBigError."""
        again = max(0.1, self._attempt.timeout / (8 if kind == "bulk" else 5))
        if self._codec is None and not self._over:
            self._codec = await self._meet(again)
            self._over = self._codec is None
        rows = await self._ask(self._codec, kind, oids, repetitions, again) if self._codec is not None else None
        if rows is not None:
            return rows
        if not self._slow_open:
            self._slow_open = True
            await self._slow.open(*self._way)
        return await self._slow.request(kind, oids, repetitions)

    async def _ask(self, codec: Codec3, kind: Kind, oids: Sequence[Oid], repetitions: int, again: float) -> Rows | None:
        """Ask by gufo. Raises TooBigError where an agent that answers is silent on a large question."""
        question = codec.encode(kind, oids, repetitions)
        if question is None:
            return None
        data = await self._exchange(question, again)
        if data is None and kind == "bulk" and self._good:
            raise TooBigError(SILENT)
        if data is None or not codec.authentic(data):
            self._over = True
            self._drop()
            return None
        codec.used = time.monotonic()
        if codec.boots:
            self.memory.recognise("boots", codec.boots)
        rows = codec.decode(kind, oids, data)
        if codec.clear and (rows is None or kind == "get" or _refuses(data)):
            rows = in_clear(question, data, kind, oids, repetitions)
        self._good = self._good or rows is not None
        if rows is not None:
            self.memory.answered(at_once(kind, repetitions), len(rows), len(data))
        return rows

    async def _meet(self, again: float) -> "Codec3 | None":
        """A codec that knows the agent's engine and clock: from the look before, or by asking (RFC 3414, 4)."""
        kept = self._codecs.take(self._whom)
        if isinstance(kept, Codec3):
            if time.monotonic() - kept.used < FRESH:
                return kept
            kept.close()
        codec = Codec3(self._options, *self._keys)
        with ExitStack() as failing:
            failing.callback(codec.close)
            for learn in (codec.meet, codec.agree)[: 2 if self._options.auth else 1]:
                hello = codec.said(codec.gufo.send_refresh)
                data = await self._exchange(hello, again) if hello is not None else None
                if data is None or not learn(data):
                    return None
            self.memory.recognise("engine", codec.gufo.get_engine_id())
            failing.pop_all()
        return codec

    def _drop(self) -> None:
        if self._codec is not None:
            self._codec.close()
            self._codec = None

    async def _exchange(self, question: bytes, again: float) -> bytes | None:
        """Send, twice if need be, and return the first thing that comes back to this question; None when nothing does in time."""
        loop = asyncio.get_running_loop()
        self._number = message_number(question)
        data: bytes | None = None
        self._owed = True
        for _ in range(2):
            heard: asyncio.Future[bytes | None] = loop.create_future()
            self._heard = heard
            timer = loop.call_later(again, self._settle, None)
            if self._line is not None:
                self._line.send(question)
            try:
                data = await heard
            finally:
                timer.cancel()
            if data is not None:
                break
            self.memory.silent(again)
            if self._line is not None:
                self._line.look_round()
        return data

    def _hear(self, data: bytes) -> None:
        with suppress(ValueError):
            if message_number(data) == self._number:
                self._owed = False
                self._settle(data)

    def _fail(self, _: Fault) -> None:
        """Nobody listens: the slow one will find it so, and say it."""
        self._settle(None)

    def _settle(self, data: bytes | None) -> None:
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(data)


def in_clear(question: bytes, data: bytes, kind: Kind, oids: Sequence[Oid], repetitions: int) -> Rows | None:
    """Return what gufo left in doubt, mostly the end of all that an agent has, or reads too freely: single values. Raises TooBigError.

    It takes numbers that are too long, types that there are not, and values that stand beside an error.
    """
    try:
        asked, came = _scoped(question), _scoped(data)
        if asked is None or came is None:
            return None
        (_, number), *_ = ber.items(asked[1])
        found = snmp_message.response("3", *came, len(data))
    except ValueError:
        return None
    same = found.number == ber.read_integer(number)
    if same and found.status == TOO_BIG:
        raise TooBigError
    right = same and found.status == 0 and fits(kind, oids, repetitions, found.rows)
    return found.rows if right else None


def _refuses(data: bytes) -> bool:
    """Whether an answer that is not encrypted carries an error."""
    with suppress(ValueError):
        pdu = _scoped(data)
        return pdu is not None and snmp_message.refuses(pdu[1])
    return False


def _scoped(message: bytes) -> tuple[int, bytes] | None:
    """Kind and content of the PDU in a message of version 3 (RFC 3412, 6); None where it is encrypted. Raises ValueError."""
    for _, content in ber.items(message):
        *_, (tag, scoped) = ber.items(content)
        if tag == ber.SEQUENCE:
            *_, pdu = ber.items(scoped)
            return pdu
        break
    return None


def _user(options: SnmpOptions, auth: bytes, priv: bytes) -> Any:  # noqa: ANN401 - gufo's
    """The user as gufo has it, with keys from which those for the agent's engine are made."""
    from gufo.snmp import user as gufo  # noqa: PLC0415 - an extra: only where it is there

    signing = {"md5": gufo.Md5Key, "sha": gufo.Sha1Key, "sha224": gufo.Sha224Key, "sha256": gufo.Sha256Key}
    signing |= {"sha384": gufo.Sha384Key, "sha512": gufo.Sha512Key}
    hiding = {"des": gufo.DesKey, "aes": gufo.Aes128Key, "aes192": gufo.Aes192Key, "aes256": gufo.Aes256Key}
    return gufo.User(
        options.user,
        auth_key=signing[options.auth_protocol](auth, gufo.KeyType.Master) if auth else None,
        priv_key=hiding[options.priv_protocol](priv, gufo.KeyType.Master) if priv else None,
        key_expansion=gufo.KeyExpansion.Cisco,  # as pysnmp's usmAesCfb256Protocol
    )
