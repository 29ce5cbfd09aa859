"""When the chain of certificates ends that the peer was verified by.

Judged is the chain that was built and verified, not whatever certificates the server sent beside it (an expired cross
certificate that no path needs is no fault).
"""

import ssl
from typing import Any

from cryptography import x509


def chain_end(shaken: ssl.SSLObject) -> float | None:
    """Return the first end of the verified chain in epoch seconds; unverified: of the peer's own certificate; None without any."""
    ends = [end for end in map(_end, _verified_chain(shaken)) if end is not None]
    if ends:
        return min(ends)
    der = shaken.getpeercert(binary_form=True)  # with CERT_NONE only this form holds anything
    return _end_of_der(der) if der else None


def _verified_chain(shaken: ssl.SSLObject) -> list[Any]:
    """Public since Python 3.13 (DER); before, the same lies one layer below (certificates with `get_info`)."""
    if shaken.context.verify_mode == ssl.CERT_NONE:
        return []
    owner: Any = shaken if hasattr(shaken, "get_verified_chain") else shaken._sslobj  # type: ignore[attr-defined] # noqa: SLF001
    return list(owner.get_verified_chain() or ())


def _end(certificate: Any) -> float | None:  # noqa: ANN401 - bytes, or a type of `_ssl` that has no name
    if isinstance(certificate, bytes):
        return _end_of_der(certificate)
    text = certificate.get_info().get("notAfter")
    return float(ssl.cert_time_to_seconds(text)) if text else None


def _end_of_der(der: bytes) -> float | None:
    try:
        return x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp()
    except ValueError:
        return None
