"""Who we are is said to the first host, in each way there is, and to nobody else."""

import asyncio
import base64
import hashlib
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, read_options, secret_keys
from tests.certificates import PORTAL, asking_for_a_certificate, authority, certificate, key_of, server_tls
from tests.webs import by_path, listening, look_in_time, saying
from tests.zoo_http import FULL, sent

REFUSED = b"HTTP/1.1 401 No\r\nWWW-Authenticate: %s\r\nContent-Length: 2\r\n\r\nno"
CHALLENGE = b'Digest realm="dinas", nonce="abc", qop="auth", algorithm=SHA-256'


@pytest.fixture(name="vantage")
async def vantage_fixture(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Vantage]:
    monkeypatch.setenv("PANTAU_TEST_KEY", "rahasia")
    async with Vantage.of() as made:
        yield made


async def fetch(vantage: Vantage, port: int, **options: object) -> Outcome:
    return await look_in_time("http", f"http://127.0.0.1:{port}/", options, 5.0, vantage)


ACCOUNT = {"user": "pantau", "password": "!env PANTAU_TEST_KEY"}


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"basic": ACCOUNT}, b"Authorization: Basic " + base64.b64encode(b"pantau:rahasia")),
        ({"bearer": "!env PANTAU_TEST_KEY"}, b"Authorization: Bearer rahasia"),
    ],
)
async def test_basic_and_bearer_are_said_to_the_first_host_only(vantage: Vantage, options: dict[str, object], header: bytes) -> None:
    heads: list[bytes] = []
    way = by_path({"/": sent(302, "/a"), "/a": sent(302, "http://localhost:{port}/b"), "/b": FULL}, heads)
    async with listening(way, read=False) as port:
        outcome = await fetch(vantage, port, hosts_allowed="localhost", **options)
    assert outcome.verdict is Verdict.OK
    assert [header in head for head in heads] == [True, True, False]


def proves(head: bytes) -> bool:
    """Tell whether a request answers the challenge rightly (RFC 7616, 3.4)."""
    said = dict(re.findall(rb'(\w+)="?([^",\r]+)', head.partition(b"Authorization: Digest")[2].partition(b"\r\n")[0]))
    if not said:
        return False

    def sha(text: bytes) -> bytes:
        return hashlib.sha256(text).hexdigest().encode()

    proof = (sha(b"pantau:dinas:rahasia"), b"abc", said[b"nc"], said[b"cnonce"], b"auth", sha(b"GET:" + said[b"uri"]))
    return sha(b":".join(proof)) == bytes(said[b"response"])


async def test_a_digest_challenge_is_answered_and_the_password_never_said(vantage: Vantage) -> None:
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        await saying(FULL if proves(heads[-1]) else REFUSED % CHALLENGE)(reader, writer)

    async with listening(talk, read=False) as port:
        right = await fetch(vantage, port, digest=ACCOUNT, expect_text="hello")
        wrong = await fetch(vantage, port, digest={**ACCOUNT, "password": "salah"})
    assert (right.verdict, right.reason) == (Verdict.OK, None), right.detail
    assert (wrong.verdict, wrong.reason) == (Verdict.FAIL, Reason.HTTP_STATUS)
    assert len(heads) == 4
    assert not [head for head in heads if b"rahasia" in head]


async def test_a_foreign_host_that_challenges_us_learns_nothing(vantage: Vantage) -> None:
    heads: list[bytes] = []
    way = by_path({"/": sent(302, "http://localhost:{port}/b"), "/b": REFUSED % CHALLENGE}, heads)
    async with listening(way, read=False) as port:
        outcome = await fetch(vantage, port, hosts_allowed="localhost", digest=ACCOUNT)
    assert (outcome.reason, [b"Authorization" in head for head in heads]) == (Reason.HTTP_STATUS, [False, False])


async def test_a_certificate_of_ours_is_shown_to_who_asks_for_it(vantage: Vantage, tmp_path: Path) -> None:
    ours = tmp_path / "ours.pem"
    ours.write_bytes(certificate("pantau", "Otoritas Uji") + key_of("pantau"))
    own, ca = f"!file {ours}", str(authority(tmp_path))
    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        async with listening(saying(FULL), tls=asking_for_a_certificate(newest)(tmp_path)) as port:
            url = f"https://{PORTAL}:{port}/"
            outcome = await look_in_time("http", url, {"address": "127.0.0.1", "ca": ca, "client_certificate": own}, 5.0, vantage)
        assert outcome.verdict is Verdict.OK, outcome


@pytest.mark.parametrize("content", [b"nothing", certificate("pantau", "Otoritas Uji"), b"locked"])
async def test_a_certificate_of_ours_that_cannot_be_used_is_our_own_fault(vantage: Vantage, tmp_path: Path, content: bytes) -> None:
    if content == b"locked":
        key = serialization.load_pem_private_key(key_of("pantau"), None)
        lock = serialization.BestAvailableEncryption(b"x")
        locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        content = certificate("pantau", "Otoritas Uji") + locked
    ours = tmp_path / "ours.pem"
    ours.write_bytes(content)
    async with listening(saying(FULL), tls=server_tls(tmp_path, PORTAL)) as port:
        for _ in range(2):
            options: dict[str, object] = {"address": "127.0.0.1", "client_certificate": f"!file {ours}"}
            outcome = await look_in_time("http", f"https://{PORTAL}:{port}/", options, 5.0, vantage)
            assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.BAD_SECRET), outcome


@pytest.mark.parametrize("key", ["bearer", "headers"])
async def test_a_secret_of_several_lines_is_no_header_and_our_own_fault(vantage: Vantage, tmp_path: Path, key: str) -> None:
    ours = tmp_path / "ours"
    ours.write_text("satu\ndua\n")
    options: dict[str, object] = {key: {"X-Api-Key": f"!file {ours}"} if key == "headers" else f"!file {ours}"}
    async with listening(saying(FULL)) as port:
        outcome = await look_in_time("http", f"http://127.0.0.1:{port}/", options, 5.0, vantage)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.BAD_SECRET), outcome
    assert "has several lines" in outcome.detail
    assert "satu" not in outcome.detail


@pytest.mark.parametrize(
    "raw",
    [
        {"basic": ACCOUNT, "bearer": "!env X"},
        {"basic": {"user": "pantau"}},
        {"basic": {"user": "pan:tau", "password": "!env X"}},
        {"user_agent": "a\r\nX: b"},
    ],
)
def test_wrong_keys_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read_options("http", raw)


def test_what_must_be_a_reference_is_named() -> None:
    assert {"basic.password", "digest.password", "bearer", "client_certificate"} <= secret_keys("http")
