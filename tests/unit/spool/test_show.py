"""The operator's command that prints one file."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import Clock
from core.sealing import Sealer
from spool import DataType, Metadata, Package, Spool
from spool.show import main, read_keys

KEY = b"k" * 32
SESSION = "3f9c1a2b-0d4e-4f6a-8b7c-9d0e1f2a3b4c"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"WELNO_SEALING_KEYS": f"now:{base64.b64encode(KEY).decode()}", "TILKO_DATA_DIR": str(tmp_path)}


@pytest.fixture
def name(tmp_path: Path) -> str:
    spool = Spool(tmp_path, Sealer({"now": KEY}), Clock())
    spool.ensure_folders()
    metadata = Metadata(SESSION, DataType.HEALTH, "invented", "PEERNINE", datetime(2026, 11, 21, tzinfo=UTC))
    return spool.put_pending(Package(metadata, {"신장": "171.3"}))


def test_file_is_printed_as_its_document(
    name: str, environment: dict[str, str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main([name], environment) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert document["raw_data"] == {"신장": "171.3"}
    assert document["metadata"]["session_id"] == SESSION
    assert len(document["checksum"]) == 64


def test_damaged_file_is_not_printed(
    name: str, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pending" / name).write_bytes(b"torn")
    assert main([name], environment) == 1
    assert capsys.readouterr() == ("", "cannot show this file: truncated\n")


def test_foreign_key_opens_nothing(name: str, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    other = {"WELNO_SEALING_KEYS": f"now:{base64.b64encode(b'x' * 32).decode()}"}
    assert main([name], environment | other) == 1
    assert "sealed" in capsys.readouterr().err


@pytest.mark.parametrize("keys", ["", "now:***", "now", "now:c2hvcnQ="])
def test_bad_keys_are_refused_without_being_shown(
    name: str, environment: dict[str, str], keys: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name], environment | {"WELNO_SEALING_KEYS": keys}) == 2
    assert "c2hvcnQ=" not in capsys.readouterr().err


def test_unknown_file_is_wrong_use(environment: dict[str, str], name: str) -> None:
    assert main(["../etc/passwd"], environment) == 2
    assert main([name.replace("health", "patient")], environment) == 2


def test_rotated_keys_are_read_in_order() -> None:
    first, second = base64.b64encode(b"1" * 32).decode(), base64.b64encode(b"2" * 32).decode()
    assert list(read_keys(f"new:{first}, old:{second}")) == ["new", "old"]
