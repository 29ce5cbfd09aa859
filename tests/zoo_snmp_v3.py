"""The zoo's inhabitants that speak version 3: how they err, and what a look at them must say."""

from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.core.verdict import Reason, Verdict
from monitor.probes import ber
from tests.agents_v3 import AUTH, NOT_IN_TIME, UNKNOWN_ENGINE, Asked, Self


@dataclass(frozen=True)
class Mammal:
    """A device of version 3 and what a look at it must find."""

    name: str
    who: Self = field(default_factory=Self)
    twist: Callable[[Asked, bytes], bytes | None] = lambda _, said: said
    options: dict[str, object] = field(default_factory=dict)
    verdict: Verdict = Verdict.OK
    reason: Reason | None = None
    timeout: float = 10.0
    fast: Verdict | None = None  # what the back end `fast` says, where it is another thing


def _forged(asked: Asked, said: bytes) -> bytes:
    """What a stranger on the way could send: all right but for the digest."""
    return said[:-1] + bytes((said[-1] ^ 1,)) if asked.engine and asked.question.names else said


def _hangs_on_bulk(asked: Asked, said: bytes) -> bytes | None:
    return None if asked.question.kind == 0xA5 else said


def _without_end(asked: Asked, said: bytes) -> bytes:
    """Nine thousand values for one that was asked: pysnmp would read them for half a second."""
    if not asked.engine:
        return said
    (_, version), (_, header), (_, parameters), (_, scoped) = ber.items(ber.sole(said, ber.SEQUENCE))
    engine, context, (kind, pdu) = ber.items(scoped)
    fields = b"".join(ber.tlv(tag, content) for tag, content in list(ber.items(pdu))[:3])
    pdu = ber.tlv(kind, fields + ber.tlv(ber.SEQUENCE, b"\x30\x05\x06\x01\x2b\x05\x00" * 9000))
    scoped = ber.tlv(ber.SEQUENCE, ber.tlv(*engine) + ber.tlv(*context) + pdu)
    head = ber.tlv(ber.INTEGER, version) + ber.tlv(ber.SEQUENCE, header) + ber.tlv(ber.OCTETS, parameters)
    return ber.tlv(ber.SEQUENCE, head + scoped)


def _other_number(asked: Asked, said: bytes) -> bytes:
    """The PDU's request id is not the one that was asked."""
    return said.replace(ber.integer(asked.question.number), ber.integer(asked.question.number ^ 1)) if asked.engine else said


def _erring(asked: Asked, said: bytes) -> bytes:
    """The values are there, and beside them genErr."""
    number = ber.integer(asked.question.number)
    return said.replace(number + ber.integer(0), number + ber.integer(5)) if asked.engine else said


PATIENCE = 8.0
"""Seconds for those that get no answer they can use: a fresh engine is made within, on a machine that may have much else to do."""
SHA: dict[str, object] = {"auth": AUTH}
UNSURE, FAIL, LIE, KEY = Verdict.UNSURE, Verdict.FAIL, Reason.SNMP_ERROR, Reason.SNMP_AUTH
MAMMALS = [
    Mammal("well, without a key"),
    Mammal("well, with SHA", options=SHA),
    Mammal("a wrong key", options={"auth": "x" * 8}, verdict=UNSURE, reason=KEY),
    Mammal("an unknown user", options={"user": "siapa"}, verdict=UNSURE, reason=KEY),
    Mammal("an unknown user with a key", options={**SHA, "user": "siapa"}, verdict=UNSURE, reason=KEY),
    Mammal("a passphrase that is too short", options={"auth": "x"}, verdict=UNSURE, reason=Reason.BAD_SECRET),
    Mammal("mute", twist=lambda *_: None, verdict=FAIL, reason=Reason.SNMP_TIMEOUT, timeout=PATIENCE),
    Mammal("an answer with a wrong digest", twist=_forged, options=SHA, verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("an answer without a digest", Self(signs=False), options=SHA, verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("another request id", twist=_other_number, verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("genErr, and values beside it", twist=_erring, options={"read": "system"}, verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("cut short", twist=lambda _, said: said[:-2], verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("values without end", twist=_without_end, verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("random bytes", twist=lambda asked, _: asked.raw[5:60], verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("FiberHome: negative engine time", Self(time=-5000), verdict=FAIL, reason=LIE, timeout=PATIENCE, fast=Verdict.OK),
    Mammal("for ever another engine", Self(blind=UNKNOWN_ENGINE), verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("never in time", Self(blind=NOT_IN_TIME), options=SHA, verdict=FAIL, reason=LIE, timeout=PATIENCE),
    Mammal("no GETBULK: it hangs", twist=_hangs_on_bulk, timeout=10),
]
