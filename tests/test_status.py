import json

from exporters.explain import explain
from exporters.status import counts, status
from monitor.core.belief import Belief
from monitor.core.events import Decision, Why
from monitor.core.verdict import Verdict
from monitor.engine import Condition
from tests.town import NOW, cut_engine, engine_of, town, unheard, up, view_of


def test_a_good_day_counts_everything_up() -> None:
    shown = status(engine_of(town()), NOW, "/run/control")
    assert shown["sites"] == {"up": 12, "down": 0, "unknown": 0, "degraded": 0, "no_reply": 0, "suspect": 0, "shadowed": 0, "new": 0}
    assert (shown["incidents"], shown["owed"], shown["control"], shown["at"], shown["utc_offset"]) == ([], 0, "/run/control", NOW, 7.0)


def test_up_down_and_unknown_add_up_and_the_rest_are_parts_of_them() -> None:
    each = counts(Condition)
    assert each == {"up": 4, "down": 2, "unknown": 3, "degraded": 1, "no_reply": 1, "suspect": 1, "shadowed": 1, "new": 1}


def test_an_incident_is_told_with_cause_class_shadow_impact_and_receivers() -> None:
    shown = json.loads(json.dumps(status(cut_engine(), NOW)))
    assert shown["sites"]["down"] == 5
    (incident,) = shown["incidents"]
    assert incident["cause"] == "kec-gadingrejo"
    assert incident["class"] == ["kec-gadingrejo", "link-kec-gadingrejo"]
    assert incident["since"] == [NOW - 630, NOW - 620]
    assert incident["shadowed"] == ["kel-a0", "kel-b0", "kel-c0", "pkm-gadingrejo"]
    assert incident["impact"]["sites"] == ["kec-gadingrejo", *incident["shadowed"]]
    assert incident["impact"]["urusan"] == ["kominfo"]
    assert (incident["told"], incident["owed"]) == (["tg-noc", "surel"], ["surel"])


def test_an_ended_incident_is_not_listed() -> None:
    engine = cut_engine()
    engine.state.incidents["g17"].ended = NOW
    assert status(engine, NOW)["incidents"] == []


def test_what_answers_with_a_warning_is_up_and_degraded() -> None:
    late = up()
    late.verdict = Verdict.SLOW
    engine = engine_of(town(), {"kel-a0/icmp": late, "kel-b0/icmp": Belief(since=NOW), "app-portal/http": up(NOW - 900)})
    shown = json.loads(json.dumps(status(engine, NOW)))
    assert shown["sites"] == {"up": 11, "down": 0, "unknown": 1, "degraded": 1, "no_reply": 0, "suspect": 0, "shadowed": 0, "new": 1}
    assert shown["apps"] == {"up": 0, "down": 0, "unknown": 1, "degraded": 0, "no_reply": 0, "suspect": 0, "shadowed": 0, "new": 0}
    assert shown["nodes"]["kel-b0"] == "new"


def test_what_no_look_could_tell_of_is_new_at_first_and_then_unknown() -> None:
    assert status(unheard(NOW - 59), NOW)["sites"]["new"] == 12  # type: ignore[index]
    blind = status(unheard(NOW - 70), NOW, not_ready="no room")
    assert (blind["sites"]["unknown"], blind["sites"]["new"], blind["not_ready"]) == (12, 0, "no room")  # type: ignore[index]
    assert status(unheard(NOW - 70, last_valid=NOW - 3), NOW)["sites"]["new"] == 12  # type: ignore[index]


def test_a_node_is_explained_by_its_numbers_its_parents_its_line_and_its_decisions() -> None:
    kept = {"kel-a0/icmp": [Decision(NOW - 590, "kel-a0/icmp", "down", Why.ODDS_REACHED, {"nats": 20.0})],
            "kel-a0": [Decision(NOW - 580, "kel-a0", "shadowed", Why.SHADOWED)]}  # fmt: skip
    found = explain(view_of(cut_engine(), decisions=lambda subject, limit: kept.get(subject, [])[:limit]), "kel-a0")
    shown = json.loads(json.dumps(found))
    assert (shown["condition"], shown["reachable"], shown["where"]) == ("shadowed", False, "inventory.yaml:12")
    assert shown["groups"] == [[{"id": "kec-gadingrejo", "condition": "down", "forwards": False}]]
    assert shown["checks"][0]["belief"]["log_odds"] > shown["checks"][0]["belief"]["log_odds_needed"] > 4
    assert [incident["id"] for incident in shown["incidents"]] == ["g17"]
    assert [decision["why"] for decision in shown["decisions"]] == ["shadowed", "odds_reached"]


def test_a_check_an_incident_and_a_link_that_nobody_looks_at_are_explained_too() -> None:
    view = view_of(cut_engine())
    what = {subject: (explain(view, subject) or {}).get("what") for subject in ("hub/icmp", "g17", "link-kel-a0", "link-opd-dinas0-b")}
    assert what == {"hub/icmp": "check", "g17": "incident", "link-kel-a0": "link", "link-opd-dinas0-b": "node"}


def test_what_nobody_knows_is_not_explained() -> None:
    assert explain(view_of(cut_engine()), "kel-atlantis") is None
