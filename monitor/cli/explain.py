"""`pantau explain`: why it was paged, or why not, now or in the past.

Read from the data folder; where that is not ours to read, the daemon says what it knows now.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.ask import about, data_folder, url_option
from monitor.cli.outline import outline
from monitor.cli.terminal import show
from monitor.core.errors import Exit, PantauError

if TYPE_CHECKING:
    from exporters.evidence import Weighed
    from exporters.scene import Ring
    from exporters.sentences import Speaker
    from monitor.cli.past import Found, Past

LATER = 3600.0
"""Seconds by which a time that is asked about may be later than the last look."""
LANGUAGES = {"id": ("id",), "en": ("en",), "id+en": ("id", "en")}


@click.command()
@click.argument("subject", metavar="INCIDENT|ID")
@click.option("--at", "written", metavar="TIME", default="", help="As 02.14, 2026-11-24T02:14, 2h (ago); default: now.")
@url_option
@click.option("--data-dir", type=click.Path(path_type=Path), help="The journal to read; default: the running daemon's.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="id+en", show_default=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def explain(subject: str, written: str, url: str, data_dir: Path | None, language: str, form: str) -> int:
    """Mengapa dikabarkan, atau mengapa tidak. / Why it was paged, or why not: from the looks to the phone.

    Contoh / example: pantau explain g17; pantau explain kel-gentong --at 02.14
    """
    if not subject:
        raise click.BadParameter("is empty; ids are those of the inventory and of incidents", param_hint="INCIDENT|ID")
    folder = data_dir or data_folder(url)
    if folder is None:
        return _ask(subject, url, written, form)
    from monitor.cli.past import Past

    with closing(Past(folder)) as past:
        found = _find(past, subject, written)
        show(*([json.dumps(_as_json(found), ensure_ascii=False)] if form == "json" else _text(found, LANGUAGES[language])))
    return 0


def _ask(subject: str, url: str, written: str, form: str) -> int:
    """Let the daemon say what it knows now: the past is in its folder only."""
    if written:
        raise PantauError("the past can only be read from the data folder: run this as its owner, or give --data-dir", status=Exit.UNKNOWN)
    found = about(url, subject)
    if form == "json":
        show(json.dumps(found, ensure_ascii=False))
        return 0
    from alerts.words import clock

    rings, offset = found.pop("chain", []), found.pop("utc_offset")

    def when(at: float) -> str:
        return clock(at, offset, "id", beside=found["at"])

    show(*(line for ring in rings for line in _plain(ring)), *outline(found, when))
    return 0


def _plain(ring: dict[str, Any]) -> Iterator[str]:
    """Say a ring of the daemon's answer."""
    sign, where = _mark(ring["held"], ring["where"])
    yield f"{sign} {ring['id']} / {ring['en']}{where}"
    if not ring["held"]:
        yield f"  → {ring['passes_id']} / {ring['passes_en']}"


def _mark(held: bool, where: Iterable[str]) -> tuple[str, str]:  # noqa: FBT001 - what it is about
    """Return the sign of a ring and the lines of the inventory that it hangs on."""
    lines = ", ".join(dict.fromkeys(filter(None, where)))
    return "✓" if held else "✗", f"  [{lines}]" if lines else ""


def _find(past: "Past", subject: str, written: str) -> "Found":
    from alerts.words import clock, moment

    now = past.newest
    try:
        at = moment(written, past.city(now).utc_offset, now) if written else now
    except ValueError as error:
        raise click.BadParameter(f"{written}: not a time like 02.14, 2026-11-24T02:14 or 2h", param_hint="--at") from error
    if at > now + LATER:
        raise click.BadParameter(f"{written}: is later than anything that is recorded", param_hint="--at")
    incident = past.incident(subject)
    if incident is not None and written:
        said = f"{subject}: an incident is explained at its own time; leave --at out, or ask for {incident.subject} --at {written}"
        raise click.BadParameter(said, param_hint="--at")
    found = incident or past.caused(subject, at) or past.thing(subject, at)
    if found is None and not written and (since := past.new_since(subject)):
        when = clock(since, past.city(since).utc_offset, "id", beside=now)
        raise PantauError(f"{subject[:80]}: is new in the inventory since {when}, and has not been looked at yet", status=Exit.UNKNOWN)
    if found is None and not past.city(at).nodes:
        begins = clock(past.oldest, past.city(now).utc_offset, "id", beside=0.0)
        raise PantauError(f"nothing is recorded of that time; the record begins {begins}", status=Exit.UNKNOWN)
    if found is None:
        raise PantauError(f"{subject[:80]}: nothing had this id then; ids are those of the inventory and of incidents", status=Exit.UNKNOWN)
    return found


def _text(found: "Found", languages: tuple[str, ...]) -> Iterator[str]:
    from exporters.chain import chain
    from exporters.sentences import Speaker

    scene, rings = found.scene, chain(found.scene, found.subject)
    for number, language in enumerate(languages):
        if number:
            yield "— English —"
        speaker = Speaker(scene.city, language, scene.at)
        yield speaker.heading(found.subject, found.number)
        if scene.episode and scene.episode.distance(found.asked) >= 1:  # people copy times to the second
            yield f"  {speaker.elsewhere(found.asked)}"
        yield from (f"  {step}" for step in speaker.steps(found.incident))
        for ring in rings:
            yield from _ring(speaker, ring)
        if found.later:
            yield f"  {speaker.later(found.subject, found.later)}"


def _ring(speaker: "Speaker", ring: "Ring") -> Iterator[str]:
    sign, where = _mark(ring.held, ring.where)
    yield f"  {sign} {speaker.say(ring)}{where}"
    if ring.facts.get("episode"):
        yield from (f"      {line}" for line in speaker.looks(ring.facts["episode"]))
    if not ring.held:
        yield f"    → {speaker.passes(ring)}"


def _as_json(found: "Found") -> dict[str, Any]:
    from exporters.chain import chain
    from exporters.sentences import rings_as_json

    scene = found.scene
    rings = rings_as_json(chain(scene, found.subject), scene.city, scene.at)
    looks = [_weighed(each) for each in scene.episode.weighed] if scene.episode else []
    told = [{"at": page.at, "step": page.step, "key": page.key, "why": page.why, "cause": page.cause} for page in found.incident]
    return {"subject": found.subject, "at": scene.at, "asked": found.asked, "chain": rings, "looks": looks, "pages": told}


def _weighed(each: "Weighed") -> dict[str, Any]:
    look = each.look
    return {
        "sent": look.sent,
        "at": look.at,
        "verdict": look.verdict,
        "reason": look.reason,
        "gap": each.gap,
        "losses": each.losses,
        "odds": each.odds,
    }
