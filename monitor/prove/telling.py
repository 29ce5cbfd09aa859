"""One case told second by second: what was dead, what was decided, what was told, what is wrong."""

from collections.abc import Iterator

from monitor.core.events import Step
from monitor.prove.judging import Judge
from monitor.prove.run import Ground, Play
from monitor.prove.timeline import START, Case


def tell(ground: Ground, case: Case) -> tuple[str, bool]:
    """Play a case; return its story and whether all was right."""
    play = Play(ground, case)
    play.run()
    stretches = ground.oracle.stretches(play.timeline)
    wrong = Judge(ground.oracle, stretches, play.pages, play.patience).wrong(play.end)
    lines = sorted([*_truth(play), *_decided(play), *_told(play)], key=lambda line: line[0])
    lines += [(each.at, f"SALAH / WRONG  {each.fault.value}: {each.subject}: {each.words}") for each in wrong]
    body = "\n".join(f"{at - START:9.2f} s  {words}" for at, words in lines)
    return f"{case}\n{body}\n{'SALAH / WRONG' if wrong else 'benar / right'}", not wrong


def _truth(play: Play) -> Iterator[tuple[float, str]]:
    for span in play.timeline.spans:
        yield span.start, f"-- {span.fault} begins"
        yield span.end, f"-- {span.fault} ends"
    for stretch in play.ground.oracle.stretches(play.timeline)[1:]:
        blind = f" ({len(stretch.unknown)} not known)" if stretch.unknown else ""
        yield stretch.start, f"-- visible: {', '.join(sorted(stretch.visible)) or 'nothing'}{blind}"


def _decided(play: Play) -> Iterator[tuple[float, str]]:
    for each in play.decisions:
        numbers = " ".join(f"{key}={value}" for key, value in each.numbers.items())
        yield each.at, f"   {each.subject}: {each.what}, {each.why} {numbers}".rstrip()


def _told(play: Play) -> Iterator[tuple[float, str]]:
    for page in play.pages:
        word = "OPEN" if page.step is Step.OPEN else page.step.upper()
        yield page.at, f"** {word} {page.incident} {page.cause} -> {page.receiver}: {page.why}; alike {', '.join(page.alike)}"
