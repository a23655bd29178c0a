"""The operator's command that prints one file."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.clock import Clock
from core.sealing import Sealer
from spool import AnswerKind, DataType, KeptAnswer, Metadata, Package, Spool
from spool.show import main

KEY = bytes(range(32))
SESSION = "3f9c1a2b-0d4e-4f6a-8b7c-9d0e1f2a3b4c"


def use_keys(monkeypatch: pytest.MonkeyPatch, **keys: bytes) -> None:
    written = (f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in keys.items())
    monkeypatch.setenv("WELNO_SEALING_KEYS", ",".join(written))


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of a file in the folder that the settings name; nothing but the two settings is set."""
    use_keys(monkeypatch, now=KEY)
    monkeypatch.setenv("TILKO_DATA_DIR", str(tmp_path))
    spool = Spool(tmp_path, Sealer({"now": KEY}), Clock())
    spool.ensure_folders()
    metadata = Metadata(SESSION, DataType.HEALTH, "invented", "PEERNINE", datetime(2026, 11, 21, tzinfo=UTC))
    return spool.put_pending(Package(metadata, {"신장": "171.3"}))


def test_file_is_printed_as_its_document(name: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main([name]) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert document["raw_data"] == {"신장": "171.3"}
    assert document["metadata"]["session_id"] == SESSION
    assert len(document["checksum"]) == 64


def test_a_parked_answer_is_printed_as_it_came(name: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]):
    spool = Spool(tmp_path, Sealer({"now": KEY}), Clock())
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"\xff{", {"call": "checkups", "status": 200}))
    assert main([spool.park_incoming(SESSION, AnswerKind.HEALTH, "not_json").name]) == 0
    assert capfdbinary.readouterr().out == b'{"call":"checkups","status":200}\n\xff{\n'


def test_damaged_file_is_not_printed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pending" / name).write_bytes(b"torn")
    assert main([name]) == 1
    assert capsys.readouterr() == ("", "cannot show this file: truncated\n")


def test_foreign_key_opens_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_keys(monkeypatch, now=KEY[::-1])
    assert main([name]) == 1
    assert "sealed" in capsys.readouterr().err


def test_a_key_that_was_replaced_still_opens(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, newer=KEY[::-1], now=KEY)
    assert main([name]) == 0


def test_bad_keys_are_refused_without_being_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELNO_SEALING_KEYS", "now:c2hvcnQ=")
    with pytest.raises(SystemExit, match=r"^settings: WELNO_SEALING_KEYS: ") as stopped:
        main([name])
    assert "c2hvcnQ=" not in str(stopped.value)


def test_unknown_file_is_wrong_use(name: str) -> None:
    assert main(["../etc/passwd"]) == 2
    assert main([name.replace("health", "patient")]) == 2
