"""What one look may say: a verdict, a reason, what was measured (when that makes DOWN: `core/belief.py: is_down`).

OK, SLOW and WARN speak for the target, FAIL against it; UNSURE is a fault of ours and never evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """The five things one probe may say (design: what one probe may say)."""

    OK = "OK"
    SLOW = "SLOW"
    WARN = "WARN"
    FAIL = "FAIL"
    UNSURE = "UNSURE"


ANSWERED = frozenset({Verdict.OK, Verdict.SLOW, Verdict.WARN})


class Reason(StrEnum):
    """Why a look did not say OK; the list is closed, so that rules and texts may rely on it."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    DNS_NXDOMAIN = "dns_nxdomain"
    DNS_SERVFAIL = "dns_servfail"
    DNS_TIMEOUT = "dns_timeout"
    DNS_NO_ANSWER = "dns_no_answer"
    DNS_WRONG_ANSWER = "dns_wrong_answer"
    DNS_KEPT = "dns_kept"
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_HOSTNAME = "tls_hostname"
    TLS_PROTOCOL = "tls_protocol"
    TLS_HANDSHAKE = "tls_handshake"
    TLS_TIMEOUT = "tls_timeout"
    TLS_EXPIRES_SOON = "tls_expires_soon"
    TLS_LEGACY = "tls_legacy"
    HTTP_STATUS = "http_status"
    HTTP_PROTOCOL = "http_protocol"
    HTTP_TIMEOUT = "http_timeout"
    BODY_INCOMPLETE = "body_incomplete"
    BODY_TOO_LARGE = "body_too_large"
    HEADER_TOO_LARGE = "header_too_large"
    DECODE_ERROR = "decode_error"
    REDIRECT_LOOP = "redirect_loop"
    REDIRECT_INVALID = "redirect_invalid"
    REDIRECT_FOREIGN = "redirect_foreign"
    REDIRECT_INSECURE = "redirect_insecure"
    REDIRECT_PRIVATE = "redirect_private"
    KEYWORD_MISSING = "keyword_missing"
    KEYWORD_FORBIDDEN = "keyword_forbidden"
    DEFACED = "defaced"
    JSON_MISMATCH = "json_mismatch"
    HEADER_MISMATCH = "header_mismatch"
    STALE_DATA = "stale_data"
    LOGIN_REFUSED = "login_refused"
    SNMP_AUTH = "snmp_auth"
    SNMP_TIMEOUT = "snmp_timeout"
    SNMP_ERROR = "snmp_error"
    SNMP_MISSING = "snmp_missing"
    NTP_OFFSET = "ntp_offset"
    NTP_UNSYNCHRONISED = "ntp_unsynchronised"
    NTP_DENIED = "ntp_denied"
    ON_BATTERY = "on_battery"
    RADIO_WEAK = "radio_weak"
    PACKET_LOSS = "packet_loss"
    SLOW_ANSWER = "slow_answer"
    PORT_DOWN = "port_down"
    PUSH_MISSING = "push_missing"
    PUSH_DOWN = "push_down"
    DOMAIN_EXPIRED = "domain_expired"
    DOMAIN_EXPIRES_SOON = "domain_expires_soon"
    # Faults of ours: only ever with UNSURE.
    NO_ROUTE = "no_route"
    NO_DESCRIPTOR = "no_descriptor"
    NO_PERMISSION = "no_permission"
    OWN_RESOLVER = "own_resolver"
    TOO_OFTEN = "too_often"
    LOOP_LATE = "loop_late"
    OWN_CLOCK = "own_clock"
    LISTENING = "listening"
    DOMAIN_UNKNOWN = "domain_unknown"
    BAD_SECRET = "bad_secret"  # noqa: S105 - a reason, not a secret
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one look found: verdict, reason, and numbers.

    `seconds` is the round trip or the whole exchange; `phases` its parts in seconds by name; `values` whatever else
    was read (numbers, short texts), bounded by the probe that read it.
    """

    verdict: Verdict
    reason: Reason | None = None
    detail: str = ""
    seconds: float | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
