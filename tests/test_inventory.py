"""The inventory: the committed city is whole, and whatever is wrong in a file is said at once, exactly, and where."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.core.city import SITES, Kind
from monitor.core.errors import Exit, PantauError
from monitor.core.rules import GRADES, Grade
from monitor.core.topology import Topology
from monitor.inventory import InventoryError, examine, inspect, load, write_larger
from monitor.inventory.reference import reference
from monitor.inventory.resolve import fingerprint
from monitor.inventory.schema import json_schema
from monitor.probes import read_options

ROOT = Path(__file__).resolve().parent.parent
BAD = sorted((ROOT / "tests/bad").glob("*.yaml"))
COMMITTED = ROOT / "inventory.yaml"
CITY = load(COMMITTED)
SMALL = """
city: {name: Kota Contoh}
hub: {name: Pusat, address: 198.18.0.1}
sites:
  kec-a: {name: Kecamatan A, via: hub, address: 198.18.0.2, link: fibre}
  kel-b: {name: Kelurahan B, via: kec-a, address: 198.18.0.3, link: radio}
"""


def write(folder: Path, text: str, name: str = "inventory.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def said(path: Path) -> list[str]:
    """What is wrong with a file, each without the folder."""
    return [str(problem).removeprefix(f"{path.parent}{os.sep}") for problem in examine(path)[1]]


# -- what is wrong is said


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_broken_inventory_says_exactly_what_its_first_lines_expect(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    expected = [f"{path.name}:{line.removeprefix('# expect: ')}" for line in lines if line.startswith("# expect: ")]
    city, problems = examine(Path(path.name))
    assert [str(problem) for problem in problems] == expected
    assert expected
    assert city is None


def test_there_are_broken_inventories_of_more_than_25_kinds() -> None:
    assert len(BAD) > 25


def test_a_file_with_ten_faults_says_ten() -> None:
    assert len(examine(ROOT / "tests/bad/ten-faults.yaml")[1]) == 10


def test_the_error_of_a_bad_file_is_one_line_with_the_first_problem_and_status_78() -> None:
    with pytest.raises(
        InventoryError, match=r"city\.utc_ofset: there is no such key; did you mean utc_offset \(and 9 more: .*\)"
    ) as caught:
        load(ROOT / "tests/bad/ten-faults.yaml")
    assert caught.value.status is Exit.BAD_INVENTORY
    assert "\n" not in str(caught.value)
    assert len(caught.value.problems) == 10


def test_a_secret_in_clear_text_is_refused_without_being_repeated() -> None:
    for name, secret in (("secret-community", "pasuruan2019"), ("secret-token", "ABCDEF"), ("secret-in-url", "rahasia")):
        assert not any(secret in line for line in said(ROOT / f"tests/bad/{name}.yaml"))


def test_a_file_that_is_not_there_or_is_a_folder_without_inventory_is_one_line(tmp_path: Path) -> None:
    assert said(tmp_path / "none.yaml") == ["none.yaml:1:1: cannot be read: No such file or directory"]
    assert [problem.message for problem in examine(tmp_path)[1]] == ["cannot be read: No such file or directory"]


def test_a_problem_in_an_included_file_is_said_with_the_name_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    write(tmp_path / "more", "sites:\n  kel-c: {name: C, via: kec-x, address: 198.18.0.4}\n  kel-b: {name: B}\n", "b.yaml")
    path = write(tmp_path, "include: more\n" + SMALL)
    assert said(path) == [
        "more/b.yaml:2:25: sites.kel-c.via: there is no site 'kec-x' to be connected to; did you mean kec-a",
        f"more/b.yaml:3:3: sites.kel-b: stands twice; first in {path}:7",
    ]


def test_what_an_unreadable_file_would_have_said_is_not_called_missing(tmp_path: Path) -> None:
    write(tmp_path, "apps: [", "apps.yaml")
    path = write(tmp_path, "include: apps.yaml\n" + SMALL + "routes:\n  - {to: layar}\n")
    assert [line.partition(":")[0] for line in said(path)] == ["apps.yaml"]


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    with path.open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    assert said(path) == ["inventory.yaml:1:1: the file is larger than 16 MiB; divide it with include:"]


@pytest.mark.parametrize("text", ["[" * 20_000, "{a: " * 20_000, "- " * 20_000, "? " * 2_000, "a: &a [*a, *a]\n" * 50])
def test_a_bomb_ends_in_a_problem(text: str, tmp_path: Path) -> None:
    assert said(write(tmp_path, text))


KEYS = (
    "city hub sites apps risks routes via name address checks to include kind snmp http defaults receivers channel kinds classes people at"
)
VALUES = "kel-a kec-a telegram mail opds 198.18.0.1 no 0123 1:30 10s ~ -1.5 fibre opd icmp tcp *x &x << true 99999999999999999999"
WORDS = st.sampled_from([*KEYS.split(), *VALUES.split(), "!env A", "!x A", '"\\0"'])
YAML = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(WORDS, inner), max_size=5).map(lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}")
    ),
    max_leaves=30,
)
QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(YAML | st.text(max_size=60))
def test_no_text_makes_anything_but_problems(tmp_path: Path, text: str) -> None:
    city, problems = examine(write(tmp_path, text.encode("utf-8", "replace").decode()))
    assert city is None
    assert all("\n" not in str(problem) for problem in problems)
    assert problems


@QUICK
@given(st.sampled_from(SMALL.strip().splitlines()), WORDS, YAML)
def test_no_section_put_into_a_good_file_makes_anything_but_problems(tmp_path: Path, after: str, key: str, value: str) -> None:
    indent = after[: len(after) - len(after.lstrip())]
    city, problems = examine(write(tmp_path, SMALL.replace(after, f"{after}\n{indent}{key}: {value}")))
    assert (city is None) == bool(problems)


@QUICK
@given(st.binary(max_size=80))
def test_no_bytes_make_anything_but_problems(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_bytes(raw)
    assert examine(path)[0] is None


# -- what is no mistake, but nobody's wish


WARNED = """
routes: [{to: tg}]
receivers: {tg: {channel: telegram, name: Piket, token: !file none/telegram, chat: !credential chat}}
defaults: {snmp: {community: !env NO_COMMUNITY}}
"""


def warned(path: Path) -> list[str]:
    city, problems, warnings = inspect(path)
    assert (city is not None, problems) == (True, ())
    return [str(warning).removeprefix(f"{path.parent}{os.sep}") for warning in warnings]


def test_a_city_of_which_nobody_is_ever_told_is_warned_of(tmp_path: Path) -> None:
    assert warned(write(tmp_path, SMALL)) == ["inventory.yaml:2:1: receivers: there are none: nobody is ever told of anything"]
    told = "receivers: {layar: {channel: telegram, name: Layar, token: !env HERE, chat: !env HERE}}"
    with pytest.MonkeyPatch.context() as here:
        here.setenv("HERE", "a value of 20 letters")
        assert warned(write(tmp_path, SMALL + told)) == [
            "inventory.yaml:2:1: routes: there are none: no receiver is ever told of anything",
        ]
        assert warned(write(tmp_path, SMALL + told + "\nroutes: [{to: layar}]\n")) == []


def test_each_secret_that_cannot_be_read_is_warned_of_by_its_name_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.chdir(tmp_path)
    found = warned(write(tmp_path, SMALL + WARNED + "kinds: {kecamatan: {snmp: {community: !env NO_COMMUNITY}}}\n"))
    assert [line.partition(";")[0] for line in found] == [
        "inventory.yaml:9:57: receivers.tg.token: secret !file none/telegram: none/telegram: No such file or directory",
        "inventory.yaml:9:84: receivers.tg.chat: secret !credential chat: CREDENTIALS_DIRECTORY is not set",
        "inventory.yaml:10:30: defaults.snmp.community: secret !env NO_COMMUNITY: the variable is not set or empty",
    ]


def test_two_names_of_one_token_are_warned_of_and_the_token_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PUSH_A", "PUSH_B"):
        monkeypatch.setenv(name, "rahasia-rahasia-rahasia")
    push = "  kel-{0}: {{name: {0}, via: hub, icmp: false, checks: [{{kind: push, token: !env PUSH_{1}}}]}}\n"
    found = warned(write(tmp_path, SMALL + push.format("p", "A") + push.format("q", "B")))
    assert found[1:] == [
        "inventory.yaml:8:72: sites.kel-q.checks.0.token: !env PUSH_B holds the same token as !env PUSH_A: each caller needs its own"
    ]
    assert "rahasia" not in "".join(found)


# -- what a good file becomes


def test_a_small_inventory_becomes_a_tree(tmp_path: Path) -> None:
    city = load(write(tmp_path, SMALL))
    assert list(city.nodes) == ["hub", "kec-a", "kel-b"]
    kel = city.nodes["kel-b"]
    assert (kel.kind, kel.groups, kel.kecamatan, kel.owner) == (Kind.KELURAHAN, (("kec-a",),), "kec-a", "kec-a")
    assert kel.where == "inventory.yaml:6"
    check = city.checks["kel-b/icmp"]
    assert (check.target, check.grade, check.interval, check.timeout) == ("198.18.0.3", Grade.RADIO, 10, 3)
    assert city.links["link-kel-b"].parent == "kec-a"


def test_of_several_lines_each_is_looked_at_and_needs_both_its_ends(tmp_path: Path) -> None:
    ways = "[{to: hub, address: 198.19.0.1}, {to: kec-a, link: radio, address: 198.19.0.2}]"
    more = f"  opd-c: {{name: C, address: 198.18.0.4, via: {ways}}}\n"
    city = load(write(tmp_path, SMALL + more))
    assert city.nodes["opd-c"].groups == (("hub", "kec-a"),)
    backup = city.nodes["link-opd-c-kec-a"]
    assert (backup.kind, backup.groups) == (Kind.LINK, (("opd-c",), ("kec-a",)))
    assert (city.links["link-opd-c"].backup, city.links[backup.id].backup) == (False, True)
    assert city.checks[f"{backup.id}/icmp"].grade is Grade.RADIO


def test_what_a_site_says_goes_before_its_kind_and_its_class(tmp_path: Path) -> None:
    common = "kinds: {opd: {via: hub, link: fibre, hours: kerja}}\nclasses: {fibre: {interval: 20s, snmp: true}}\n"
    own = "  opd-c: {name: C, address: 198.18.0.4}\n  opd-d: {name: D, address: 198.18.0.5, hours: 24x7, snmp: false, interval: 30s}\n"
    city = load(write(tmp_path, common + SMALL + own))
    assert (city.nodes["opd-c"].hours, city.nodes["opd-d"].hours) == ("kerja", "24x7")
    assert (city.nodes["opd-c"].checks, city.nodes["opd-d"].checks) == (("opd-c/icmp", "opd-c/snmp"), ("opd-d/icmp",))
    assert (city.checks["opd-c/icmp"].interval, city.checks["opd-d/icmp"].interval) == (20, 30)


def test_where_ping_is_closed_the_next_check_decides(tmp_path: Path) -> None:
    more = "  opd-c: {name: C, via: hub, address: 198.18.0.4, icmp: false, checks: [{kind: tcp, port: 22, id: ssh, interval: 30}]}\n"
    city = load(write(tmp_path, SMALL + more))
    assert city.nodes["opd-c"].checks == ("opd-c/tcp-ssh",)
    assert city.checks["opd-c/tcp-ssh"].options == {"port": 22}


def test_a_risk_has_the_sites_that_name_it_and_those_it_names_with_all_of_a_kecamatan(tmp_path: Path) -> None:
    more = "  opd-c: {name: C, via: hub, address: 198.18.0.4, risks: pln}\nrisks: {pln: {kind: feeder, name: PLN, members: kec-a}}\n"
    city = load(write(tmp_path, SMALL + more))
    assert city.risks["pln"].members == ("kec-a", "kel-b", "opd-c")
    assert city.nodes["kel-b"].risks == ("pln",)


def test_people_and_groups_stand_for_their_contacts(tmp_path: Path) -> None:
    people = """
people: {a: {name: A, contacts: {mail: a@x.test}}, b: {name: B, contacts: {mail: b@x.test}}}
groups: {piket: [a, b]}
receivers: {surel: {channel: mail, name: Surel, host: x.test, sender: p@x.test, to: [piket, kadis@x.test, a]}}
"""
    assert load(write(tmp_path, SMALL + people)).receivers["surel"].options["to"] == ["a@x.test", "b@x.test", "kadis@x.test", "a@x.test"]


def test_layout_and_comments_change_no_fingerprint_but_a_word_does(tmp_path: Path) -> None:
    first = load(write(tmp_path, SMALL))
    moved = load(write(tmp_path, "# note\n\n" + SMALL.replace("name: Pusat, address: 198.18.0.1", "address: 198.18.0.1,   name: 'Pusat'")))
    other = load(write(tmp_path, SMALL.replace("Pusat", "Tengah")))
    assert (first.fingerprint == moved.fingerprint, first == moved) == (True, True)
    assert first.fingerprint != other.fingerprint
    assert fingerprint(replace(first, name="Lain")) != first.fingerprint


# -- the committed city


def test_the_committed_city_has_87_sites_18_applications_and_30_urusan() -> None:
    kinds = Counter(node.kind for node in CITY.nodes.values())
    assert (kinds[Kind.OPD], kinds[Kind.PUSKESMAS], kinds[Kind.KECAMATAN], kinds[Kind.KELURAHAN], kinds[Kind.APP]) == (41, 8, 4, 34, 18)
    assert sum(node.kind in SITES for node in CITY.nodes.values()) == 87
    assert (len(CITY.applications), len(CITY.urusan)) == (18, 30)


def test_everything_in_the_committed_city_is_reached_from_the_hub_and_looked_at() -> None:
    assert [node.id for node in CITY.nodes.values() if not node.groups] == ["hub"]
    assert {parent for node in CITY.nodes.values() for group in node.groups for parent in group} <= CITY.nodes.keys()
    assert all(node.checks for node in CITY.nodes.values())
    dark = Topology(CITY.nodes, ["hub"])
    assert [node for node in CITY.nodes if dark.reachable(node)] == ["hub"]


def test_a_kecamatan_carries_its_kelurahan_and_puskesmas_but_no_office_with_two_lines() -> None:
    topology = Topology(CITY.nodes)
    lost = {CITY.nodes[node].kind for node in topology.set_down("kec-gadingrejo", down=True)}
    assert lost == {Kind.KELURAHAN, Kind.PUSKESMAS, Kind.LINK}


def test_every_office_with_two_lines_has_a_watched_far_end_of_each() -> None:
    doubled = [node.id for node in CITY.nodes.values() if node.kind in SITES and len(node.groups[0]) > 1]
    assert len(doubled) == 15
    assert {"opd-rsud", "opd-bpbd", "opd-diskominfo"} <= set(doubled)
    assert all(link.id in CITY.nodes for link in CITY.links.values() if link.child in doubled)


def test_a_third_of_the_kelurahan_hang_on_radio_and_the_rivers_take_their_own() -> None:
    grades = Counter(link.grade for link in CITY.links.values() if link.child.startswith("kel-"))
    assert (grades[Grade.RADIO], grades[Grade.VPN]) == (11, 4)
    assert set(CITY.risks["sungai-petung"].members) == {"kel-tapaan", "kel-blandongan", "kel-bakalan"}
    assert CITY.checks["kel-karangketug/icmp"].grade is CITY.checks["kel-gentong/icmp"].grade is Grade.FIBRE


def test_every_check_of_the_committed_city_has_options_that_its_probe_reads() -> None:
    for check in CITY.checks.values():
        read_options(check.kind, check.options)
        assert check.timeout <= check.interval
        assert check.where.startswith("inventory.")


def test_every_name_and_address_of_the_committed_city_is_the_labs() -> None:
    assert all(node.address.startswith(("198.18.", "198.19.")) for node in CITY.nodes.values())
    assert len({node.address for node in CITY.nodes.values()}) == len(CITY.nodes)
    assert all(app.url == f"https://{app.id.removeprefix('app-')}.pantau.test/" for app in CITY.applications.values())


def test_the_larger_city_has_as_many_sites_as_asked_by_the_same_rules(tmp_path: Path) -> None:
    city = load(write_larger(COMMITTED, 415, tmp_path / "larger"))
    assert sum(node.kind in SITES for node in city.nodes.values()) == 415
    assert len({node.address for node in city.nodes.values()}) == len(city.nodes)
    assert CITY.nodes.keys() <= city.nodes.keys()
    assert {city.checks[f"{node.id}/icmp"].grade for node in city.nodes.values() if node.kind is Kind.TITIK} >= {Grade.FIBRE, Grade.RADIO}


def test_a_larger_city_is_not_smaller(tmp_path: Path) -> None:
    with pytest.raises(PantauError, match=r"--sites 5: the city has 87; give a number from 87 to 5000"):
        write_larger(COMMITTED, 5, tmp_path)


def test_a_class_may_have_odds_a_cap_and_outages_of_its_own(tmp_path: Path) -> None:
    rules = load(write(tmp_path, SMALL + "classes: {radio: {odds: 9, cap: 5m, outages: 20, interval: 20s}}\n")).rules
    assert rules[Grade.RADIO] == replace(GRADES[Grade.RADIO], odds=9, cap=300, outages=20, interval=20)
    assert rules[Grade.FIBRE] == GRADES[Grade.FIBRE]


def test_the_reference_and_the_schema_are_those_of_the_types() -> None:
    assert (ROOT / "docs/inventory.md").read_text(encoding="utf-8").rstrip() == reference().rstrip()
    assert (ROOT / "docs/inventory.schema.json").read_text(encoding="utf-8").rstrip() == json_schema().rstrip()


def test_every_file_of_the_inventory_names_its_schema_on_line_1() -> None:
    for path in (COMMITTED, *(ROOT / "inventory.d").glob("*.yaml")):
        marker, _, schema = path.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")
        assert marker == "# yaml-language-server: "
        assert (path.parent / schema).resolve() == ROOT / "docs/inventory.schema.json"
