import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from monitor import control
from monitor.core.errors import Exit, PantauError


async def echo(request: dict[str, object]) -> Mapping[str, object]:
    """A handler that refuses what is called bad and sends everything else back."""
    if request.get("do") == "bad":
        raise PantauError("nothing like that here")
    return {"ok": True, "message": "heard", **request}


@contextlib.asynccontextmanager
async def serving(where: str | socket.socket) -> AsyncIterator[None]:
    server = await control.serve(where, echo)
    try:
        yield
    finally:
        server.close()


async def ask(address: str, **request: object) -> dict[str, object]:
    return await asyncio.to_thread(control.ask, address, request)


async def exchange(path: str, sent: bytes) -> list[dict[str, object]]:
    """Send raw bytes and the end of the stream, and read every answer."""
    reader, writer = await asyncio.open_unix_connection(path)
    with contextlib.suppress(OSError):
        writer.write(sent)
        writer.write_eof()
        await writer.drain()
    lines = (await reader.read()).splitlines()
    writer.close()
    return [json.loads(line) for line in lines]


async def test_an_answer_comes_back_over_a_path_that_only_the_owner_may_open(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    async with serving(path):
        assert await ask(path, do="ping") == {"ok": True, "message": "heard", "do": "ping"}
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


async def test_an_abstract_name_and_a_bound_socket_serve_as_well(tmp_path: Path) -> None:
    name = f"\0pantau-test-{os.getpid()}"
    async with serving(name):
        assert (await ask(name))["ok"]
    path = str(tmp_path / "given")
    async with serving(control.bind(path)):
        assert (await ask(path))["ok"]


async def test_a_refusal_is_an_answer(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    async with serving(path):
        assert await ask(path, do="bad") == {"ok": False, "message": "nothing like that here"}


async def test_one_connection_may_ask_several_times(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    async with serving(path):
        answers = await exchange(path, b'{"n":1}\n{"do":"bad"}\n{"n":3}\n')
    assert [answer["ok"] for answer in answers] == [True, False, True]


@pytest.mark.parametrize("sent", [b"hello\n", b"[1]\n", b"\xff\xfe\n", b"[" * 60000 + b"\n", b'{"a":' + b"9" * 5000 + b"}\n", b'{"a":1'])
async def test_garbage_is_answered_with_what_a_request_is(tmp_path: Path, sent: bytes) -> None:
    path = str(tmp_path / "control")
    async with serving(path):
        answers = await exchange(path, sent)
        assert [answer["ok"] for answer in answers] == [False]
        assert "one JSON object" in str(answers[0]["message"])
        assert (await ask(path))["ok"]


async def test_a_request_over_the_limit_is_refused_and_the_rest_of_it_not_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    async with serving(path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'"' + b"x" * (control.LIMIT * 3))
        assert json.loads(await reader.readline())["ok"] is False
        writer.close()


async def test_a_client_that_says_nothing_is_left_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.05)
    path = str(tmp_path / "control")
    async with serving(path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"do":')
        assert await reader.read() == b""
        writer.close()


async def test_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's word on the peer counts; here it is asked for a user that we are not."""
    path = str(tmp_path / "control")
    monkeypatch.setattr(control, "_trusted", lambda peer: uid_of(peer) == os.geteuid() + 1)
    async with serving(path):
        assert (await ask(path))["ok"] is False


def uid_of(peer: socket.socket) -> int:
    return int.from_bytes(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[4:8], "little")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_real_other_user_is_not_trusted() -> None:
    ours, theirs = socket.socketpair()
    assert control._trusted(ours)  # noqa: SLF001 - the door itself
    theirs.close()
    listener = control.bind(f"\0pantau-test-other-{os.getpid()}")
    listener.listen()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(listener.getsockname())
            peer.recv(1)
        os._exit(0)
    accepted, _ = listener.accept()
    os.seteuid(1)
    try:
        assert not control._trusted(accepted)  # noqa: SLF001 - the door itself
    finally:
        os.seteuid(0)
    accepted.close()
    listener.close()
    ours.close()
    os.waitpid(child, 0)


async def test_a_stale_socket_file_is_replaced_and_a_live_one_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    control.bind(path).close()
    assert Path(path).exists()
    async with serving(path):
        with pytest.raises(PantauError, match=r"control: cannot serve there: another one is running there") as caught:
            await control.serve(path, echo)
        assert caught.value.status is Exit.MISSING
        assert (await ask(path))["ok"]


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control"
    path.write_text("somebody's")
    with pytest.raises(PantauError, match="a file that is no socket lies there"):
        control.bind(str(path))
    assert path.read_text() == "somebody's"


def test_a_path_that_no_socket_can_have_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PantauError, match=r"takes 107 bytes; choose a shorter data folder"):
        control.bind(str(tmp_path / ("x" * 120)))


def test_asking_where_nobody_is_says_so(tmp_path: Path) -> None:
    with pytest.raises(PantauError, match=r"nothing: nobody answers there; is it running\?"):
        control.ask(str(tmp_path / "nothing"), {})


def test_a_peer_that_never_answers_ends_at_the_deadline(tmp_path: Path) -> None:
    path = str(tmp_path / "mute")
    with control.bind(path) as mute:
        mute.listen()
        with pytest.raises(PantauError, match=r"no answer within 0\.05 s"):
            control.ask(path, {}, timeout=0.05)


async def test_a_peer_that_hangs_up_is_said_so(tmp_path: Path) -> None:
    path = str(tmp_path / "rude")
    with control.bind(path) as rude:
        rude.listen()
        asked = asyncio.create_task(ask(path))
        accepted, _ = await asyncio.to_thread(rude.accept)
        accepted.recv(100)
        accepted.close()
        with pytest.raises(PantauError, match="ended without an answer"):
            await asked
