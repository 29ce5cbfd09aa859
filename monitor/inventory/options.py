"""Judges the options of checks and receivers: by the types of their probe or channel, their times, and that no secret stands there."""

import re
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from alerts.channels import CHANNELS
from monitor.inventory.checks import Wanted
from monitor.inventory.draft import Draft
from monitor.inventory.fitting import explain
from monitor.inventory.problems import nearest
from monitor.inventory.resolve import addressed, all_checks
from monitor.inventory.tree import Path, at, leaves, way_to
from monitor.probes import PROBES
from monitor.probes.keys import Keys
from monitor.secret import CLEAR, is_reference

_PASSWORD_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]+@", re.IGNORECASE)


def judge_options(draft: Draft) -> None:
    """Say what is wrong with the options of every check and receiver."""
    seen: set[str] = set()
    for each in all_checks(draft):
        if each.check.id in seen:
            draft.say(each.path, f"a second {each.check.kind} check: give it an id:")
        seen.add(each.check.id)
        _times(draft, each)
        _check(draft, each)
        if each.check.kind == "domain" and each.check.node not in draft.file.apps:  # whose other checks vouch for nobody
            draft.say((*each.path, "kind"), "a domain belongs to an application: that its registry answers says nothing of a site")
    _undecided(draft)
    _unaimed(draft)
    _tokens(draft)
    for receiver in draft.file.receivers:
        _receiver(draft, receiver)
    for path, leaf in leaves(draft.tree):
        if isinstance(leaf.value, str) and _PASSWORD_IN_URL.match(leaf.value):
            draft.say(path, f"a password in a URL is {CLEAR}")


def _times(draft: Draft, each: Wanted) -> None:
    check = each.check
    if check.timeout <= check.interval:
        return
    around: tuple[Path, ...] = (each.path, ("defaults", check.kind), ("classes", check.grade.value))
    path = next(((*one, key) for one in around for key in ("timeout", "interval") if at(draft.tree, (*one, key))), each.path)
    draft.say(path, f"the time-out of {check.timeout:g} s is longer than the interval of {check.interval:g} s")


def _check(draft: Draft, each: Wanted) -> None:
    kind = PROBES[each.check.kind]
    _secrets(draft, each.options, kind.secrets, each.check.options)
    keys = _judge(draft, kind.options, each.check.options, each.options, f"{each.check.kind} check")
    if isinstance(keys, Keys) and (misfit := keys.misfit(each.check.timeout)):
        key, why = misfit
        draft.say(next(((*path, key) for path in each.options if at(draft.tree, (*path, key))), each.path), why)


def _undecided(draft: Draft) -> None:
    looked_at = {each.check.node for each in all_checks(draft)}
    for node, (path, _) in draft.nodes.items():
        if node not in looked_at:
            draft.say((*path, "icmp"), "nothing is left to look at: say snmp: true or name checks:")


def _unaimed(draft: Draft) -> None:
    """Say of which nodes the address is missing: only who calls us needs none."""
    aimless = {each.check.node for each in all_checks(draft) if not each.check.target and each.check.kind != "push"}
    for node, (path, _) in draft.nodes.items():
        if node in aimless and not at(draft.tree, (*path, "address")):
            draft.say((*path, "address"), "is missing", at_key=True)


def _tokens(draft: Draft) -> None:
    """A token is one caller's: a call with it must not speak for another."""
    seen: dict[str, Wanted] = {}
    for each in all_checks(draft):
        token = each.check.options.get("token")
        if each.check.kind != "push" or not isinstance(token, str) or not is_reference(token):
            continue
        first = seen.setdefault(token, each)
        if first is not each:
            place = way_to(draft.tree, each.options, "token")
            draft.say(place, f"{token} is the token of {first.check.id} too, at {first.check.where}: each caller needs its own")


def _receiver(draft: Draft, receiver: str) -> None:
    part, path = draft.file.receivers[receiver], ("receivers", receiver)
    channel = CHANNELS.get(part.channel)
    if channel is None:
        draft.say(
            (*path, "channel"), f"there is no channel {part.channel!r}; there are {', '.join(CHANNELS)}", nearest(part.channel, CHANNELS)
        )
        return
    options = addressed(draft, receiver)
    if _without_contact(draft, receiver, options):
        return
    _secrets(draft, (path,), channel.secrets, options)
    _judge(draft, channel.options, options, (path,), f"{part.channel} receiver")


def _without_contact(draft: Draft, receiver: str, options: Mapping[str, object]) -> bool:
    """Say which people cannot be reached by the receiver's channel, and whether there are any."""
    to, channel = options.get("to"), draft.file.receivers[receiver].channel
    without = [word for word in to if isinstance(word, str) and word in draft.file.people] if isinstance(to, list) else []
    for person in without:
        draft.say(("receivers", receiver, "to"), f"{person} has no {channel} in contacts:")
    return bool(without)


def _judge(draft: Draft, shape: type[BaseModel], options: Mapping[str, object], places: tuple[Path, ...], what: str) -> BaseModel | None:
    """Validate options and return them read; each misfit is told where its key stands: with the node, or among the defaults."""
    try:
        return shape.model_validate(dict(options))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            key = fault["loc"][:1]
            above = next((path for path in places if key and at(draft.tree, (*path, *key))), places[0])
            if fault["type"] == "missing":
                draft.say((*above, *_steps(fault)), f"is missing: a {what} needs it", at_key=True)
            else:
                explain(draft.problems, draft.tree, (*above, *_steps(fault)), fault, shape, above)
    return None


def _steps(fault: ErrorDetails) -> Path:
    """Return the keys of the location: pydantic names the members of unions too, such as `function-after[...]`."""
    return tuple(step for step in fault["loc"] if isinstance(step, int) or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", step))


def _secrets(draft: Draft, places: tuple[Path, ...], secrets: frozenset[str], options: Mapping[str, object]) -> None:
    """Refuse a value where only the name of one may stand; `a.b` is the key `b` within the mapping `a`."""
    for secret in secrets:
        first, _, inner = secret.partition(".")
        value = options.get(first)
        pairs = [((first,), value)] if not inner else _within(first, inner, value)
        for way, text in pairs:
            if text is None or text == "" or (isinstance(text, str) and is_reference(text)):
                continue
            place = next((path for path in places if at(draft.tree, (*path, *way))), places[0])
            draft.say((*place, *way), CLEAR)


def _within(first: str, inner: str, value: object) -> list[tuple[tuple[str, ...], object]]:
    return [((first, key), text) for key, text in value.items() if str(key).lower() == inner] if isinstance(value, dict) else []
