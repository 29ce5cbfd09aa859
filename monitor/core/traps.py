"""Traps: where they are listened for, who may send them, and the closed words for what became of each."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class TrapUser:
    """A user of SNMP version 3 whose traps are taken, at exactly the level of its keys; `auth` and `priv` are references."""

    name: str
    auth: str = ""
    auth_protocol: str = "sha"
    priv: str = ""
    priv_protocol: str = "aes"


@dataclass(frozen=True, slots=True)
class Traps:
    """Addresses to listen at (`A:P` or `[A6]:P`; none: traps are not heard), references to communities, and users."""

    listen: tuple[str, ...] = ()
    communities: tuple[str, ...] = ()
    users: tuple[TrapUser, ...] = ()


class Fate(StrEnum):
    """What became of a datagram."""

    LOOKED = "looked"
    IGNORED = "ignored"
    LIMITED = "limited"
    UNKNOWN_SOURCE = "unknown_source"
    BAD_COMMUNITY = "bad_community"
    UNKNOWN_USER = "unknown_user"
    BAD_KEY = "bad_key"
    LATE = "late"
    INTRODUCED = "introduced"
    MALFORMED = "malformed"
