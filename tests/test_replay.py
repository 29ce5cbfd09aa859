"""Recorded looks judged anew: the same policy tells the same, another one's difference is named, what nobody looked at is not guessed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.words import moment
from monitor import cli
from monitor.core import learning
from monitor.core.belief import Belief, Status
from monitor.core.city import Check, City, Kind, Node, Receiver, Route
from monitor.core.events import Decision, Effect, Event, InventoryLoaded, Page, ProbeResult
from monitor.core.rules import GRADES, Grade
from monitor.core.verdict import Verdict
from monitor.engine import State
from monitor.journal import Keep, Row, row_of
from monitor.journal.folder import Ballast
from monitor.journal.store import Store
from monitor.replay import Comparison, Rehearing, compare
from tests.play import START, Play


def _city(grade: Grade = Grade.FIBRE, *receivers: str) -> City:
    """Hub > kec > kel-a, kel-b; the kelurahan are of this grade."""
    nodes = {
        "hub": Node("hub", Kind.HUB, "hub", (), ("hub/icmp",)),
        "kec": Node("kec", Kind.KECAMATAN, "kec", (("hub",),), ("kec/icmp",)),
        "kel-a": Node("kel-a", Kind.KELURAHAN, "kel-a", (("kec",),), ("kel-a/icmp",)),
        "kel-b": Node("kel-b", Kind.KELURAHAN, "kel-b", (("kec",),), ("kel-b/icmp",)),
    }
    checks = {}
    for node in nodes:
        mine = Grade.CORE if node in ("hub", "kec") else grade
        rule = GRADES[mine]
        checks[f"{node}/icmp"] = Check(f"{node}/icmp", node, "icmp", node, mine, rule.interval, rule.timeout)
    told = receivers or ("piket",)
    return City(
        "Uji", nodes=nodes, checks=checks, receivers={each: Receiver(each, "webhook", each) for each in told}, routes=(Route(told),)
    )


class Tape(Play):
    """A play that keeps what came and what was told."""

    def __init__(self, city: City) -> None:
        self.events: list[Event] = []
        self.rows: list[Row] = []
        super().__init__(city)

    def take(self, event: Event) -> list[Effect]:
        effects = super().take(event)
        self.events.append(event)
        self.rows += [row_of(event), *(row_of(effect) for effect in effects if isinstance(effect, Page | Decision))]
        return effects


def _tape(city: City, outage: float = 300) -> Tape:
    """An hour with an outage of kel-a and one of kec, both healed."""
    tape = Tape(city)
    tape.run(600)
    tape.dead = {"kel-a"}
    tape.run(outage)
    tape.dead = set()
    tape.run(900)
    tape.dead = {"kec"}
    tape.run(300)
    tape.dead = set()
    tape.run(1500)
    return tape


def _heard(tape: Tape, policy: City | None = None) -> Comparison:
    heard = Rehearing(policy)
    for event in tape.events:
        if isinstance(event, ProbeResult | InventoryLoaded):
            heard.take(event)
    heard.close(tape.at)
    return compare(tape.pages, heard, START, tape.at)


def test_the_same_policy_tells_the_same_pages_at_the_same_time() -> None:
    tape = _tape(_city())
    assert len(tape.pages) == 4
    for policy in (None, _city()):
        found = _heard(tape, policy)
        assert (found.before, found.after, found.same) == (2, 2, 2)
        assert found.added == found.gone == found.earlier == found.later == found.unknowable == []


def test_a_patient_policy_pages_later_or_not_at_all() -> None:
    found = _heard(_tape(_city(), 300), _city(Grade.RADIO))
    assert [(page.cause, page.receiver) for page in found.later] == [("kel-a", "piket")]
    assert (found.same, found.before, found.after) == (1, 2, 2)
    found = _heard(_tape(_city(), 60), _city(Grade.RADIO))
    assert [page.cause for page in found.gone] == ["kel-a"]
    assert found.unknowable == []


def test_an_impatient_policy_asks_for_looks_that_nobody_made_and_what_hangs_on_them_is_unknowable() -> None:
    found = _heard(_tape(_city(Grade.RADIO), 45), _city(Grade.CORE))
    assert found.added == []
    (doubt,) = [page.doubt for page in found.unknowable]
    assert doubt is not None
    assert (doubt.node, doubt.holes > 0) == ("kel-a", True)


def test_a_lost_look_that_no_policy_could_page_for_is_no_open_question() -> None:
    found = _heard(_tape(_city(Grade.RADIO), 5), _city(Grade.CORE))
    assert found.unknowable == []
    assert found.same == 1


def test_a_policy_that_tells_others_adds_and_takes_away_pages_by_receiver() -> None:
    found = _heard(_tape(_city()), _city(Grade.FIBRE, "kabid"))
    assert [(page.cause, page.receiver) for page in found.added] == [("kel-a", "kabid"), ("kec", "kabid")]
    assert [(page.cause, page.receiver) for page in found.gone] == [("kel-a", "piket"), ("kec", "piket")]


def test_what_had_been_learned_of_a_target_is_judged_by_the_rule_of_the_policy() -> None:
    city, histogram = _city(Grade.RADIO), learning.healed(GRADES[Grade.FIBRE], None, 9000, 5, 60.0, 12.0)
    then = State(_city(), beliefs={"kel-a/icmp": Belief(Status.UP, counts={Verdict.OK: 9000}, learned=histogram), "gone/icmp": Belief()})
    heard = Rehearing(city)
    heard.begin(START, city, then)
    known = heard.engine.state.beliefs
    assert known["kel-a/icmp"].noise == learning.noise(GRADES[Grade.RADIO], histogram, 9000)
    assert known["kel-a/icmp"].status is Status.NEW
    assert (known["kel-b/icmp"].noise, "gone/icmp" in known) == (None, False)


def test_a_policy_without_a_recorded_target_counts_its_looks_as_foreign() -> None:
    city = _city()
    without = replace(
        city,
        nodes={key: node for key, node in city.nodes.items() if key != "kel-a"},
        checks={key: check for key, check in city.checks.items() if check.node != "kel-a"},
    )
    tape, heard = _tape(city), Rehearing(without)
    for event in tape.events:
        heard.take(event)
    assert heard.foreign > 100
    assert [page.cause for page in compare(tape.pages, heard, START, tape.at).gone] == ["kel-a"]


@pytest.fixture(name="said")
def _said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    tape = _tape(_city())
    store = Store(tmp_path / "journal.db", Ballast(tmp_path, 4096), Keep())
    store.append(tape.rows)
    store.close()

    def run(*words: str) -> str:
        assert cli.run(["replay", "--data-dir", str(tmp_path), *words]) == 0
        return capsys.readouterr().out

    return run


def test_the_command_reads_a_data_folder_and_says_what_is_the_same(said: Callable[..., str]) -> None:
    found = json.loads(said("--format", "json"))
    assert (found["before"], found["after"], found["same"]) == (2, 2, 2)
    assert (found["added"], found["gone"], found["unknowable"], found["lost_blocks"]) == ([], [], [], 0)
    assert "kabar / pages: 2 dahulu / then, 2 sekarang / now, 2 sama / the same" in said()
    later = json.loads(said("--from", "30m", "--format", "json"))
    assert (later["before"], later["same"]) == (1, 1)


def test_a_folder_without_a_journal_and_a_time_that_is_none_are_one_line(
    said: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said()
    assert cli.run(["replay", "--data-dir", str(tmp_path / "nowhere")]) == 69
    assert "cannot be opened" in capsys.readouterr().err
    assert cli.run(["replay", "--data-dir", str(tmp_path), "--from", "yesterday"]) == 3
    assert "yesterday: not a time like 7d" in capsys.readouterr().err
    assert cli.run(["replay", "--data-dir", str(tmp_path), "--from", "10m", "--to", "20m"]) == 3
    assert "Invalid value for --from: 10m: must be before --to, 20m" in capsys.readouterr().err


NOW = 1_795_503_900.0  # 2026-11-24 14.05 WIB


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("14.05", NOW),
        ("14:04:30", NOW - 30),
        ("15.00", NOW + 3300 - 86400),
        ("2026-11-24", NOW - (14 * 60 + 5) * 60),
        ("2026-11-24 02.05", NOW - 12 * 3600),
        ("2026-11-24T02:05:01", NOW - 12 * 3600 + 1),
        ("2026-11-24T02:05:00+00:00", NOW - 5 * 3600),
        ("14.04.30 WIB", NOW - 30),
        ("15.04.30 WITA", NOW - 30),
        ("24 November 2026 02.05.00 WIB", NOW - 12 * 3600),
        ("8 May 2026", NOW - (200 * 24 * 60 + 14 * 60 + 5) * 60),
        ("7d", NOW - 7 * 86400),
        ("2h", NOW - 7200),
        ("30m", NOW - 1800),
        ("1795503900.5", NOW + 0.5),
    ],
)
def test_a_time_is_read_as_people_write_it(written: str, at: float) -> None:
    assert moment(written, 7.0, NOW) == at


@pytest.mark.parametrize("written", ["", "yesterday", "25.00", "2026-13-01", "-5", "7w", "d", "24 Foo 2026"])
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are never shown
        moment(written, 7.0, NOW)
