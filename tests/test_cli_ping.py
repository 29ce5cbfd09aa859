"""`pantau ping`: many at once, a live table for a person, lines or JSON for a program."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from monitor import cli
from monitor.cli.pings import AROUND, table
from monitor.probes.icmp_manner import Manner
from monitor.probes.icmp_many import Pinged
from monitor.probes.icmp_pool import PingSockets
from monitor.probes.icmp_socket import PingSocket, Shot

pytestmark = pytest.mark.usefixtures("ground")
QUICKLY = ("--count", "2", "--interval", "0.01", "--timeout", "0.2")


def test_json_has_the_figures_of_every_address_in_the_order_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["ping", "::1", "127.0.0.1", "198.18.0.1", *QUICKLY, "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["address"], row["sent"], row["received"], row["loss"]) for row in rows] == [
        ("::1", 2, 2, 0.0),
        ("127.0.0.1", 2, 2, 0.0),
        ("198.18.0.1", 2, 0, 1.0),
    ]
    for row in rows[:2]:
        assert 0 < row["rtt_min"] <= row["rtt_median"] <= row["rtt_max"]
        assert (row["rtt_mean"] > 0, row["rtt_jitter"] >= 0, row["last"]) == (True, True, None)
    assert rows[2]["last"] == "no route from here: network is unreachable"


def test_packets_are_sent_as_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["ping", "127.0.0.1", "::1", *QUICKLY, "--size", "9000", "--df", "--ttl", "1", "--source", "127.0.0.5"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("127.0.0.1 : xmt/rcv/%loss = 2/2/0%")
    assert second == "::1 : xmt/rcv/%loss = 0/0/100% (source 127.0.0.5 is not of its family)"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--size", "7"], "pantau: ping: size: must be at least 8"),
        (["--source", "eth0"], "pantau: ping: source: 'eth0' is no address; name one of this machine"),
        (["--source", "198.18.0.77"], "pantau: ping: cannot assign requested address"),
    ],
)
def test_what_cannot_be_sent_is_one_line(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["ping", "127.0.0.1", *words]) == 3
    assert capsys.readouterr().err.splitlines() == [line]


def test_without_a_terminal_it_prints_the_lines_of_fping(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["ping", "127.0.0.1", "127.0.0.2", *QUICKLY]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"[\d.]+/[\d.]+/[\d.]+$", "T", line) for line in lines] == [
        f"127.0.0.{at} : xmt/rcv/%loss = 2/2/0%, min/avg/max = T" for at in (1, 2)
    ]


def test_on_a_terminal_it_keeps_a_table_the_silent_first() -> None:
    master, slave = os.openpty()
    program = Path(sys.executable).with_name("pantau")
    usual = os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    with subprocess.Popen([program, "ping", "127.0.0.1", "198.18.0.1", *QUICKLY], stdout=slave, env=usual) as process:
        os.close(slave)
        drawn = b""
        while piece := _read(master):
            drawn += piece
    os.close(master)
    assert process.returncode == 1
    text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", drawn.decode())
    assert text.count("1 of 2 sent; 1 answer, 1 silent") >= 1, "after the first round, too"
    last = text[text.rindex("address") :]
    assert last.index("198.18.0.1") < last.index("127.0.0.1")
    assert "no route from here" in last
    assert "2 of 2 sent; 1 answer, 1 silent" in last


def test_a_list_may_have_comments_and_empty_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"# the hub\n\n127.0.0.1   # its router\n  127.0.0.2 ::1\n\x1b[31m\n")))
    assert cli.run(["ping", "-", *QUICKLY]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["127.0.0.1", "127.0.0.2", "::1", r"\u001b[31m"]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end of the terminal is closed
        return b""


def test_the_line_of_who_answers_tells_what_came_besides() -> None:
    assert Pinged("::1", 1, [0.001], "", {"duplicates": 2}).summary() == "::1 : xmt/rcv/%loss = 1/1/0%, min/avg/max = 1/1/1 (2 duplicates)"


def test_with_no_spacing_any_number_leaves_as_fast_as_it_can(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    floods: list[int] = []
    usual = PingSockets.flood

    def noting(pingers: PingSockets, shots: Sequence[Shot], manner: Manner) -> PingSocket:
        floods.append(len(shots))
        return usual(pingers, shots, manner)

    monkeypatch.setattr(PingSockets, "flood", noting)
    many = [f"127.0.1.{at}" for at in range(1, 140)]
    for few, extra in ((139, ()), (139, ("--spacing", "0")), (9, ()), (9, ("--spacing", "0.001"))):
        assert cli.run(["ping", *many[:few], "--count", "1", *extra]) == 0
    assert floods == [139, 9]
    assert capsys.readouterr().out.count("1/1/0%") == 2 * 139 + 2 * 9


def test_what_does_not_fit_on_the_terminal_is_counted() -> None:
    found = {str(at): Pinged(str(at), 4, [0.001] * (4 if at else 3), "no reply within 2 s" * (not at), {"late": 1}) for at in range(30)}
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(table(found, 4, 5))
    text = console.export_text()
    assert "30 answer, 0 silent, 25 rows left out" in text
    assert re.search(r"0 +4 +25% .*no reply within 2 s, 1 late", text)


def test_a_row_is_one_line_however_narrow_the_terminal_is() -> None:
    long = "no route from here to 198.18.100.1: the network is not reachable"
    found = {address: Pinged(address, 4, [], long) for address in ("198.18.100.1", "2001:db8:1234:5678:9abc:def0:1234:5678")}
    for width in (60, 80):
        console = Console(width=width, file=io.StringIO())
        console.print(table(found, 4, 9))
        drawn = console.file
        assert isinstance(drawn, io.StringIO)
        lines = drawn.getvalue().splitlines()
        assert len(lines) == AROUND - 1 + len(found)
        assert ["198.18.100.1" in line or "2001:db8:123" in line for line in lines] == [False] * 3 + [True] * 2 + [False] * 2
