"""`pantau explain` of what is over: answered by what was known and decided at that moment, not by what came of it later."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from monitor import cli
from monitor.core.city import Kind
from monitor.core.verdict import Reason
from monitor.inventory import load
from tests.tape import Tape


def _but_applications() -> Tape:
    """The committed city, in which nobody is told of applications, with a camera that is mistyped."""
    city = load(Path(__file__).parents[1] / "inventory.yaml")
    kinds = tuple(kind.value for kind in Kind if kind is not Kind.APP)
    return Tape(replace(city, routes=tuple(replace(route, kinds=kinds) for route in city.routes)))


@cache
def _history() -> tuple[Tape, dict[str, float]]:
    tape, when = _but_applications(), {}

    def then(word: str, seconds: float) -> None:
        tape.run(seconds)
        when[word] = tape.at

    tape.lost["kel-gentong/snmp"] = Reason.REFUSED  # never answers
    then("begun", 120)
    tape.lost["app-jdih/http"] = Reason.HTTP_STATUS
    then("untold", 100)
    tape.lost["app-simpus/http"] = Reason.HTTP_STATUS
    then("below", 100)
    tape.lost.pop("app-jdih/http")
    tape.lost.pop("app-simpus/http")
    tape.run(120)
    tape.dead = {"kec-gadingrejo"}
    then("doubt", 20)
    then("shadow", 70)
    tape.dead = set()
    then("back", 120)
    tape.mute = {"kec-purworejo"}
    tape.run(30)
    tape.dead = {"kel-tembokrejo"}
    then("silent", 130)
    tape.mute, tape.dead = set(), set()
    tape.run(120)
    tape.save()
    tape.dead = {"hub"}
    then("blind", 60)
    tape.dead = set()
    then("sight", 120)
    tape.dead = {"kel-randusari"}
    then("one", 120)
    tape.dead = set()
    tape.run(120)
    tape.dead = {"kel-randusari"}
    then("two", 140)
    tape.dead = set()
    tape.run(120)
    for _ in range(8):
        tape.dead = {"kec-panggungrejo"}
        then("flaps", 20)
        tape.dead = set()
        tape.run(20)
    return tape, when


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _history()[0].folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(name="text")
def _text(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(subject: str, word: str = "", before: float = 0.0, form: str = "text") -> str:
        at = ("--at", str(_history()[1][word] - before)) if word else ()
        assert cli.run(["explain", subject, *at, "--data-dir", str(folder), "--language", "id", "--format", form]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture(name="broken")
def _broken(text: Callable[..., str]) -> Callable[..., tuple[str, str]]:
    """The name and the sentence of the ring that broke; a page that failed breaks nothing."""

    def run(subject: str, word: str, before: float = 0.0) -> tuple[str, str]:
        chain: list[dict[str, Any]] = json.loads(text(subject, word, before, "json"))["chain"]
        (ring,) = [ring for ring in chain if not ring["held"]]
        assert ring is chain[-1]
        return ring["ring"], ring["id"]

    return run


def test_an_incident_that_nobody_was_told_of_is_explained(text: Callable[..., str]) -> None:
    said = text("g1")
    assert said.startswith("Gangguan g1 · JDIH [app-jdih] · ")
    assert "✗ Tidak ada rute yang cocok" in said
    assert "`severities` major dan `kinds` app" in said  # all that a route asks for is named, not the first thing only


def test_a_cause_stays_one_though_what_it_needs_falls_later(broken: Callable[..., tuple[str, str]], text: Callable[..., str]) -> None:
    assert broken("app-jdih", "below")[0] == "route"
    assert "Ketika diputuskan jalannya ada; kini tidak: Portal Kota [app-portal] normal, tetapi bergantung pada SIMPUS" in text(
        "app-jdih", "below"
    )


def test_what_is_named_as_down_above_is_what_is_down_and_its_incident(broken: Callable[..., tuple[str, str]]) -> None:
    assert broken("kel-krapyakrejo", "shadow", 1) == (
        "reachable",
        broken("kel-gadingrejo", "shadow", 1)[1],
    )
    assert "Kecamatan Gadingrejo [kec-gadingrejo] mati" in broken("kel-krapyakrejo", "shadow", 1)[1]
    assert "(gangguan g" in broken("kel-krapyakrejo", "shadow", 1)[1]


def test_who_is_in_doubt_behind_a_dead_parent_is_not_told_to_wait_for_more_losses(broken: Callable[..., tuple[str, str]]) -> None:
    assert broken("kel-krapyakrejo", "doubt", 1)[0] == "reachable"


def test_what_was_shadowed_is_explained_so_when_its_parent_is_back(broken: Callable[..., tuple[str, str]]) -> None:
    for site in ("kel-gentong", "kel-krapyakrejo"):  # one that came to DOWN, and one that had not yet
        ring, said = broken(site, "back")
        assert ring == "reachable"
        assert "Kecamatan Gadingrejo [kec-gadingrejo] mati" in said


def test_odds_begin_anew_when_the_parent_speaks_again(text: Callable[..., str]) -> None:
    """They are those by which the engine decided: the root was found after the look that made it sure."""
    found = json.loads(text("kel-tembokrejo", "silent", form="json"))
    tape, _ = _history()
    decided = [row.at for row in tape.rows if row.kind == "decision" and row.subject == "kel-tembokrejo/icmp" and b'"down"' in row.body]
    assert found["looks"][-1]["at"] == pytest.approx(decided[-1])
    assert found["looks"][-1]["odds"] >= 99


def test_a_silent_parent_is_not_said_to_have_answered(text: Callable[..., str]) -> None:
    assert "Kecamatan Purworejo [kec-purworejo] diam, tetapi yang lain di belakangnya menjawab" in text("kel-tembokrejo", "silent")


def test_what_fails_while_we_are_cut_off_weighs_nothing(broken: Callable[..., tuple[str, str]], text: Callable[..., str]) -> None:
    for word in ("blind", "sight"):
        ring, said = broken("kel-gentong", word)
        assert ring == "sighted"
        assert "Kantor Wali Kota [hub] mati" in said
    looks = json.loads(text("kel-gentong", "sight", form="json"))["looks"]
    assert all(look["odds"] < 99 for look in looks)


def test_a_question_about_a_moment_knows_nothing_of_later_looks_and_says_how_to_ask_what_became_of_it(
    broken: Callable[..., tuple[str, str]], text: Callable[..., str]
) -> None:
    assert broken("kel-randusari", "one", 112)[0] == "odds"
    said = text("kel-randusari", "one", 112)
    assert "menjawab lagi" not in said
    later = said.partition('Kelanjutannya: pantau explain kel-randusari --at "')[2].partition('"')[0]
    assert cli.run(["explain", "kel-randusari", "--at", later, "--data-dir", "nowhere"]) != 0
    assert "✓ Gangguan g" in text("kel-randusari", "one")


def test_a_port_that_made_a_site_down_is_told_beside_the_odds(text: Callable[..., str]) -> None:
    assert "Kecamatan Gadingrejo [kec-gadingrejo] dua kali menyebut port ether5" in text("kel-randusari", "one")


def test_of_two_outages_only_the_pages_of_the_one_asked_about_are_told(text: Callable[..., str]) -> None:
    for word in ("one", "two"):
        said = text("kel-randusari", word)
        assert said.count("kabar gangguan untuk Grup Telegram piket") == 1
        assert said.count("kabar pulih untuk Grup Telegram piket") == 1


def test_one_page_is_explained_by_its_key(text: Callable[..., str]) -> None:
    tape, when = _history()
    page = next(page for page in tape.pages if page.cause == "kel-randusari" and page.at > when["one"])
    said = text(page.key)
    assert said.count(" kabar ") == 1
    assert page.key.startswith(page.incident)


def test_what_flaps_says_why_nobody_hears_of_its_next_fall_and_when_they_would(broken: Callable[..., tuple[str, str]]) -> None:
    ring, said = broken("kec-panggungrejo", "flaps")
    assert ring == "flapping"
    assert "jatuh dan pulih berulang" in said


def test_a_check_that_does_not_decide_never_says_that_it_would_be_told_of(broken: Callable[..., tuple[str, str]]) -> None:
    ring, said = broken("kel-gentong/snmp", "begun")
    assert ring == "decides"
    assert "belum pernah menjawab; menolak sambungan" in said


def test_a_shared_risk_that_was_named_is_explained_by_its_incident(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = _but_applications()
    tape.run(120)
    tape.dead = {"kel-tapaan", "kel-blandongan"}
    tape.run(160)
    assert cli.run(["explain", "sungai-petung", "--data-dir", str(tape.folder(tmp_path)), "--language", "id"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Gangguan g1 · ")
    assert "sebab Sungai Petung [sungai-petung] (anggotanya jatuh dalam rentang 1 jam)" in said


def test_a_link_that_is_not_looked_at_says_whether_its_end_lives_on(text: Callable[..., str]) -> None:
    assert "bila putus, yang mati Kelurahan Gentong [kel-gentong]" in text("link-kel-gentong")
    assert "bila putus, Internet [internet] tetap hidup lewat jalurnya yang lain" in text("link-internet")


def test_a_parent_that_just_begins_to_answer_is_not_called_dead_and_answering(text: Callable[..., str]) -> None:
    assert "Kecamatan Gadingrejo [kec-gadingrejo] mati, baru menjawab lagi " in text("kel-krapyakrejo", "shadow", -6)
