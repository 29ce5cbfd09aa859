"""The rehearsal city: what is done to it really happens in the kernel, and what it says is what a person would get."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import cast

import pytest

from monitor.core.errors import PantauError
from monitor.lab import client
from monitor.traps.message import read
from tests.conftest import lack, need
from tests.rehearsal import Rehearsal, rehearsal

HUB, KEC, ATAS, RSUD = "198.18.0.1", "198.18.0.5", "198.18.0.6", "198.18.0.8"
MAIN_LINK, BACKUP_LINK = "198.19.0.1", "198.19.0.2"
IN_TABLE = "1.3.6.1.2.1.2.2.1"
LINK_DOWN, LINK_UP = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3), (1, 3, 6, 1, 6, 3, 1, 1, 5, 4)


@pytest.fixture(scope="module", name="town")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with rehearsal(tmp_path_factory.mktemp("kota")) as running:
        try:
            running.wait("Kota hidup")
        except AssertionError:
            if "the kernel refuses the namespaces" in running.said:
                lack(running.said)
            raise
        yield running


@pytest.fixture(autouse=True)
def _mended(town: Rehearsal) -> Iterator[None]:
    yield
    for row in client.names():
        if row["state"] not in {"", "ok"}:
            (client.app if row["kind"] == "app" else client.restore)(str(row["id"]))
    town.until(answers, "ping", ATAS, 0.2)  # a link just up may lose the first packet: the kernel tells of its carrier a moment later


def answers(said: object) -> bool:
    return isinstance(said, list)


def ttl(said: object) -> int:
    assert isinstance(said, list), said
    return int(said[1])


def test_every_address_answers(town: Rehearsal) -> None:
    for number in range(1, 9):
        assert answers(town.ask("ping", f"198.18.0.{number}"))
    assert answers(town.ask("ping", MAIN_LINK))
    assert answers(town.ask("ping", BACKUP_LINK))


def test_a_cut_kecamatan_takes_what_is_behind_it_and_nothing_else(town: Rehearsal) -> None:
    assert "link-kec-timur" in client.cut("kec-timur")
    assert town.ask("ping", KEC) == "unreachable"
    assert not answers(town.ask("ping", ATAS))
    assert answers(town.ask("ping", RSUD))
    client.restore("kec-timur")
    town.until(answers, "ping", ATAS, 0.2)


def test_the_device_above_a_cut_line_says_so_by_a_trap_and_by_another_that_it_is_back(town: Rehearsal) -> None:
    town.ask("listen", 162)
    for act, what in ((client.cut, LINK_DOWN), (client.restore, LINK_UP)):
        act("kel-atas")
        address, data = cast("list[str]", town.ask("heard"))
        notice = read(bytes.fromhex(data))
        assert (address, notice.what, notice.community.decode()) == (KEC, what, town.ask("credential", "trap"))


def test_the_backup_carries_the_packets_when_the_main_line_is_cut(town: Rehearsal) -> None:
    assert ttl(town.ask("ping", RSUD)) == 63, "one router on the way: the hub"
    client.cut("link-rsud")
    assert ttl(town.ask("ping", RSUD)) == 62, "two: the hub and the kecamatan"
    assert not answers(town.ask("ping", MAIN_LINK))
    assert answers(town.ask("ping", BACKUP_LINK))


def test_a_cut_backup_is_seen_at_its_own_address_only(town: Rehearsal) -> None:
    client.cut("link-rsud-cadangan")
    assert not answers(town.ask("ping", BACKUP_LINK))
    assert ttl(town.ask("ping", RSUD)) == 63


def test_cutting_a_station_cuts_all_its_lines_to_the_hub(town: Rehearsal) -> None:
    client.cut("opd-rsud")
    assert not answers(town.ask("ping", RSUD))
    assert answers(town.ask("ping", KEC))


def test_the_internet_is_reached_by_the_other_isp(town: Rehearsal) -> None:
    client.cut("isp-utama")
    assert answers(town.ask("ping", "198.18.0.4"))
    client.cut("isp-cadangan")
    assert not answers(town.ask("ping", "198.18.0.4"))


def test_cut_off_the_prober_hears_silence(town: Rehearsal) -> None:
    client.cut("noc")
    assert town.ask("ping", HUB, 0.2) == "timeout"


def test_a_dead_hub_is_silent_and_comes_back(town: Rehearsal) -> None:
    client.reboot("hub", 0.5)
    town.until(lambda said: said == "timeout", "ping", HUB, 0.1)
    town.until(answers, "ping", HUB, 0.1)
    town.until(answers, "ping", ATAS, 0.1)


def test_so_many_of_the_round_trips_are_lost_as_was_said(town: Rehearsal) -> None:
    client.loss("kel-atas", 30)
    answered = town.ask("pings", ATAS, 1000)
    assert isinstance(answered, int)
    assert 700 - 102 < answered < 700 + 102, "seven standard deviations"
    client.loss("kel-atas", 100)
    assert town.ask("pings", ATAS, 20) == 0
    client.loss("kel-atas", 0)
    assert town.ask("pings", ATAS, 100) == 100


def test_losses_come_in_bursts_and_pass(town: Rehearsal) -> None:
    client.loss("kel-atas", 50, burst=0.05)
    town.until(lambda said: not answers(said), "ping", ATAS, 0.02)
    town.until(answers, "ping", ATAS, 0.02)


def test_a_late_link_is_late_for_all_behind_it(town: Rehearsal) -> None:
    client.delay("kec-timur", 60)
    for address in (KEC, ATAS):
        said = town.ask("ping", address, 5)
        assert isinstance(said, list)
        assert said[0] >= 0.06
    client.cut("kec-timur")
    assert not answers(town.ask("ping", KEC))
    client.restore("kec-timur")
    town.until(lambda said: isinstance(said, list) and said[0] < 0.06, "ping", ATAS)


def test_a_reboot_takes_the_station_and_brings_it_back(town: Rehearsal) -> None:
    client.reboot("kec-timur", 0.3)
    town.until(lambda said: not answers(said), "ping", ATAS, 0.2)
    town.until(answers, "ping", ATAS, 0.2)


def test_a_feeder_takes_its_members_after_their_batteries(town: Rehearsal) -> None:
    assert "1.2 s" in client.power("pln-timur", on=False, speed=1000)
    assert answers(town.ask("ping", ATAS))
    town.until(lambda said: not answers(said), "ping", ATAS, 0.2)
    town.until(lambda said: not answers(said), "ping", "198.18.0.7", 0.2)
    client.power("pln-timur", on=True, speed=1000)
    town.until(answers, "ping", ATAS, 0.2)


def test_a_flood_takes_the_sites_of_its_river_and_gives_them_back(town: Rehearsal) -> None:
    assert "sungai-timur" in client.scenario("flood", speed=1000)
    town.until(lambda said: not answers(said), "ping", ATAS, 0.2)
    town.until(answers, "ping", ATAS, 0.2)


def test_names_are_found(town: Rehearsal) -> None:
    assert town.ask("look_up", "portal.pantau.test") == HUB
    assert town.ask("look_up", "telegram.pantau.test") == "198.18.0.4"
    assert town.ask("look_up", "tidak-ada.pantau.test") == "NXDOMAIN"
    assert town.ask("look_up", "example.com") == "REFUSED"


@pytest.mark.parametrize(
    ("mode", "status", "text"),
    [
        ("ok", 200, "Selamat datang"),
        ("slow", 200, "Selamat datang"),
        ("stale", 200, "Selamat datang"),
        ("500", 500, "Internal Server Error"),
        ("defaced", 200, "slot gacor"),
        ("expired", 0, "certificate has expired"),
    ],
)
def test_an_application_falls_ill_as_it_is_told(town: Rehearsal, mode: str, status: int, text: str) -> None:
    client.app("app-portal", mode)
    said = town.ask("page", "portal.pantau.test")
    assert isinstance(said, list)
    assert said[0] == status
    assert text in said[1]


def test_an_application_that_hangs_takes_the_request_and_says_nothing(town: Rehearsal) -> None:
    client.app("app-portal", "hang")
    assert town.ask("page", "portal.pantau.test", 0.3) == [0, "timeout"]


def test_a_router_tells_pysnmp_of_its_live_interfaces(town: Rehearsal) -> None:
    community = town.ask("credential", "snmp")
    client.cut("kel-atas")
    rows = town.ask("walk", KEC, community, IN_TABLE)
    assert isinstance(rows, list)
    table = {oid.removeprefix(f"{IN_TABLE}."): value for oid, value in rows}
    index = {value: oid.split(".")[1] for oid, value in table.items() if oid.startswith("2.")}
    assert set(index) == {"lo", "ether1", "ether2", "ether3", "ether4"}
    down = [name for name, number in index.items() if table[f"8.{number}"] == "2"]
    assert len(down) == 1, "the port to the cut kelurahan has no carrier"
    assert int(table[f"10.{index['ether1']}"]) > 0


def test_a_wrong_community_is_met_with_silence(town: Rehearsal) -> None:
    assert town.ask("walk", KEC, "public", IN_TABLE) == []


def test_what_is_sent_arrives_on_the_phones_in_order(town: Rehearsal) -> None:
    before = len(client.phone())
    heading = "🔴 GANGGUAN g17 · Kecamatan Timur [kec-timur]"
    token, chat = town.ask("credential", "telegram"), town.ask("credential", "chat")
    said = town.ask(
        "post",
        "telegram.pantau.test",
        f"/bot{token}/sendMessage",
        {"chat_id": chat, "text": f"<b>{heading}</b>\n&lt;mati&gt;", "parse_mode": "HTML"},
    )
    assert isinstance(said, list)
    assert said[0] == 200
    assert isinstance(said[1]["result"]["message_id"], int)
    town.ask("post", "layar.pantau.test", "/", {"receiver": "layar", "text": heading.replace("GANGGUAN", "PERKEMBANGAN")})
    town.ask("mail", "kabid@pantau.test", heading.replace("GANGGUAN", "PULIH"), "Normal kembali.\n.titik di awal baris")
    messages = client.phone()[before:]
    assert [(one["channel"], one["to"], one["step"]) for one in messages] == [
        ("telegram", chat, "open"),
        ("webhook", "layar", "update"),
        ("mail", "kabid@pantau.test", "end"),
    ]
    assert {(one["incident"], one["cause"]) for one in messages} == {("g17", "kec-timur")}
    assert "<mati>" in str(messages[0]["text"])
    assert "\n.titik" in str(messages[2]["text"])
    assert next(client.follow(before)) == messages[0]
    assert str(messages[0]["when"]).endswith(" WIB")


def test_telegram_refuses_what_the_real_one_refuses(town: Rehearsal) -> None:
    token = town.ask("credential", "telegram")
    path = f"/bot{token}/sendMessage"
    assert town.ask("post", "telegram.pantau.test", "/bot1:salah/sendMessage", {"chat_id": 1, "text": "a"})[0] == 401  # type: ignore[index]
    assert town.ask("post", "telegram.pantau.test", path, {"chat_id": 1, "text": "<b>a", "parse_mode": "HTML"})[0] == 400  # type: ignore[index]
    said = [town.ask("post", "telegram.pantau.test", path, {"chat_id": 7, "text": "a"}) for _ in range(21)]
    assert [one[0] for one in said] == [200] * 20 + [429]  # type: ignore[index]
    assert said[-1][1]["parameters"]["retry_after"] >= 1  # type: ignore[index]


def test_the_daemon_is_started_again_when_it_is_killed(town: Rehearsal) -> None:
    first = town.until(bool, "daemon")
    town.ask("kill", first)
    assert town.until(lambda pid: pid not in {0, first}, "daemon")


def test_its_messages_link_to_where_its_page_answers(town: Rehearsal) -> None:
    page = re.search(r"http://127\.0\.0\.1:\d+", town.said)
    assert page
    assert town.ask("told", town.until(bool, "daemon"), "PANTAU_CITY_PAGE") == page[0]


@pytest.mark.usefixtures("town")
def test_what_is_mended_is_said_to_be_mended() -> None:
    assert client.loss("kel-atas", 0) == "kel-atas: tidak kehilangan paket lagi · no loss any more (link-kel-atas)"
    assert client.delay("kel-atas", 0) == "kel-atas: tidak terlambat lagi · no delay any more (link-kel-atas)"
    assert client.restore("hub") == "hub: pulih · restored (power)"


@pytest.mark.parametrize(
    ("word", "details", "line"),
    [
        ("cut", {"id": "kec-timr"}, "kec-timr: no such station or link; did you mean 'kec-timur'?"),
        ("cut", {"id": "app-portal"}, "app-portal: no such station or link; it is an application: `pantau lab app app-portal hang`"),
        (
            "loss",
            {"id": "kel-atas", "percent": 101, "burst": 0},
            "loss 101 --burst 0: percent is 0 to 100, a burst is in seconds and not negative",
        ),
        (
            "app",
            {"id": "app-portal", "mode": "sakit"},
            "app-portal: no such mode 'sakit'; there are ok, slow, 500, hang, defaced, expired, stale",
        ),
        ("cut", {"id": "pln-timur"}, "pln-timur: no such station or link; it is a feeder: `pantau lab power pln-timur off|on`"),
        ("power", {"id": "kel-atas", "speed": 1, "on": False}, "kel-atas: no such feeder; it is a station: `pantau lab cut kel-atas`"),
        ("cut", {}, "cut: the request is not complete: 'id'"),
        ("potong", {}, "potong: no such word; there are "),
    ],
)
def test_a_wrong_word_is_answered_with_one_line(word: str, details: dict[str, object], line: str) -> None:
    with pytest.raises(PantauError) as refused:
        client.tell(word, **details)
    assert str(refused.value).startswith(line)


@pytest.mark.parametrize("dashes", [["--"], []])
def test_exec_stands_in_the_station_and_hands_back_the_exit_status(town: Rehearsal, dashes: list[str]) -> None:
    need("nsenter")
    words = [sys.executable, "-c", "from monitor.cli import main; main()", "lab", "exec", "kec-timur", *dashes]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(town.home)}
    said = subprocess.run(
        [*words, "sh", "-c", 'test -d "$CREDENTIALS_DIRECTORY" && getent hosts portal.pantau.test; exit 7'],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert said.returncode == 7
    assert said.stdout.split()[-1:] == ["portal.pantau.test"], said.stderr
