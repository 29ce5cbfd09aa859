import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.words import clock
from exporters.web import application
from monitor import cli
from monitor.core.errors import Exit
from monitor.core.printable import printable
from monitor.probes.icmp_pool import pack
from tests.town import NOW, cut, engine_of, town, view_of

ROOT = Path(__file__).resolve().parent.parent
NOBODY = "http://127.0.0.1:9"


def commands(group: click.Group = cli.root, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("words", sorted(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*words, "--help"]) == Exit.OK
    assert "pantau" in capsys.readouterr().out.partition("example:")[2]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["statsu"], "pantau: no command 'statsu'; did you mean 'status'?"),
        (["lab", "loss", "kel-gentong", "200"], "pantau: Invalid value for 'PERCENT': '200' is no percentage: write 5 or 5%, at most 100"),
        (["ping", "127.0.0.1", "--timeout", "nan"], "pantau: Invalid value for '--timeout': 'nan' is not a number"),
        (["lab", "up", "--listen", "9475"], "pantau: Invalid value for '--listen': 9475: not ADDRESS:PORT, as 127.0.0.1:9475"),
        (["probe", "tcp"], "pantau: say what to look at: pantau probe KIND TARGET [KEY=VALUE]..."),
        (["probe", "tcp", "127.0.0.1", "port"], "pantau: port: not KEY=VALUE"),
        (["status", "--url", "ftp://x"], "pantau: --url ftp://x: not an address like http://127.0.0.1:9475"),
        (["status", "--url", "http://["], "pantau: --url http://[: not an address like http://127.0.0.1:9475"),
        (["status", "--url", "http://127.0.0.1:99999"], "pantau: --url http://127.0.0.1:99999: not an address like"),
        (["lab", "power", "pln-pusat"], "pantau: Missing argument '{on|off}'. Choose from: on, off"),
        (["lab", "app", "app-portal"], "pantau: Missing argument '{ok|slow|500|hang|defaced|expired|stale}'. Choose from: ok, slow, 500,"),
        (["notify", "tset"], "pantau: No such command 'tset'."),
        (
            ["probe", "ping", "127.0.0.1"],
            "pantau: probe 'ping': there is no such kind; there are icmp, snmp, http, tcp, dns, ntp, push, domain",
        ),
        (["probe", "tcp", "127.0.0.1", "port=99999"], "pantau: probe tcp: port: must be at most 65535"),
        (["probe", "tcp", "127.0.0.1"], "pantau: probe tcp: port: is missing"),
        (["probe", "tcp", "127.0.0.1", "port=9", "port=10"], "pantau: port: stands there twice"),
        (["probe", "tcp", "127.0.0.1", "port=9", "kind=icmp"], "pantau: probe tcp: kind: there is no such key"),
        (["probe", "tcp", "127.0.0.1", "port=9", "target=::1"], "pantau: probe tcp: target: there is no such key"),
        (
            ["probe", "tcp", "127.0.0.1", "port=9", "--batch", "-"],
            "pantau: tcp: --batch says in its lines what to look at, and answers in lines",
        ),
        (["probe", "tcp", "127.0.0.1", "port=x", "prot=1"], "pantau: probe tcp: port: must be a whole number; prot: there is no such key"),
        (
            ["probe", "dns", "127.0.0.1", "name=x", "type=ZZ"],
            "pantau: probe dns: type: must be one of A, AAAA, CNAME, MX, NS, PTR, SOA, SRV",
        ),
        (
            ["probe", "icmp", "127.0.0.1", "timeout=0"],
            "pantau: probe icmp: timeout: must be a number of seconds, more than 0 and at most 3600",
        ),
        (
            ["probe", "icmp", "127.0.0.1", "timeout=true"],
            "pantau: probe icmp: timeout: must be a number of seconds, more than 0 and at most 3600",
        ),
        (
            ["probe", "icmp", "127.0.0.1", "count=11", "timeout=1"],
            "pantau: probe icmp: the last of 11 packets would leave after 1 s, and the time-out is 1 s",
        ),
        (["probe", "icmp", "127.0.0.1", "source=eth0"], "pantau: probe icmp: source: 'eth0' is no address; name one of this machine"),
        (["probe", "icmp", "127.0.0.1", "size=7", "ttl=256"], "pantau: probe icmp: size: must be at least 8; ttl: must be at most 255"),
        (["probe", "http", "http://["], "pantau: probe http: http://[: is not a URL"),
        (["probe", "http", "127.0.0.1", "url=ftp://x"], "pantau: probe http: url: a URL begins with http:// or https://"),
        (
            ["lab", "loss", "kel-gentong", "banyak"],
            "pantau: Invalid value for 'PERCENT': 'banyak' is no percentage: write 5 or 5%, at most 100",
        ),
        (["probe", "tcp", "127.0.0.1", "port=9", "slow=" + "[" * 100_000], "pantau: probe tcp: slow: must be a number"),
        (["explain", ""], "pantau: Invalid value for INCIDENT|ID: is empty; ids are those of the inventory and of incidents"),
        (["probe", "snmp", "127.0.0.1", "version=3"], "pantau: probe snmp: keys: version 3 needs a user"),
        (["lab", "up", "--sites", "0"], "pantau: Invalid value for '--sites': 0 is not in the range 1<=x<=5000."),
    ],
)
def test_a_usage_error_is_one_line_and_exit_3(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(words) == Exit.UNKNOWN
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(line)


@pytest.fixture(name="files")
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the current folder: an empty file, one of noise, a huge one, one that is a pipe, a folder."""
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    Path("noise").write_bytes(bytes(range(256)) * 4)
    with Path("huge").open("wb") as huge:
        huge.truncate(32 * 1024 * 1024)
    os.mkfifo("pipe")
    Path("folder").mkdir()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["check-config", "none"], 1, "none:1:1: cannot be read: No such file or directory"),
        (["check-config", "empty"], 1, "empty:1:1: the file is empty; an inventory begins with city:"),
        (["check-config", "noise"], 1, "noise:2:118: the file is not UTF-8 text; save it as UTF-8"),
        (["check-config", "huge"], 1, "huge:1:1: the file is larger than 16 MiB; divide it with include:"),
        (["check-config", "folder"], 1, "folder/inventory.yaml:1:1: cannot be read: No such file or directory"),
        (["check-config", "pipe"], 1, "pipe:1:1: cannot be read: it is a pipe, which might be waited for without end; name a file"),
        (["check-config", "empty/x"], 1, "empty/x:1:1: cannot be read: Not a directory"),
        (["check-config", "-"], 1, "-:1:1: cannot be read: No such file or directory"),
        (["serve", "--config", "none"], 78, "pantau: none:1:1: cannot be read: No such file or directory"),
        (["serve", "--config", "pipe"], 78, "pantau: pipe:1:1: cannot be read: it is a pipe"),
        (["lab", "up", "--config", "noise", "--data-dir", "data"], 78, "pantau: noise:2:118: the file is not UTF-8 text"),
        (["lab", "up", "--data-dir", "empty"], 3, "empty: File exists"),
        (["probe", "--batch", "none"], 3, "pantau: none: No such file or directory"),
        (["probe", "--batch", "folder"], 3, "pantau: folder: Is a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_file_that_cannot_be_what_it_should_be_is_one_line(
    words: list[str], status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(words) == status
    said = "".join(capsys.readouterr()).splitlines()
    assert len(said) == 1
    assert line in said[0]


@pytest.mark.usefixtures("files")
def test_a_batch_of_noise_is_answered_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["probe", "--batch", "noise"]) == 1
    assert {json.loads(line)["verdict"] for line in capsys.readouterr().out.splitlines()} == {"UNSURE"}


def test_a_name_with_a_zero_byte_or_half_a_sign_is_no_address_and_no_fault_of_ours() -> None:
    assert pack("127.0.0.1\0") is None
    assert pack("\ud800") is None


@pytest.mark.parametrize("words", [[], ["lab"], ["notify"]], ids=" ".join)
def test_a_group_without_a_command_shows_its_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(words) == Exit.OK
    assert "example:" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["status"], ["explain", "hub"], ["reload"], ["notify", "test", "piket"]], ids=" ".join)
def test_without_a_daemon_a_question_says_how_to_start_one_and_ends_with_3(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*words, "--url", NOBODY]) == Exit.UNKNOWN
    assert "no daemon answers there" in capsys.readouterr().err


def test_without_a_city_its_words_say_how_to_start_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert cli.run(["lab", "cut", "kec-gadingrejo"]) == Exit.MISSING
    assert capsys.readouterr().err == "pantau: no city is running here: start one with `pantau lab up`\n"


def test_the_committed_inventory_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check-config", str(ROOT / "inventory.yaml")]) == Exit.OK
    assert "87 situs/sites, 18 aplikasi/applications" in capsys.readouterr().out


def test_a_broken_inventory_is_told_as_json_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text("city: {nama: Pasuruan}\n", encoding="utf-8")
    assert cli.run(["check-config", str(file), "--format", "json"]) == Exit.WARNING
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert {"file", "line", "column", "key", "message", "hint"} == set(problems[0])
    assert (1, "city.nama", "name") in [(problem["line"], problem["key"], problem["hint"]) for problem in problems]


def test_a_warning_leaves_the_inventory_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text("city: {name: A}\nhub: {name: B, address: 198.18.0.1}\nsites: {}\n", encoding="utf-8")
    assert cli.run(["check-config", str(file)]) == Exit.OK
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == f"peringatan / warning: {file}:1:1: receivers: there are none: nobody is ever told of anything"
    assert second.endswith(": baik / clean, 1 peringatan / warnings")
    assert cli.run(["check-config", str(file), "--format", "json"]) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["problems"], [each["key"] for each in told["warnings"]]) == ([], ["receivers"])


def test_a_batch_answers_each_line_and_says_when_one_could_not_be_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "looks"
    file.write_text('{"id": "a1", "kind": "tcp", "target": "127.0.0.1", "port": 9, "timeout": 2}\nnonsense\n', encoding="utf-8")
    assert cli.run(["probe", "--batch", str(file)]) == 1
    answers = {line["id"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (answers["a1"]["verdict"], answers["a1"]["reason"]) == ("FAIL", "refused")
    assert answers[None]["verdict"] == "UNSURE"


def test_help_imports_nothing_heavy() -> None:
    heavy = "[name for name in ('pydantic', 'aiohttp', 'rich', 'asyncio') if name in sys.modules]"
    code = f"import sys; from monitor import cli; cli.run(['--help']); print({heavy})"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.splitlines()[-1] == "[]"


@pytest_asyncio.fixture(name="url")
async def _url() -> AsyncIterator[str]:
    city = town()
    beliefs, incident, page = cut(city)
    over = replace(cut(city, "purworejo", "g16")[1], ended=NOW - 60)
    async with TestServer(application(view_of(engine_of(city, beliefs, incident, over, owed=(page,))))) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_something_else_that_answers_json_is_not_taken_for_a_daemon() -> None:
    other = web.Application()
    other.router.add_get("/{path:.*}", _nothing)
    async with TestServer(other) as server:
        words = [sys.executable, "-c", "from monitor.cli import main; main()", "status", "--url", f"http://127.0.0.1:{server.port}"]
        process = await asyncio.create_subprocess_exec(*words, stderr=subprocess.PIPE, cwd=ROOT)
        _, said = await process.communicate()
    assert process.returncode == Exit.UNKNOWN
    assert said.decode().endswith("/api/v1/status: something answers there, but it is not pantau\n")


async def _nothing(_request: web.Request) -> web.Response:
    return web.json_response({})


def test_a_full_disk_under_the_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-c", "from monitor.cli import main; main()", "check-config"]
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (Exit.UNKNOWN, "pantau: the output cannot be written: No space left on device\n")


def test_a_full_disk_under_the_answers_of_a_batch_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-c", "from monitor.cli import main; main()", "probe", "--batch", "-"]
        line = '{"kind": "tcp", "target": "127.0.0.1", "port": 1}\n'
        ended = subprocess.run(words, input=line * 3, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (Exit.UNKNOWN, "pantau: the output cannot be written: No space left on device\n")


async def _said(*words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from monitor.cli import main; main()", *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_check_is_critical_while_an_outage_is_open_in_the_form_of_nagios(url: str) -> None:
    status, said = await _said("check", "--url", url)
    assert status == Exit.CRITICAL
    assert said.startswith("CRITICAL - 1 gangguan/incidents: kec-gadingrejo;")
    assert "| 'incidents'=1 " in said


async def test_check_of_ids_takes_the_worst_and_an_unknown_one_ends_with_3(url: str) -> None:
    assert (await _said("check", "hub", "--url", url))[0] == Exit.OK
    assert (await _said("check", "hub", "kec-gadingrejo", "--url", url))[0] == Exit.CRITICAL
    assert (await _said("check", "nowhere", "--url", url))[0] == Exit.UNKNOWN


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["g17"], 2, "CRITICAL - g17 terbuka/open (kec-gadingrejo) | 'g17'=2\n"),
        (["g16"], 0, "OK - g16 selesai/ended (kec-purworejo) | 'g16'=0\n"),
        (["sungai-*", "hub"], 0, "OK - sungai-welang up, hub up | 'sungai-welang'=0 'hub'=0\n"),
        (["k?c-*"], 2, "CRITICAL - kec-gadingrejo down, kec-purworejo up | "),
        (["hub/icmp"], 0, "OK - hub/icmp up | 'hub/icmp'=0\n"),
        (
            ["pln-*", "kec-gadingrejo"],
            3,
            "UNKNOWN - pln-*: no id is like this; ids are those of sites, applications, risks and open incidents\n",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
async def test_incidents_risks_and_patterns_can_be_asked_for_as_any_id(url: str, words: list[str], status: int, said: str) -> None:
    found = await _said("check", *words, "--url", url)
    assert (found[0], found[1][: len(said)]) == (status, said)


async def test_a_shared_risk_is_down_while_an_open_incident_names_it() -> None:
    city = town()
    beliefs, incident, _ = cut(city)
    named = replace(incident, cause=replace(incident.cause, node="sungai-welang"))
    async with TestServer(application(view_of(engine_of(city, beliefs, named)))) as server:
        address = str(server.make_url("")).rstrip("/")
        assert (await _said("check", "sungai-welang", "--url", address))[0] == Exit.CRITICAL
        said = (await _said("explain", "sungai-welang", "--url", address))[1]
    assert "\nwhat: risk\nname: Sungai Welang\nkind: river\n" in said
    assert "\n  - id kel-a0, condition shadowed\n" in said


async def test_status_names_the_cause_as_a_table_and_as_json(url: str) -> None:
    table = (await _said("status", "--url", url))[1]
    assert f"kec-gadingrejo  sejak/since {clock(NOW - 620, 7.0, 'id')}" in table
    found = json.loads((await _said("status", "--url", url, "--format", "json"))[1])
    assert found["incidents"][0]["cause"] == "kec-gadingrejo"


async def test_an_id_that_nothing_has_is_told_in_one_line(url: str) -> None:
    status, said = await _said("explain", "kel-tiada", "--url", url)
    assert status == Exit.UNKNOWN
    assert said.startswith("pantau: kel-tiada: nothing has this id")


@pytest.mark.parametrize("words", [["explain"], ["explain", "--format", "json"], ["check"], ["check", "--format", "json"]], ids=" ".join)
async def test_what_somebody_typed_gives_the_terminal_no_commands(words: list[str], url: str) -> None:
    status, said = await _said(*words, "a\x1b[31m\x9b2J\u202eb\n", "--url", url)
    assert status == Exit.UNKNOWN
    assert r"a\u001b[31m\u009b2J\u202eb\n" in said.replace("\\\\", "\\")
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()


def test_what_is_no_sign_is_printed_as_json_writes_it() -> None:
    foreign = "Kelurahan É \U000e0001\x7f\udc80\t"
    assert printable(foreign) == r"Kelurahan É \udb40\udc01\u007f\udc80\t"
    assert json.loads(printable(json.dumps(foreign, ensure_ascii=False))) == foreign


async def test_explain_says_what_is_believed_and_where_it_stands_in_the_inventory(url: str) -> None:
    status, said = await _said("explain", "kec-gadingrejo", "--url", url)
    assert status == Exit.OK
    assert "condition: down" in said
    assert f"\nat: {clock(NOW, 7.0, 'id')}\n" in said
    assert "where: inventory.yaml:12" in said
    assert "✓ Gangguan g17, sebab Kecamatan Gadingrejo [kec-gadingrejo]; 4 ikut tidak terjangkau. / Incident g17" in said
    assert "✗ Tidak ada rute yang cocok, jadi tidak ada yang dikabari: tingkat kritis" in said


async def test_the_past_cannot_be_asked_of_a_daemon_whose_folder_is_not_ours(url: str) -> None:
    status, said = await _said("explain", "kec-gadingrejo", "--at", "2h", "--url", url)
    assert status == Exit.UNKNOWN
    assert said.startswith("pantau: the past can only be read from the data folder")
