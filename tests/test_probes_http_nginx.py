"""Looks at a real nginx: each version of TLS alone, and a site that wants a certificate of whoever comes."""

from pathlib import Path

import pytest

from monitor.core.verdict import Reason, Verdict
from monitor.probes import Vantage
from tests.certificates import BETWEEN, PORTAL, ROOT, authority, certificate, key_of
from tests.nginx import nginx
from tests.webs import look_in_time

PAGE = 'return 200 "Selamat datang"; default_type text/html;'
VERSIONS = {
    "TLSv1": (Verdict.WARN, Reason.TLS_LEGACY),
    "TLSv1.1": (Verdict.WARN, Reason.TLS_LEGACY),
    "TLSv1.2": (Verdict.OK, None),
    "TLSv1.3": (Verdict.OK, None),
}


def site(folder: Path, words: str, issuer: str = ROOT, beside: bytes = b"") -> str:
    """Return the server block of the portal, with a certificate by that issuer."""
    (folder / "portal.key").write_bytes(key_of(PORTAL))
    shown = folder / f"{issuer}.{len(beside)}.crt"
    shown.write_bytes(certificate(PORTAL, issuer) + beside)
    return f'ssl_certificate "{shown}"; ssl_certificate_key {folder}/portal.key; ssl_ciphers DEFAULT@SECLEVEL=0; {words} {PAGE}'


async def test_each_version_of_tls_is_spoken_and_the_old_ones_are_told(tmp_path: Path) -> None:
    ca = str(authority(tmp_path))
    async with (
        nginx(tmp_path, *(site(tmp_path, f"ssl_protocols {version};") for version in VERSIONS), tls=True) as ports,
        Vantage.of() as vantage,
    ):
        for port, (version, expected) in zip(ports, VERSIONS.items(), strict=True):
            options: dict[str, object] = {"address": "127.0.0.1", "ca": ca, "expect_text": "Selamat datang"}
            found = await look_in_time("http", f"https://{PORTAL}:{port}/", options, 5.0, vantage)
            assert (found.values["tls_version"], found.verdict, found.reason) == (version, *expected), found


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_a_site_that_wants_our_certificate_gets_it_and_says_400_without(tmp_path: Path, version: str) -> None:
    ours, ca = tmp_path / "ours.pem", authority(tmp_path)
    ours.write_bytes(certificate("pantau", ROOT) + key_of("pantau"))
    locked = site(tmp_path, f'ssl_protocols {version}; ssl_verify_client on; ssl_client_certificate "{ca}";')
    options: dict[str, object] = {"address": "127.0.0.1", "ca": str(ca)}
    async with nginx(tmp_path, locked, tls=True) as (port,), Vantage.of() as vantage:
        url = f"https://{PORTAL}:{port}/"
        with_it = await look_in_time("http", url, {**options, "client_certificate": f"!file {ours}"}, 5.0, vantage)
        without = await look_in_time("http", url, options, 5.0, vantage)
    assert with_it.verdict is Verdict.OK, with_it
    assert (without.verdict, without.reason, without.values["status"]) == (Verdict.FAIL, Reason.HTTP_STATUS, 400), without


async def test_a_forgotten_intermediate_is_named(tmp_path: Path) -> None:
    between, ca = certificate(BETWEEN, ROOT, authority=True), str(authority(tmp_path))
    sites = [site(tmp_path, "", BETWEEN, beside) for beside in (between, b"")]
    async with nginx(tmp_path, *sites, tls=True) as ports, Vantage.of() as vantage:
        options: dict[str, object] = {"address": "127.0.0.1", "ca": ca}
        whole, lacking = [await look_in_time("http", f"https://{PORTAL}:{port}/", options, 5.0, vantage) for port in ports]
    assert whole.verdict is Verdict.OK, whole
    assert (lacking.verdict, lacking.values["alive"], BETWEEN in lacking.detail) == (Verdict.FAIL, True, True), lacking
