"""`pantau simulate`: invented looks in virtual time: how often it cries wolf and how long it takes, beside what is promised."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

import click

from monitor.cli.quantities import Number, Share, Time
from monitor.core.rules import GRADES, Grade, Noise, Rule

if TYPE_CHECKING:
    from monitor.simulate import Figures

TEXT = """\
{grade}, {years:.0f} tahun-sasaran / target-years; kehilangan / losses: {weather}
  kabar palsu / false alarms        {false} = {rate:.3g} setahun / a year; batas atas 95 % / upper limit {upper:.3g}
  yang dijanjikan / promised        {bound:.3g} setahun / a year; satu dari {one_in:.0f} kabar / one page in {one_in:.0f}
  gangguan nyata / real outages     {seen} terlihat / seen, {missed} pulih sebelum pasti / healed before it was sure
  gangguan sampai pasti / to DOWN   {p50:g} s (separuh / half), {p95:g} s (95 %), {max:g} s (terlama / longest)
  dipelajari / learned              p = {p:.3g}, tau = {tau:.3g} s; paling lama / at worst {worst:.0f} s
{verdict}"""
HOLDS = "Janji ditepati. / The promise holds."
UNSURE = (
    "Lebih jarang dari yang dijanjikan, tetapi belum pasti: perpanjang --years. / Fewer than promised, but not yet sure: take more --years."
)
CHANCE = (
    "Lebih sering dari yang dijanjikan, mungkin kebetulan: perpanjang --years. / More than promised, perhaps by chance: take more --years."
)
BROKEN = (
    "JANJI TIDAK DITEPATI: kehilangan ini tidak seperti yang dipelajari (ekor panjang?). / "
    "THE PROMISE IS BROKEN: these losses are not as learned (a heavy tail?)."
)


class Asked(TypedDict):
    """The options of `pantau simulate`."""

    years: int
    grade: str
    loss: tuple[float, ...]
    burst: tuple[float, ...]
    odds: float | None
    cap: float | None
    config: Path | None
    seed: int
    form: str


@click.command()
@click.option("--years", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="Target-years.")
@click.option("--class", "grade", type=click.Choice([grade.value for grade in Grade]), default="fibre", show_default=True)
@click.option(
    "--loss", type=Share(), multiple=True, help="Share of looks lost; again for a second kind of losses. Default: that of the class."
)
@click.option("--burst", type=Time(), multiple=True, help="How long losses hang together (0s: not at all), one for each --loss.")
@click.option("--odds", type=Number(1), help="Another X for the class.")
@click.option("--cap", type=Time(), help="Losses for so long are a page, false or not.")
@click.option("--config", type=click.Path(path_type=Path), help="Take the rules of the classes from this inventory.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def simulate(**options: object) -> int:
    """Hitung kabar palsu dan kelambatan. / False alarms and delays, beside what is promised.

    Contoh / example: pantau simulate --years 200 --class fibre --loss 1% --burst 10s
    """
    from monitor.simulate import simulate as live

    asked = cast("Asked", options)
    grade = Grade(asked["grade"])
    rule = _rule(grade, asked)
    kinds = _kinds(rule, asked)
    found = live(grade, rule, kinds, asked["years"], random.Random(asked["seed"]).random)  # noqa: S311 - a seeded chance can be repeated
    click.echo(json.dumps(as_json(found, kinds)) if asked["form"] == "json" else as_text(found, kinds, rule))
    return 0


def _rule(grade: Grade, asked: Asked) -> Rule:
    rules = GRADES
    if asked["config"] is not None:
        from monitor import inventory

        rules = inventory.load(asked["config"]).rules
    rule = rules[grade]
    return replace(rule, odds=asked["odds"] or rule.odds, cap=asked["cap"] or rule.cap)


def _kinds(rule: Rule, asked: Asked) -> list[Noise]:
    losses = asked["loss"] or (rule.noise.p,)
    bursts = asked["burst"] or (rule.noise.tau,) * len(losses)
    if len(bursts) != len(losses):
        raise click.UsageError(f"{len(losses)} times --loss and {len(bursts)} times --burst: give one --burst for each --loss")
    return [Noise(loss, burst) for loss, burst in zip(losses, bursts, strict=True)]


def as_json(found: "Figures", kinds: list[Noise]) -> dict[str, object]:
    """Return the figures in the shape that scripts may rely on."""
    return {
        "class": found.grade.value,
        "losses": [{"loss": kind.p, "burst": kind.tau} for kind in kinds],
        "target_years": round(found.tally.years, 2),
        "false_alarms": found.tally.false,
        "per_target_year": round(found.rate, 6),
        "upper_95": round(found.upper, 6),
        "stated_bound": round(found.bound, 6),
        "delay": found.delays,
        "stated_delay": round(found.worst, 1),
        "outages": len(found.tally.delays),
        "missed": found.tally.missed,
        "episodes": found.tally.episodes,
        "learned": {"p": found.learned.p, "tau": found.learned.tau},
    }


def as_text(found: "Figures", kinds: list[Noise], rule: Rule) -> str:
    """Return the figures for people; a broken promise is said aloud."""
    weather = " + ".join(f"{100 * kind.p:g} % ({f'{kind.tau:g} s' if kind.tau else 'acak / random'})" for kind in kinds)
    return TEXT.format(
        grade=found.grade.value,
        years=found.tally.years,
        weather=weather,
        false=found.tally.false,
        rate=found.rate,
        upper=found.upper,
        bound=found.bound,
        one_in=1 + rule.outages / found.bound,
        seen=len(found.tally.delays),
        missed=found.tally.missed,
        **found.delays,
        p=found.learned.p,
        tau=found.learned.tau,
        worst=found.worst,
        verdict=verdict(found),
    )


def verdict(found: "Figures") -> str:
    """Say what the count proves: nothing, as long as the promise lies between its limits."""
    if found.upper <= found.bound:
        return HOLDS
    return UNSURE if found.rate <= found.bound else CHANCE if found.lower <= found.bound else BROKEN
