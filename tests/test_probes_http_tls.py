"""Where a certificate does not hold, the look goes on without it: what it tells then, and what it never says to such a server."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from tests.certificates import BETWEEN, PORTAL, STRANGER, Manner, authority, behind_another, holding, only, server_tls
from tests.webs import by_path, listening, look_in_time, mute, naming, saying
from tests.zoo_http import FULL, sent

BROKEN = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(name="vantage")
async def vantage_fixture() -> AsyncIterator[Vantage]:
    async with Vantage.of() as made:
        yield made


async def fetch(vantage: Vantage, folder: Path, port: int, timeout: float = 5.0, /, **options: object) -> Outcome:
    usual = {"address": "127.0.0.1", "ca": str(authority(folder))}
    return await look_in_time("http", f"https://{PORTAL}:{port}/", usual | options, timeout, vantage)


@pytest.mark.parametrize(
    ("manner", "said", "reason", "alive", "detail"),
    [
        (holding(days=(-9, -1)), FULL, Reason.TLS_EXPIRED, True, "certificate has expired; the page behind it lives (status 200)"),
        (holding("lain.pantau.test"), FULL, Reason.TLS_HOSTNAME, True, "lives (status 200)"),
        (holding(days=(-9, -1)), BROKEN, Reason.TLS_EXPIRED, False, "behind it: status 500, expected 2xx"),
        (holding(days=(-9, -1)), sent(302, "/login"), Reason.TLS_EXPIRED, True, "lives (status 302)"),
        (holding(issuer=STRANGER), FULL, Reason.TLS_UNTRUSTED, True, f"the certificate of {STRANGER!r}, was not sent"),
        (holding(issuer=PORTAL), FULL, Reason.TLS_UNTRUSTED, True, f"{PORTAL!r} signed itself"),
        (behind_another(sent=False), FULL, Reason.TLS_UNTRUSTED, True, f"the certificate of {BETWEEN!r}, was not sent"),
    ],
)
async def test_a_dead_certificate_is_told_with_what_lives_behind_it(
    vantage: Vantage, tmp_path: Path, manner: Manner, said: bytes, reason: Reason, *, alive: bool, detail: str
) -> None:
    async with listening(saying(said), tls=manner(tmp_path)) as port:
        outcome = await fetch(vantage, tmp_path, port)
    assert (outcome.verdict, outcome.reason, outcome.values["alive"]) == (Verdict.FAIL, reason, alive), outcome
    assert detail in outcome.detail
    assert (outcome.values["certificate"], "status" in outcome.values) == (reason.value, True)


async def test_a_server_that_is_mute_behind_a_dead_certificate_is_told_by_its_certificate(vantage: Vantage, tmp_path: Path) -> None:
    async with listening(mute, tls=server_tls(tmp_path, PORTAL, (-9, -1))) as port:
        outcome = await fetch(vantage, tmp_path, port, 0.4)
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.TLS_EXPIRED)


async def test_nothing_of_ours_is_said_to_a_server_whose_certificate_does_not_hold(
    vantage: Vantage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANTAU_TEST_KEY", "rahasia")
    heads: list[bytes] = []
    async with listening(by_path({"/": FULL}, heads), read=False, tls=server_tls(tmp_path, PORTAL, (-9, -1))) as port:
        outcome = await fetch(vantage, tmp_path, port, headers={"Authorization": "!env PANTAU_TEST_KEY"}, method="POST")
    assert outcome.values["alive"] is True
    assert [(head[:4], b"rahasia" in head) for head in heads] == [(b"GET ", False)]


async def test_a_server_of_old_tls_is_told_so_and_trusted_no_less(vantage: Vantage, tmp_path: Path) -> None:
    async with listening(saying(FULL), tls=only(ssl.TLSVersion.TLSv1)(tmp_path)) as port:
        right = await fetch(vantage, tmp_path, port)
        wrong = await fetch(vantage, tmp_path, port, ca=str(authority(tmp_path, STRANGER)))
    assert (right.verdict, right.reason, right.values["tls_version"]) == (Verdict.WARN, Reason.TLS_LEGACY, "TLSv1"), right.detail
    assert wrong.verdict is Verdict.FAIL


async def test_what_we_know_of_one_port_is_not_said_to_another(vantage: Vantage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_TEST_KEY", "rahasia")
    heads: list[bytes] = []
    async with listening(by_path({"/": FULL}, heads), read=False) as other:
        way = by_path({"/": sent(302, f"http://127.0.0.1:{other}/")}, heads)
        async with listening(way, read=False) as port:
            options: dict[str, object] = {"headers": {"Authorization": "!env PANTAU_TEST_KEY"}}
            outcome = await look_in_time("http", f"http://127.0.0.1:{port}/", options, 5.0, vantage)
    assert outcome.verdict is Verdict.OK
    assert [b"rahasia" in head for head in heads] == [True, False]


@pytest.mark.parametrize(
    ("to", "allowed", "reason"),
    [
        ("dalam", ".pantau.test", Reason.REDIRECT_PRIVATE),
        ("sini", ".pantau.test", Reason.REDIRECT_PRIVATE),
        ("luar", ".pantau.test", None),
        ("dalam", "Dalam.pantau.test", None),
    ],
)
async def test_a_page_of_the_internet_must_not_send_us_to_what_only_we_can_reach(
    ground: None, to: str, allowed: str, reason: Reason | None
) -> None:
    del ground
    subprocess.run("ip addr add 36.95.0.1/32 dev lo; ip addr add 10.0.0.1/32 dev lo", shell=True, check=True)  # noqa: S602 - two words of ours
    way = by_path({"/": sent(302, f"http://{to}.pantau.test:{{port}}/a"), "/a": FULL})
    async with (
        naming(portal="36.95.0.1", luar="36.95.0.1", dalam="10.0.0.1", sini="127.0.0.1") as server,
        listening(way, read=False, at="0.0.0.0") as port,
        Vantage.of([server]) as vantage,
    ):
        outcome = await look_in_time("http", f"http://portal.pantau.test:{port}/", {"hosts_allowed": allowed}, 5.0, vantage)
    assert outcome.reason is reason, outcome.detail
