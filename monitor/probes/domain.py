"""DOMAIN: when does the registration of a domain end, by the word of its registry (RDAP: RFC 9082, 9083).

By hand: `pantau probe domain pasuruankota.go.id`.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.domain_registry import IANA, Registries
from monitor.probes.faults import Fault
from monitor.probes.http_options import WebAddress, read_url
from monitor.probes.keys import Keys
from monitor.probes.vantage import Vantage

MOST_STATUSES, LONGEST = 16, 253
_ENDS = frozenset({"expiration", "registrar expiration"})
_LAPSED = frozenset({"redemptionperiod", "pendingdelete"})
"""What a registry says of a name that was not paid for and is about to be given to somebody else (RFC 8056, 2), its spaces left out: some
write it as EPP does."""
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")


def _https(text: str) -> str:
    if read_url(text).scheme != "https":
        raise ValueError("who is to be believed is asked by https://")
    return text


class DomainOptions(Keys):
    """Keys of a `domain` check.

    `warn_days` before the registration ends; `server`: where RDAP is spoken for this name (`https://rdap.pandi.id/rdap/`), if not where the
    list of IANA says; `bootstrap`: where that list is read, if not at IANA.
    """

    warn_days: float = Field(30, ge=0, le=1000)
    server: WebAddress = ""
    bootstrap: Annotated[str, AfterValidator(_https)] = IANA


SECRETS: frozenset[str] = frozenset()


async def probe(target: str, options: DomainOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Ask the registry of the domain and judge when it ends; whatever keeps us from knowing is no fault of the domain."""
    try:
        name = ldh(target)
    except ValueError as error:
        raise Fault(Reason.INTERNAL, f"the target {error}") from None
    start = time.monotonic()
    registries = vantage.share(Registries)
    attempt.late, attempt.doing = Reason.DOMAIN_UNKNOWN, "the list of registries"
    server = options.server or await registries.server_of(name, options.bootstrap, attempt)
    attempt.doing = "the registry"
    said = await registries.ask(server, name, attempt)
    attempt.values["registry"] = server
    judge(said, name, options.warn_days, attempt.values, time.time())
    return Outcome(Verdict.OK, seconds=time.monotonic() - start, phases=attempt.phases, values=attempt.values)


def ldh(text: str) -> str:
    """Return a domain as DNS writes it, of a name or a URL. Raises ValueError that says what is wrong."""
    name = (read_url(text).raw_host or "").rstrip(".").lower()
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise ValueError("is no name that could be registered")
    return name


def judge(said: object, name: str, warn_days: float, values: dict[str, object], now: float) -> None:
    """Raise Fault unless the registration lasts; what was said of it goes into the values."""
    if not isinstance(said, dict) or not _is_of(said, name):
        raise Fault(Reason.DOMAIN_UNKNOWN, f"what the registry says is not of {name}")
    statuses = list(_texts(said.get("status")))
    end = min(_ends(said.get("events")), default=None)
    shown = [text[:40] for text in statuses[:MOST_STATUSES]]
    values.update({"domain_status": shown} if shown else {}, **({"domain_end": int(end)} if end is not None else {}))
    if lapsed := [text for text in statuses if text.replace(" ", "") in _LAPSED]:
        raise Fault(Reason.DOMAIN_EXPIRED, f"the registry says: {', '.join(sorted(set(lapsed)))}")
    if end is None:
        raise Fault(Reason.DOMAIN_UNKNOWN, "the registry does not say when the registration ends")
    days = (end - now) / 86400.0
    if days <= 0:
        raise Fault(Reason.DOMAIN_EXPIRED, f"the registration ended {-days:.1f} days ago")
    if days < warn_days:
        raise Fault(Reason.DOMAIN_EXPIRES_SOON, f"the registration ends in {days:.1f} days")


def _is_of(said: Mapping[str, object], name: str) -> bool:
    """Tell whether an answer is of the very name that was asked for: a registry may answer for what is above it."""
    for key in ("ldhName", "unicodeName"):
        if (text := said.get(key)) and isinstance(text, str):
            try:
                return ldh(text) == name
            except ValueError:
                return False
    return False


def _texts(found: object) -> Iterator[str]:
    """The texts of a list, as they are compared."""
    yield from (each.strip().lower() for each in (found if isinstance(found, list) else ()) if isinstance(each, str))


def _ends(events: object) -> Iterable[float]:
    """Yield when the registration ends, in epoch seconds; with the registry and with the registrar it may be at two times."""
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, dict) or not _ENDS.intersection(_texts([event.get("eventAction")])):
            continue
        try:
            when = datetime.fromisoformat(str(event.get("eventDate")).strip().upper())
        except ValueError:
            continue
        yield (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
