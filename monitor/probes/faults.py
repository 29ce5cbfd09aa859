"""From errors to reasons, and from reasons to verdicts: one table each.

A fault of ours is UNSURE and never evidence against a target. What no table knows is our own bug: `internal`.
Details name what the peer did, never a URL or header, which may hold a secret.
"""

import errno
import os
import ssl
import traceback
from collections.abc import Mapping

from pydantic import ValidationError

from monitor.core.errors import Exit, PantauError
from monitor.core.verdict import Reason, Verdict
from monitor.probes.misfit import misfit

OURS = frozenset(
    {
        Reason.NO_ROUTE,
        Reason.NO_DESCRIPTOR,
        Reason.NO_PERMISSION,
        Reason.OWN_RESOLVER,
        Reason.TOO_OFTEN,
        Reason.LOOP_LATE,
        Reason.OWN_CLOCK,
        Reason.LISTENING,
        Reason.BAD_SECRET,
        Reason.INTERNAL,
        Reason.SNMP_AUTH,
        Reason.DOMAIN_UNKNOWN,
    }
)
_VERDICTS = dict.fromkeys(OURS, Verdict.UNSURE) | {
    Reason.TLS_EXPIRES_SOON: Verdict.WARN,
    Reason.TLS_LEGACY: Verdict.WARN,
    Reason.DNS_KEPT: Verdict.WARN,
    Reason.DOMAIN_EXPIRES_SOON: Verdict.WARN,
    Reason.PACKET_LOSS: Verdict.WARN,
    Reason.NTP_OFFSET: Verdict.WARN,
    Reason.ON_BATTERY: Verdict.WARN,
    Reason.SNMP_MISSING: Verdict.WARN,
    Reason.RADIO_WEAK: Verdict.WARN,
    Reason.SLOW_ANSWER: Verdict.SLOW,
}
_ERRNOS = {
    errno.EMFILE: Reason.NO_DESCRIPTOR,
    errno.ENFILE: Reason.NO_DESCRIPTOR,
    errno.EPERM: Reason.NO_PERMISSION,
    errno.EACCES: Reason.NO_PERMISSION,
    errno.ECONNREFUSED: Reason.REFUSED,
    errno.ECONNRESET: Reason.RESET,
    errno.ECONNABORTED: Reason.RESET,
    errno.EPIPE: Reason.RESET,
    errno.ENETUNREACH: Reason.UNREACHABLE,
    errno.EHOSTUNREACH: Reason.UNREACHABLE,
    errno.ENETDOWN: Reason.NO_ROUTE,
    errno.EADDRNOTAVAIL: Reason.NO_ROUTE,
    errno.EAFNOSUPPORT: Reason.NO_ROUTE,
    errno.ETIMEDOUT: Reason.TIMEOUT,
}
_ON_THE_WAY = frozenset({errno.EACCES, errno.EPROTO, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EHOSTDOWN, errno.ENONET})
"""What Linux makes of the words of routers (RFC 792, 4443) besides that a network or host cannot be reached: EACCES of "prohibited"."""
# X509_verify_cert_error_string(3); what is not named here is `tls_untrusted`.
_VERIFY_CODES = {9: Reason.TLS_NOT_YET_VALID, 10: Reason.TLS_EXPIRED, 62: Reason.TLS_HOSTNAME, 64: Reason.TLS_HOSTNAME}
_PROTOCOL_WORDS = ("VERSION", "PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH", "UNKNOWN_PROTOCOL", "RECORD_LAYER")


class Fault(Exception):  # noqa: N818 - a fault is what the field calls it, and most are no error of ours
    """Why a look did not say OK, as the probe itself found it: a reason, a detail for people, and what was read so far."""

    def __init__(self, reason: Reason, detail: str = "", values: Mapping[str, object] | None = None) -> None:
        """Keep reason, detail and values."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.values = dict(values or {})


class RouterFault(Fault):
    """What a router on the way says of a packet; `passing` means only that it had gone as far as it was allowed to."""

    def __init__(self, router: str, words: str, *, passing: bool) -> None:
        """Keep who said it."""
        super().__init__(Reason.UNREACHABLE, f"{router} says: {words}")
        self.router = router
        self.passing = passing


class NoPingSocketsError(PantauError):
    """The kernel lets this user open no ping sockets here; the line says what to do about it."""

    def __init__(self) -> None:
        """Say the line."""
        super().__init__(
            "ICMP: the kernel lets this user open no ping sockets (nor raw ones: CAP_NET_RAW); "
            "as root: sysctl -w net.ipv4.ping_group_range='0 2147483647'",
            status=Exit.MISSING,
        )


def verdict_of(reason: Reason) -> Verdict:
    """Return the verdict that a reason has: UNSURE for what is ours, WARN or SLOW for what needs care, else FAIL."""
    return _VERDICTS.get(reason, Verdict.FAIL)


def fault_of(error: Exception) -> Fault:
    """Find the reason of any error that a probe may raise."""
    match error:
        case Fault():
            return error
        case NoPingSocketsError():
            return Fault(Reason.NO_PERMISSION, str(error))
        case ValidationError():
            return Fault(Reason.INTERNAL, wrong_keys(error))
        case PantauError():
            return Fault(Reason.BAD_SECRET, str(error))
        case ssl.SSLError():
            return _tls_fault(error)
        case OSError() if error.errno in _ERRNOS:
            return Fault(_ERRNOS[error.errno], os.strerror(error.errno).lower())
        case ConnectionError():
            return Fault(Reason.RESET, "the connection was closed")
        case _:
            return Fault(Reason.INTERNAL, _where(error))


def wrong_keys(error: ValidationError) -> str:
    """The keys that do not fit, in one line; never their values, which may be secrets."""
    return "; ".join(f"{'.'.join(map(str, fault['loc'][:1])) or 'keys'}: {misfit(fault)[0]}" for fault in error.errors()[:4])


def way_fault(error: OSError) -> Fault:
    """The reason of an error that came back after something was sent: a router or the peer said it, and no word of theirs is ours."""
    return Fault(Reason.UNREACHABLE, os.strerror(error.errno).lower()) if error.errno in _ON_THE_WAY else fault_of(error)


def local_fault(error: OSError) -> Fault:
    """The reason of an error that our own kernel gave at once, before anything was sent: no way there is ours to mend."""
    if error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return Fault(Reason.NO_ROUTE, f"no route from here: {os.strerror(error.errno).lower()}")
    if error.errno in {errno.EINVAL, errno.EACCES}:  # a route "blackhole", or "prohibit"
        return Fault(Reason.NO_ROUTE, "no route from here: our own kernel lets nothing go to this address")
    if error.errno == errno.EMSGSIZE:
        return Fault(Reason.NO_ROUTE, "larger than our own link takes")
    return fault_of(error)


def _tls_fault(error: ssl.SSLError) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Fault(_VERIFY_CODES.get(error.verify_code, Reason.TLS_UNTRUSTED), error.verify_message.lower())
    word = (error.reason or "").upper()
    reason = Reason.TLS_PROTOCOL if any(part in word for part in _PROTOCOL_WORDS) else Reason.TLS_HANDSHAKE
    return Fault(reason, word.replace("_", " ").lower() or "the peer ended the handshake")


def _where(error: Exception) -> str:
    """Kind and place of an unexpected error; its text may hold a secret and is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119 - a name in a text
    return f"{type(error).__name__}{place}; please report this"
