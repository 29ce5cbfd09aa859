"""`pantau explain`: every decision is open to question, also in the past; each answer names the step, the value and the line."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from alerts.words import clock
from exporters.chain import chain
from exporters.evidence import episodes, nearest
from exporters.explain import explain
from exporters.ring_words import BROKE, HELD, PASSES
from exporters.scene import Ring, Scene
from exporters.sentences import Speaker
from exporters.told import told
from monitor import cli
from monitor.core.city import Route
from monitor.core.events import Decision, ProbeResult, Traced, Why
from monitor.core.verdict import Reason, Verdict
from monitor.engine import Engine, State
from monitor.inventory import load
from tests.play import START
from tests.tape import Tape
from tests.town import NOW, cut_engine, engine_of, town, view_of


@cache
def _history() -> tuple[Tape, dict[str, float]]:
    """What happened to the committed city: a short loss, a dead kecamatan, a silent one, a river, and a loss that still goes on."""
    tape, when = Tape(load(Path(__file__).parents[1] / "inventory.yaml")), {}
    tape.run(120)
    tape.mute = {"kel-gentong"}
    tape.run(25)
    when["short"], tape.mute = tape.at, set()
    tape.run(120)
    tape.dead = {"kec-gadingrejo"}
    tape.run(60)
    tape.receipts("550 no such user")
    tape.take(Traced(tape.at + 1, "g1", "kec-gadingrejo", ("198.18.0.1",), reached=False, end="198.18.0.1 says: host unreachable"))
    tape.run(80)
    when["dead"], tape.dead = tape.at, set()
    tape.run(120)
    tape.save()
    tape.mute = {"kec-purworejo"}
    tape.run(90)
    when["silent"], tape.mute = tape.at, set()
    tape.run(60)
    tape.save()
    tape.dead = {"kel-tapaan", "kel-blandongan"}
    tape.run(160)
    when["river"] = tape.at
    return tape, when


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _history()[0].folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(name="said")
def _said(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*words: str) -> str:
        assert cli.run(["explain", "--data-dir", str(folder), *words]) == 0
        return capsys.readouterr().out

    return run


def when(word: str, before: float = 0.0) -> str:
    return str(_history()[1][word] - before)


def test_an_incident_is_told_from_the_looks_to_the_receipt_each_with_its_line(said: Callable[..., str]) -> None:
    text = said("g1", "--language", "id")
    for line in (
        "gangguan g1: Kecamatan Gadingrejo [kec-gadingrejo], sebab terverifikasi → Grup Telegram piket",
        "✓ Diperiksa dengan icmp ke 198.18.1.1 setiap 3 detik, kelas core.  [inventory.yaml:",
        "✓ Biasanya 0,2 % pemeriksaan gagal, beruntun 0,5 detik: putus pasti dalam",
        "tidak menjawab: gagal ke-1, peluang mati 1 lawan 10.5",
        "(perlu 99 lawan 1), dalam",
        "✓ Jalannya ada: Kantor Wali Kota [hub] normal",
        "diputuskan bahwa sebabnya di sini, terverifikasi: sesudah kegagalan terakhirnya (15.04.",
        "Kantor Wali Kota [hub] menjawab 15.04.",
        "✓ Gangguan g1, sebab Kecamatan Gadingrejo [kec-gadingrejo]; 10 ikut tidak terjangkau.",
        "✓ Jalan ke Kecamatan Gadingrejo [kec-gadingrejo] ditelusuri 15.0",
        ": 198.18.0.1 (Kantor Wali Kota [hub]); 198.18.0.1 says: host unreachable.",
        "✓ Tingkat kritis (yang lain bergantung padanya): dikabarkan kepada Grup Telegram piket [telegram-piket], Layar",
        "; Surel Dinkes [surel-dinkes] (urusan kesehatan).",
        "kabar gangguan untuk Grup Telegram piket [telegram-piket]: sampai dalam",
        "✗ 15.0",
        "(550 no such user).  [inventory.d/kabar.yaml:",
    ):
        assert line in text
    assert "Severity critical (others depend on it): told to Grup Telegram piket [telegram-piket]" in said("g1", "--language", "en")


WHY_NOT = (
    # What was asked, when, the ring that broke, and what would have passed.
    ("kel-gentong", "short", 5, "odds", "pemeriksaan lagi gagal"),
    ("kel-krapyakrejo", "dead", 5, "reachable", "Kecamatan Gadingrejo [kec-gadingrejo] menjawab sedangkan ia tetap gagal"),
    ("kec-purworejo", "silent", 5, "silent", "tidak ada lagi yang menjawab di belakangnya"),
    ("pkm-sekargadung", "silent", 5, "lost", "pemeriksaan berturut-turut gagal, selama sedikitnya 15 detik"),
    ("link-kel-gentong", "river", 0, "link", "jalur ini diberi `address`"),
    ("kel-gentong/snmp", "river", 0, "decides", "kel-gentong/icmp gagal"),
    ("sungai-petung", "silent", 0, "risk_only", "sedikitnya dua anggotanya mati dalam rentang 1 jam"),
)


@pytest.mark.parametrize(("subject", "moment", "before", "ring", "passes"), WHY_NOT, ids=[f"{each[0]}-{each[3]}" for each in WHY_NOT])
def test_why_not_is_answered_with_the_first_step_that_stopped_it_and_the_value_that_would_have_passed(
    said: Callable[..., str], subject: str, moment: str, before: float, ring: str, passes: str
) -> None:
    found = json.loads(said(subject, "--at", when(moment, before), "--format", "json"))
    assert [each["ring"] for each in found["chain"] if not each["held"]] == [ring]
    assert found["chain"][-1]["ring"] == ring
    assert passes in found["chain"][-1]["passes_id"]


def test_where_the_log_is_pruned_the_past_is_judged_anew_and_the_answers_are_the_same(
    said: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        db.execute("DELETE FROM snapshot")
        db.execute("UPDATE pruned SET seq = 1")
        db.commit()
    for subject, moment, before, *_ in WHY_NOT:
        asked = (subject, "--at", when(moment, before), "--format", "json")
        kept, anew = json.loads(said(*asked)), json.loads(said(*asked, "--data-dir", str(tmp_path)))
        assert [(ring["ring"], ring["held"]) for ring in anew["chain"]] == [(ring["ring"], ring["held"]) for ring in kept["chain"]]
        assert anew["looks"] == kept["looks"]


def test_a_root_is_explained_by_the_risk_that_is_named_with_its_line(said: Callable[..., str]) -> None:
    found = json.loads(said("kel-tapaan", "--format", "json"))
    (incident,) = [each for each in found["chain"] if each["ring"] == "incident"][:1]
    assert "sebab Sungai Petung [sungai-petung] (anggotanya jatuh dalam rentang 1 jam); yang jatuh: " in incident["id"]
    assert incident["where"][0].startswith("inventory.yaml:")
    assert found["looks"][-1]["odds"] >= 99


def test_what_failed_at_another_time_is_told_with_that_time(said: Callable[..., str]) -> None:
    text = said("kec-gadingrejo", "--at", when("dead", -110), "--language", "id")
    assert "tidak ada yang gagal; inilah kegagalan terdekat:" in text
    assert "✓ Gangguan g1" in text


def test_a_time_of_a_failure_is_understood_as_it_was_written(said: Callable[..., str]) -> None:
    first = json.loads(said("kec-gadingrejo", "--at", when("dead"), "--format", "json"))["looks"][0]["sent"]
    text = said("kec-gadingrejo", "--at", clock(first, 7.0, "id", beside=0.0), "--language", "id")
    assert f" kali sejak {clock(first, 7.0, 'id', zone=False)}, " in text
    assert "tidak ada yang gagal" not in text


def test_fifty_decisions_are_explained_in_whole_sentences_of_both_languages(said: Callable[..., str]) -> None:
    tape, _ = _history()
    made = [row for row in tape.rows if row.kind == "decision" and row.at > START + 60 and row.subject.partition("/")[0] in tape.city.nodes]
    asked = sorted({(row.subject, str(row.at)) for row in made})[:: max(1, len(made) // 50)][:50]
    assert len(asked) == 50
    for subject, at in asked:
        for ring in json.loads(said(subject, "--at", at, "--format", "json"))["chain"]:
            for language in ("id", "en"):
                assert ring[language].endswith(".")
                assert not {"{", "}"} & set(ring[language])
                assert "None" not in ring[language]
            assert ring["held"] or ring["passes_id"].startswith("Akan lolos bila ")


def test_what_is_not_known_at_all_or_at_that_time_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "atlantis", "--data-dir", str(folder)]) == 3
    assert "atlantis: nothing had this id then" in capsys.readouterr().err
    assert cli.run(["explain", "hub", "--data-dir", str(folder), "--at", str(START - 1e6)]) == 3
    assert "nothing is recorded of that time" in capsys.readouterr().err
    assert cli.run(["explain", "hub", "--data-dir", str(folder), "--at", "noon"]) == 3
    assert "noon: not a time like 02.14" in capsys.readouterr().err


def test_an_incident_has_its_own_time_and_takes_no_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "g1", "--data-dir", str(folder), "--at", "2h"]) == 3
    said = "g1: an incident is explained at its own time; leave --at out, or ask for kec-gadingrejo --at 2h"
    assert said in capsys.readouterr().err


def test_who_calls_us_is_looked_at_nowhere() -> None:
    ring = Ring("watched", held=True, facts={"kind": "push", "target": "", "interval": 60.0, "grade": "core"})
    assert Speaker(town(), "id", NOW).say(ring) == "Diperiksa dengan push setiap 60 detik, kelas core."
    assert Speaker(town(), "en", NOW).say(ring) == "Looked at by push every 60 s, class core."


def test_what_an_address_of_the_web_is_asked_with_is_not_told() -> None:
    city = town()
    check = replace(city.checks["app-portal/http"], target="https://portal.pantau.test/masuk?token=rahasia")
    engine = engine_of(replace(city, checks={**city.checks, check.id: check}))
    said = json.dumps(
        [Speaker(city, "id", NOW).say(ring) for ring in chain(Scene(engine, NOW), "app-portal")] + [explain(view_of(engine), check.id)]
    )
    assert "https://portal.pantau.test/masuk?token=***" in said
    assert "rahasia" not in said


def test_the_chain_of_now_needs_no_looks() -> None:
    engine = cut_engine()
    rings = chain(Scene(engine, NOW), "kec-gadingrejo")
    assert [ring.name for ring in rings if ring.held] == ["listed", "watched", "promised", "odds", "reachable", "incident"]
    assert rings[-1].name == "route"  # the town has no routes
    assert chain(Scene(engine, NOW), "kel-a0")[-1].name == "reachable"
    assert chain(Scene(engine, NOW), "kel-a1")[-1].name == "lost"


def test_a_route_that_does_not_match_says_which_condition_and_where() -> None:
    city = replace(town(), routes=(Route(("tg-noc",), severities=("minor",), where="kabar.yaml:3"),))
    beliefs = cut_engine().state.beliefs
    engine = Engine(State(city, beliefs=beliefs, incidents=cut_engine().state.incidents))
    rings = chain(Scene(engine, NOW), "kec-gadingrejo")
    assert rings[-1].name == "route"
    assert not rings[-1].held
    assert "kabar.yaml:3 (tg-noc): `severities` critical" in Speaker(city, "id", NOW).passes(rings[-1])


def test_odds_are_weighed_again_by_the_beliefs_own_code_and_unsure_looks_weigh_nothing() -> None:
    city = town()
    check = city.checks["kel-a0/icmp"]
    looks = [ProbeResult(check.id, NOW, NOW + 0.01, Verdict.OK)]
    looks += [ProbeResult(check.id, NOW + 4 * n, NOW + 4 * n + 2, Verdict.FAIL, Reason.TIMEOUT) for n in range(1, 12)]
    looks.insert(4, ProbeResult(check.id, NOW + 13, NOW + 13.1, Verdict.UNSURE, Reason.LOOP_LATE))
    engine = engine_of(city)
    episode = nearest(episodes(city.rules[check.grade], check, looks), NOW + 20)
    assert episode is not None
    for look in looks:
        engine.apply(look)
    assert episode.known.decided == engine.state.beliefs[check.id].decided
    assert [each.look.verdict for each in episode.weighed] == [Verdict.FAIL] * len(episode.weighed)
    assert len(episode.weighed) + episode.further == 11


def test_of_a_wrong_answer_no_least_span_is_said_to_be_needed() -> None:
    beliefs = cut_engine().state.beliefs
    beliefs["kec-gadingrejo/icmp"].reason = Reason.REFUSED
    (ring,) = [ring for ring in chain(Scene(engine_of(town(), beliefs), NOW), "kec-gadingrejo") if ring.name == "odds"]
    assert "detik (jawabannya salah, maka lamanya tidak dihitung)" in Speaker(town(), "id", NOW).say(ring)
    assert "s (it answers wrongly, so how long does not count)" in Speaker(town(), "en", NOW).say(ring)


def test_every_ring_has_its_words_and_what_breaks_says_what_would_pass() -> None:
    assert BROKE.keys() == PASSES.keys()
    assert HELD.keys() <= BROKE.keys() | {"promised", "doubted", "port", "traced"}


WAYS = (
    ("198.18.0.1 * 198.18.1.1", True, "", "198.18.0.1 (Kantor Wali Kota [hub]) → * → 198.18.1.1; it answers ping itself"),
    ("198.18.0.1 198.18.7.7", False, "", "198.18.0.1 (Kantor Wali Kota [hub]) → 198.18.7.7; nobody answers after that"),
    ("", False, "", "nobody answers (a router that many ask at once may keep silent)"),
    ("", False, "Network is unreachable", "-; Network is unreachable"),
)


@pytest.mark.parametrize(("way", "reached", "end", "said"), WAYS, ids=[each[-1] for each in WAYS])
def test_the_way_to_the_cause_is_told_step_by_step(*, way: str, reached: bool, end: str, said: str) -> None:
    engine = cut_engine()
    traced = Decision(NOW, "g1", "traced", Why.WAY_TRACED, {"node": "kec-gadingrejo", "way": way, "reached": float(reached), "end": end})
    rings = told(Scene(engine, NOW, way=lambda _: traced), engine.state.city.nodes["kec-gadingrejo"])
    spoken = [Speaker(engine.state.city, "en", NOW).say(ring) for ring in rings if ring.name == "traced"]
    assert [line.partition(": ")[2] for line in spoken] == [said + "."]
