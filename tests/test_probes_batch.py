"""Very many looks at once, of every kind, most at peers that hang: nobody waits for those, and with few descriptors all are looked at."""

import asyncio
import json
import resource
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from monitor.core.verdict import Reason
from monitor.probes.asked import Asked
from monitor.probes.batch import probe_batch
from monitor.probes.room import ENOUGH, RESERVE, Room
from tests.agents import agent, system
from tests.conftest import need
from tests.nameservers import NAME, serving
from tests.nameservers import saying as answering
from tests.timeservers import saying as telling
from tests.timeservers import serving as time_server
from tests.webs import listening, saying

Peers = dict[str, tuple[dict[str, object], dict[str, object]]]
TIMEOUT, HOME = 1.0, "127.0.0.1"
VOID = "198.18.0.2"
"""An address behind a wire on which nobody hears."""
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
LATE = {
    "icmp": Reason.TIMEOUT,
    "tcp": Reason.TIMEOUT,
    "http": Reason.HTTP_TIMEOUT,
    "snmp": Reason.SNMP_TIMEOUT,
    "dns": Reason.DNS_TIMEOUT,
    "ntp": Reason.TIMEOUT,
}
WIRE = f"""
ip link add us type veth peer name nobody && ip link set nobody up
ip addr add 198.18.0.1/24 dev us && ip link set us up && ip neigh add {VOID} lladdr 02:00:00:00:00:02 dev us nud permanent
"""


@pytest.fixture(name="void")
def _void(ground: None) -> None:
    del ground
    need("ip")
    subprocess.run(["sh", "-ec", WIRE], check=True)


@asynccontextmanager
async def peers() -> AsyncIterator[Peers]:
    """Serve one peer of each kind that is well, and one that hangs; yields the keys of a look at each."""
    async with AsyncExitStack() as there:
        web = await there.enter_async_context(listening(saying(PAGE)))
        device, _ = await there.enter_async_context(agent(system()))
        names = await there.enter_async_context(serving(answering(f"{NAME} 60 IN A 198.18.0.9")))
        clock = there.enter_context(time_server(telling()))
        mute = there.enter_context(socket.create_server((HOME, 0), backlog=512)).getsockname()[1]
        deaf = there.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        deaf.bind((HOME, 0))
        at = deaf.getsockname()[1]
        yield {
            "icmp": ({"target": HOME}, {"target": VOID}),
            "tcp": ({"target": HOME, "port": web}, {"target": VOID, "port": 9}),
            "http": ({"target": f"http://{HOME}:{web}/"}, {"target": f"http://{HOME}:{mute}/"}),
            "snmp": ({"target": HOME, "port": device, "read": "system"}, {"target": HOME, "port": at, "read": "system"}),
            "dns": ({"target": names, "name": NAME}, {"target": f"{HOME}:{at}", "name": NAME}),
            "ntp": ({"target": HOME, "port": clock}, {"target": HOME, "port": at}),
        }


def lines(found: Peers, of_a_kind: int, hanging: int, timeout: float = TIMEOUT) -> list[str]:
    """Return the looks, all kinds mixed, those that hang first: whoever waited for these would come late."""
    looks = [(kind, keys[number < hanging], number < hanging) for number in range(of_a_kind) for kind, keys in found.items()]
    return [json.dumps({"id": [kind, hangs], "kind": kind, "timeout": timeout, **keys}) for kind, keys, hangs in looks]


def judged(answers: Sequence[str]) -> list[tuple[str, bool]]:
    """Return kind and hanging of each answer in its order, after its verdict was found right (or our own loop late)."""
    found = [json.loads(answer) for answer in answers]
    for answer in found:
        kind, hangs = answer["id"]
        right = ("FAIL", LATE[kind]) if hangs else ("OK", None)
        assert (answer["verdict"], answer["reason"]) in (right, ("UNSURE", Reason.LOOP_LATE)), answer
    return [(kind, hangs) for kind, hangs in (answer["id"] for answer in found)]


@pytest.mark.usefixtures("void")
async def test_a_batch_of_which_most_hang_ends_at_the_deadline_and_nobody_waits_for_those() -> None:
    answers: list[str] = []
    async with peers() as found:
        start = time.monotonic()
        await probe_batch(lines(found, 40, 35), answers.append, ENOUGH)
        took = time.monotonic() - start
    order = [hangs for _, hangs in judged(answers)]
    assert order.count(True) == 210
    assert order[: len(order) // 2].count(False) == 30, "who is well answers, though all who hang were asked before"
    assert TIMEOUT <= took < 10 * TIMEOUT


@pytest.mark.usefixtures("void")
async def test_with_few_descriptors_looks_wait_for_each_other_and_none_is_unsure_for_want_of_one() -> None:
    async with peers() as found:
        have = len(list(Path("/proc/self/fd").iterdir())) + 10
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        answers: list[str] = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (have, before[1]))
        try:
            await probe_batch(lines(found, 4, 1, 0.3), answers.append, RESERVE + 6)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(judged(answers)) == 24


async def test_room_is_given_in_order_and_there_is_always_enough_for_one() -> None:
    room = Room(0)
    await room.take(6)
    waiting = asyncio.create_task(room.take(2))
    await asyncio.sleep(0)
    assert not waiting.done()
    room.give(6)
    await waiting


@pytest.mark.parametrize(
    ("kind", "target", "holds"),
    [("icmp", HOME, 1), ("tcp", "::1", 1), ("tcp", "localhost", 4), ("http", "https://127.0.0.1/", 1), ("http", "http://[::1]:80/", 1),
     ("http", "http://localhost/", 4), ("snmp", HOME, 5), ("snmp", "localhost", 6), ("tcp", "x://[", 4), ("push", "", 1)],
)  # fmt: skip
def test_a_look_at_an_address_holds_no_descriptor_for_its_name(kind: str, target: str, holds: int) -> None:
    assert Asked(kind, target, {}).holds == holds


@pytest.mark.parametrize(
    ("line", "name", "wrong"),
    [
        ('{"id": 1, "kind": "tcp"', None, "line 7: not JSON: Expecting ',' delimiter at column 24"),
        ("[" * 100_000, None, "line 7: not JSON: nested too deep"),
        ('["tcp"]', None, "line 7: not a JSON object"),
        ('{"id": 1}', 1, "line 7: probe '': there is no such kind; there are icmp, snmp, http, tcp, dns, ntp, push"),
        ('{"id": 1, "kind": ["tcp"]}', 1, "line 7: probe \"['tcp']\": there is no such kind; there are icmp,"),
        ('{"id": 1, "kind": "tcp", "target": {"a": 1}, "port": 1}', 1, "line 7: the target is no text"),
        ('{"id": 1, "kind": "tcp", "target": "::1", "port": ' + "9" * 5000 + "}", None, "line 7: not JSON: a number of too many digits"),
        ('{"id": 1, "kind": "tcp", "port": 1}', 1, "line 7: probe tcp: the target is missing"),
        ('{"id": 1, "kind": "tcp", "target": "::1", "prot": 1}', 1, "line 7: probe tcp: port: is missing; prot: there is no such key"),
        ('{"id": 1, "kind": "tcp", "target": "::1", "port": 1, "timeout": NaN}', 1, "line 7: probe tcp: timeout: must be a number of"),
        ('{"id": 1, "kind": "http", "target": "ftp://a:b@x"}', 1, "line 7: probe http: ftp://***@x: a URL begins with http:// or https://"),
    ],
)
async def test_what_is_wrong_with_a_line_names_its_number(line: str, name: object, wrong: str) -> None:
    answers: list[str] = []
    assert not await probe_batch([*[""] * 6, line], answers.append)
    (answer,) = map(json.loads, answers)
    assert (answer["id"], answer["verdict"], answer["reason"]) == (name, "UNSURE", "internal")
    assert answer["detail"].startswith(wrong)
