"""What is no mistake in an inventory, but surely nobody's wish: nobody is told, a secret cannot be read, two callers share a token."""

from dataclasses import replace

from monitor.core.errors import PantauError
from monitor.inventory.draft import Draft
from monitor.inventory.problems import Problems
from monitor.inventory.resolve import all_checks
from monitor.inventory.tree import leaves, way_to
from monitor.secret import is_reference, reveal


def advise(draft: Draft) -> Problems:
    """Return what to warn of in an inventory without problems. It reads all secrets, as whoever runs this may."""
    told = replace(draft, problems=Problems())
    _untold(told)
    _unreadable(told)
    _same_words(told)
    return told.problems


def _untold(draft: Draft) -> None:
    if not draft.file.receivers:
        draft.say(("receivers",), "there are none: nobody is ever told of anything", at_key=True)
    elif not draft.file.routes:
        draft.say(("routes",), "there are none: no receiver is ever told of anything", at_key=True)


def _unreadable(draft: Draft) -> None:
    """Say of each reference once, where it stands first, why it names nothing that can be read here and now."""
    seen: set[str] = set()
    for path, leaf in leaves(draft.tree):
        if not isinstance(leaf.value, str) or not is_reference(leaf.value) or leaf.value in seen:
            continue
        seen.add(leaf.value)
        try:
            reveal(leaf.value)
        except PantauError as error:
            draft.say(path, str(error))


def _same_words(draft: Draft) -> None:
    """Say which references of push checks name the same token: a call of one would be taken for one of the other."""
    seen: dict[str, str] = {}
    for each in all_checks(draft):
        reference = str(each.check.options.get("token", ""))
        if each.check.kind != "push" or not (token := _revealed(reference)):
            continue
        first = seen.setdefault(token, reference)
        if first != reference:
            draft.say(way_to(draft.tree, each.options, "token"), f"{reference} holds the same token as {first}: each caller needs its own")


def _revealed(reference: str) -> str:
    try:
        return reveal(reference)
    except PantauError:
        return ""
