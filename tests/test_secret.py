"""Secrets are references; what they hold shows in no error."""

from pathlib import Path

import pytest

from monitor.core.errors import PantauError
from monitor.secret import is_reference, reveal


def test_plain_text_is_its_own_value() -> None:
    assert reveal("public") == "public"
    assert not is_reference("public")
    assert not is_reference("!envNAME")


def test_each_kind_of_reference_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "snmp").write_text("s3cret word\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("PANTAU_TEST", "from-env")
    assert reveal("!env PANTAU_TEST") == "from-env"
    assert reveal(f"!file {tmp_path / 'snmp'}") == "s3cret word"
    assert reveal("!credential snmp") == "s3cret word"
    assert is_reference("!credential snmp")


def test_what_is_missing_is_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.delenv("PANTAU_TEST", raising=False)
    for reference in ("!env PANTAU_TEST", f"!file {tmp_path}/none", "!credential snmp"):
        with pytest.raises(PantauError) as caught:
            reveal(reference)
        assert reference in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_credential_cannot_leave_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside").write_text("x")
    (tmp_path / "in").mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "in"))
    with pytest.raises(PantauError, match="has no '/'"):
        reveal("!credential ../outside")


def test_the_value_is_never_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_bytes(b"hunter2\xff")
    with pytest.raises(PantauError) as caught:
        reveal(f"!file {path}")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    path.write_bytes(b"hunter2" * 10000)
    with pytest.raises(PantauError) as caught:
        reveal(f"!file {path}")
    assert "hunter2" not in str(caught.value)
