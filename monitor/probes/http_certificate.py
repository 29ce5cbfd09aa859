"""When the chain of certificates ends that the peer was verified by.

Judged is the chain that was built and verified, not whatever certificates the server sent beside it (an expired cross
certificate that no path needs is no fault).
"""

import ssl
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

MOST_SENT = 10
_DER = 2
"""`_ssl.ENCODING_DER`, for Python before 3.13, where a certificate of a chain is no bytes."""


def chain_end(shaken: ssl.SSLObject) -> float | None:
    """Return the first end of the verified chain in epoch seconds; unverified: of the peer's own certificate; None without any."""
    ends = [end for end in map(_end, _verified_chain(shaken)) if end is not None]
    if ends:
        return min(ends)
    der = shaken.getpeercert(binary_form=True)  # with CERT_NONE only this form holds anything
    return _end_of_der(der) if der else None


def missing_issuer(shaken: ssl.SSLObject) -> str:
    """Say which certificate would have to be sent or trusted for the chain to hold; empty when the peer sent none that can be read."""
    owner: Any = shaken if hasattr(shaken, "get_unverified_chain") else shaken._sslobj  # type: ignore[attr-defined] # noqa: SLF001
    sent = [_certificate(each) for each in (owner.get_unverified_chain() or ())[:MOST_SENT]]
    known = {each.subject: each for each in sent if each is not None}
    last = sent[0] if sent else None
    for _ in sent:
        if last is None or last.issuer == last.subject:
            break
        if last.issuer not in known:
            return f"the next of its chain, the certificate of {_name(last.issuer)!r}, was not sent and is not known here"
        last = known[last.issuer]
    return f"{_name(last.subject)!r} signed itself, and is not trusted here" if last is not None and last.issuer == last.subject else ""


def chain_names(shaken: ssl.SSLObject) -> tuple[str, list[str]]:
    """Return how far the chain holds, and of whom its certificates are, the peer's first."""
    owner: Any = shaken if hasattr(shaken, "get_unverified_chain") else shaken._sslobj  # type: ignore[attr-defined] # noqa: SLF001
    verified = _verified_chain(shaken)
    names = [_name(each.subject) for each in map(_certificate, (verified or owner.get_unverified_chain() or ())[:MOST_SENT]) if each]
    return ("verified chain" if verified else "chain as it was sent, not verified"), names


def _certificate(each: Any) -> x509.Certificate | None:  # noqa: ANN401 - as below
    try:
        return x509.load_der_x509_certificate(each if isinstance(each, bytes) else each.public_bytes(_DER))
    except ValueError:
        return None


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME) or list(name)
    return str(common[0].value)[:60] if common else "nobody"


def _verified_chain(shaken: ssl.SSLObject) -> list[Any]:
    """Public since Python 3.13 (DER); before, the same lies one layer below (certificates with `get_info`)."""
    if shaken.context.verify_mode == ssl.CERT_NONE:
        return []
    owner: Any = shaken if hasattr(shaken, "get_verified_chain") else shaken._sslobj  # type: ignore[attr-defined] # noqa: SLF001
    return list(owner.get_verified_chain() or ())


@lru_cache(maxsize=1024)
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
