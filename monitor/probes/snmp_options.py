"""The keys of an `snmp` check."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from monitor.probes.ber import Oid
from monitor.probes.keys import Keys

GROUPS = ("system", "interfaces", "ups", "radio", "health", "lldp")
MAX_READ = 32
_OID = re.compile(r"\.?([01]\.([0-9]|[1-3][0-9])|2\.[0-9]{1,10})(\.[0-9]{1,10}){0,126}\Z", re.ASCII)
_LARGEST = 2**32 - 1


def _several(given: object) -> object:
    return [word.strip() for word in given.split(",")] if isinstance(given, str) else given


def _written(given: object) -> object:
    """`version=3` on the command line is a number."""
    return str(given) if isinstance(given, int) else given


def _readable(given: tuple[str, ...]) -> tuple[str, ...]:
    for word in given:
        if word not in GROUPS and not (_OID.match(word) and max(oid_of(word)) <= _LARGEST):
            raise ValueError(f"{word!r} is neither one of {', '.join(GROUPS)} nor a numeric OID")
    return given


def oid_of(word: str) -> Oid:
    """Return an OID that is written with dots, as numbers."""
    return tuple(int(part) for part in word.strip(".").split("."))


Read = Annotated[
    tuple[str, ...],
    BeforeValidator(_several, json_schema_input_type=str | list[str]),
    Field(min_length=1, max_length=MAX_READ),
    AfterValidator(_readable),
]


class SnmpOptions(Keys):
    """Keys of an `snmp` check.

    `version` 1, 2c or 3 (default: 2c, and 1 where that stays silent); `community`, or `user` with `auth` and `priv`
    (passphrases) and their protocols; `read`: system, interfaces, ups, radio, health, lldp or numeric OIDs; at most
    `max_interfaces` are kept; a radio link below `min_signal` dBm, or `min_quality` percent, is WARN; `backend` if not
    that of the city: `fast` (gufo_snmp), `pysnmp`, or `auto`, which is `fast` where it is installed.
    """

    port: int = Field(161, ge=1, le=65535)
    version: Annotated[Literal["", "1", "2c", "3"], BeforeValidator(_written)] = ""
    community: str = "public"
    user: str = ""
    auth: str = ""
    auth_protocol: Literal["md5", "sha", "sha224", "sha256", "sha384", "sha512"] = "sha"
    priv: str = ""
    priv_protocol: Literal["des", "aes", "aes192", "aes256"] = "aes"
    read: Read = ("system", "interfaces")
    max_interfaces: int = Field(64, ge=1, le=4096)
    min_signal: float = Field(-80, ge=-120, le=0)
    min_quality: float = Field(0, ge=0, le=100)
    backend: Literal["", "auto", "pysnmp", "fast"] = ""

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The groups of `read`, in their order."""
        return tuple(word for word in self.read if word in GROUPS)

    @cached_property
    def oids(self) -> Mapping[str, Oid]:
        """The single values of `read`, by the OID as it was written."""
        return {word: oid_of(word) for word in self.read if word not in GROUPS}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.version == "3" and not self.user:
            raise ValueError("version 3 needs a user")
        if self.user and self.version in {"1", "2c"}:
            raise ValueError(f"version {self.version} knows no user; leave out user, or say version 3")
        if self.priv and not self.auth:
            raise ValueError("priv needs auth")
        if self.auth and not self.user:
            raise ValueError("auth needs a user")
        return self
