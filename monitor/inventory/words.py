"""The words that values of the inventory are made of: ids, durations, addresses, lists. Each says in a line what is wrong."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, ip_address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema

from monitor.probes.keys import DURATION_SCHEMA, Duration
from monitor.secret import CLEAR, is_reference

_EVERYBODY = IPv4Address("255.255.255.255")
_DATE = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")
_PAGE = re.compile(r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?\Z", re.IGNORECASE)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


def listed(value: object) -> object:
    """Return a list for what may be written as one value or a list."""
    return value if isinstance(value, (list, tuple)) or value is None else [value]


def _address(text: str) -> str:
    try:
        found = ip_address(text)
    except ValueError:
        network = " (without /)" if "/" in text else ""
        raise ValueError(f"is not an IP address: write it as 10.0.0.1 or fd00::1{network}") from None
    if found.is_unspecified or found.is_multicast or found == _EVERYBODY:
        raise ValueError("is nobody's own address: it stands for none, for several or for all")
    return str(found)


def _date(text: str) -> str:
    if not _DATE.match(text):
        raise ValueError('is not a date: write it as "2026-12-31"')
    return text


def _page(text: str) -> str:
    if not _PAGE.match(text):
        raise ValueError("is no address of a page: write it as https://pantau.example, with nothing after the host")
    return text.rstrip("/").lower()


def _id(text: str) -> str:
    if not _ID.match(text):
        raise ValueError("an id has small letters, digits and hyphens, at most 63")
    return text


def _secret(text: str) -> str:
    if not is_reference(text):
        raise ValueError(CLEAR)
    return text


def _listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        address = None
    if address is None or host.startswith("[") is not (address.version == 6) or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError("is no address to listen at: write it as 0.0.0.0:162 or [::]:162")
    return text


def _place(value: object) -> object:
    if not (isinstance(value, (list, tuple)) and len(value) == 2):
        raise ValueError("must be two numbers: [latitude, longitude]")
    return value


def _several(item: Mapping[str, object]) -> dict[str, object]:
    return {"anyOf": [item, {"type": "array", "items": item}]}


_TEXT: Mapping[str, object] = {"type": "string", "minLength": 1, "maxLength": 200}


def _lasting(least: float, most: float) -> AfterValidator:
    """Refuse a duration outside of these seconds, with their unit."""

    def judge(value: float) -> float:
        if not least <= value <= most:
            raise ValueError(f"must be at least {least:g}s" if value < least else f"must be at most {most:g}s")
        return value

    return AfterValidator(judge)


Text = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[str, AfterValidator(_id), WithJsonSchema({"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"})]
Words = Annotated[tuple[Text, ...], BeforeValidator(listed), WithJsonSchema(_several(_TEXT))]
Interval = Annotated[Duration, _lasting(1, 86400), WithJsonSchema(DURATION_SCHEMA)]
Timeout = Annotated[Duration, _lasting(0.05, 300), WithJsonSchema(DURATION_SCHEMA)]
Span = Annotated[Duration, _lasting(0, 30 * 86400), WithJsonSchema(DURATION_SCHEMA)]
Address = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(listed), WithJsonSchema(_several({"type": "string"}))]
Secret = Annotated[str, AfterValidator(_secret), WithJsonSchema({"type": "string"})]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(listed), WithJsonSchema(_several({"type": "string"}))]
Listen = Annotated[str, AfterValidator(_listen), WithJsonSchema({"type": "string"})]
Listens = Annotated[tuple[Listen, ...], BeforeValidator(listed), Field(min_length=1), WithJsonSchema(_several({"type": "string"}))]
PageAddress = Annotated[str, AfterValidator(_page), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})]
Date = Annotated[str, AfterValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Degrees = Annotated[float, Strict(), Field(ge=-180, le=180)]
Place = Annotated[
    tuple[Degrees, Degrees],
    BeforeValidator(_place),
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
]
Number = Annotated[float, Strict()]
Odds = Annotated[float, Strict(), Field(ge=1, le=1e6)]
Outages = Annotated[float, Strict(), Field(gt=0, le=1000)]
Cap = Annotated[Duration, Field(ge=10, le=86400), WithJsonSchema(DURATION_SCHEMA)]
Switch = Annotated[bool, Strict()]
