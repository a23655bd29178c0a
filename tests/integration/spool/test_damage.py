"""Torn, flipped, swapped and foreign bytes: never returned, always named, never touched."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from core.clock import Clock
from spool import AnswerKind, DamagedFile, DataType, KeptAnswer, SealedWithUnknownKey, Spool, UnknownFile
from spool.packages import build_document, seal_bytes
from tests.integration.spool.conftest import NOW, OTHER, SEALER, SESSION, complete, package


@pytest.fixture
def stored(spool: Spool) -> Path:
    return spool.storage.root / "pending" / spool.put_pending(package())


def _reason(spool: Spool, path: Path) -> str:
    with pytest.raises(DamagedFile) as caught, spool.claim(path.name):
        pytest.fail("a damaged file was handed out")
    return caught.value.reason


def test_every_flipped_bit_is_noticed(spool: Spool, stored: Path) -> None:
    whole = stored.read_bytes()
    for place in range(len(whole)):
        flipped = bytes([whole[place] ^ (1 << place % 8)])
        stored.write_bytes(whole[:place] + flipped + whole[place + 1 :])
        # One in the key's id may make it another id: not taken for damage, and not opened either.
        with pytest.raises((DamagedFile, SealedWithUnknownKey)), spool.claim(stored.name):
            pytest.fail("a damaged file was handed out")


def test_file_torn_at_any_byte_is_truncated(spool: Spool, stored: Path) -> None:
    whole = stored.read_bytes()
    for length in range(len(whole)):
        stored.write_bytes(whole[:length])
        assert _reason(spool, stored) == "truncated"


def test_appended_bytes_are_noticed(spool: Spool, stored: Path) -> None:
    stored.write_bytes(stored.read_bytes() + b"\0")
    assert _reason(spool, stored) == "sealed"


def test_file_of_another_session_does_not_open(spool: Spool, stored: Path) -> None:
    other = spool.storage.root / "pending" / spool.put_pending(package(session_id=OTHER))
    stored.write_bytes(other.read_bytes())
    assert _reason(spool, stored) == "sealed"


@pytest.mark.parametrize("plain", [b"{", b"[]", b"{}", b'{"metadata": {}, "raw_data": 1, "checksum": ""}'])
def test_sealed_bytes_that_are_no_package_are_refused(spool: Spool, stored: Path, plain: bytes) -> None:
    stored.write_bytes(seal_bytes(SEALER, plain, SESSION, DataType.HEALTH))
    assert _reason(spool, stored) == "json"


@pytest.mark.parametrize(
    "change", [(b"171.3", b"171.4"), (b"PEERNINE", b"PEERNONE"), (b'"file_version":2', b'"file_version":1')]
)
def test_checksum_covers_records_and_fixed_fields(spool: Spool, stored: Path, change: tuple[bytes, bytes]) -> None:
    plain = _document(stored).replace(*change)
    stored.write_bytes(seal_bytes(SEALER, plain, SESSION, DataType.HEALTH))
    assert _reason(spool, stored) == "checksum"


def test_checksum_covers_the_time_and_the_window_of_an_answer(spool: Spool) -> None:
    window = {"window_first": date(2025, 9, 21), "window_last": date(2026, 9, 21)}
    answer = replace(package(), metadata=replace(package().metadata, answered_at=NOW, **window))
    stored = spool.storage.root / "pending" / spool.put_pending(answer)
    with spool.claim(stored.name) as claimed:
        assert claimed.package == replace(answer, metadata=replace(answer.metadata, status="pending"))
    plain = _document(stored).replace(b"2025-09-21", b"2024-09-21")
    stored.write_bytes(seal_bytes(SEALER, plain, SESSION, DataType.HEALTH))
    assert _reason(spool, stored) == "checksum"


def test_a_package_of_before_the_window_is_read(spool: Spool, stored: Path) -> None:
    old = replace(package(), metadata=replace(package().metadata, file_version=1))
    stored.write_bytes(seal_bytes(SEALER, build_document(old), SESSION, DataType.HEALTH))
    with spool.claim(stored.name) as claimed:
        assert (claimed.package.metadata.file_version, claimed.package.metadata.answered_at) == (1, None)


def test_package_under_a_foreign_name_is_refused(spool: Spool, stored: Path) -> None:
    stored.write_bytes(seal_bytes(SEALER, _document(stored), OTHER, DataType.HEALTH))
    misnamed = stored.with_name(stored.name.replace(SESSION, OTHER))
    stored.rename(misnamed)
    assert _reason(spool, misnamed) == "name"


def _document(stored: Path) -> bytes:
    return SEALER.open(stored.read_bytes()[12:], f"spool/{SESSION}/health_data")


def test_parked_file_keeps_its_bytes_and_its_reason(spool: Spool, stored: Path) -> None:
    stored.write_bytes(b"torn")
    info = spool.park(stored.name, _reason(spool, stored))
    assert (info.folder, info.parked, info.last_error) == ("failed", True, "truncated")
    assert (spool.storage.root / "failed" / stored.name).read_bytes() == b"torn"
    assert spool.list_pending() == []


def test_damaged_file_that_is_requeued_is_parked_again(spool: Spool, stored: Path) -> None:
    stored.write_bytes(b"torn")
    spool.park(stored.name, "truncated")
    spool.requeue(stored.name)
    assert spool.park(stored.name, _reason(spool, stored)).parked
    assert [one.reason for one in spool.describe(stored.name).history] == ["truncated", "truncated"]


def test_saving_over_a_damaged_file_changes_nothing(spool: Spool, stored: Path) -> None:
    stored.write_bytes(b"torn")
    with pytest.raises(DamagedFile):
        spool.put_pending(package())
    assert stored.read_bytes() == b"torn"


def test_damaged_answer_is_parked_and_makes_room(spool: Spool) -> None:
    name = spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b'{"first": 1}'))
    (spool.storage.root / "incoming" / name).write_bytes(b"torn")
    with pytest.raises(DamagedFile) as caught:
        spool.read_incoming(SESSION, AnswerKind.HEALTH)
    parked = spool.park_incoming(SESSION, AnswerKind.HEALTH, caught.value.reason)
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b'{"second": 2}'))
    assert spool.read_incoming(SESSION, AnswerKind.HEALTH).body == b'{"second": 2}'
    assert (spool.storage.root / "failed" / parked.name).read_bytes() == b"torn"


def test_parked_answer_is_never_queued_for_import(spool: Spool) -> None:
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    parked = spool.park_incoming(SESSION, AnswerKind.HEALTH, "sealed")
    with pytest.raises(UnknownFile):
        spool.requeue(parked.name)


def test_damaged_reasons_file_only_grants_more_tries(spool: Spool, stored: Path) -> None:
    spool.fail(stored.name, "import_refused")
    why = spool.storage.root / "failed" / f"{stored.name}.why"
    why.write_bytes(why.read_bytes().replace(b'"retry_count":1', b'"retry_count":9'))
    assert spool.describe(stored.name).retry_count == 0
    spool.requeue(stored.name)
    complete(spool, stored.name)


def test_discarding_an_answer_leaves_the_packages_known(spool: Spool, clock: Clock, stored: Path) -> None:
    clock.advance(timedelta(seconds=1))
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    parked = spool.park_incoming(SESSION, AnswerKind.HEALTH, "sealed")
    spool.discard(parked.name, "staff-1")
    assert [info.name for info in spool.names_of(SESSION)] == [stored.name]
