"""Files of an unknown key are no damage, and files are sealed anew while others work on them."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from core.clock import Clock
from core.derived_keys import MasterKey
from core.sealing import Sealer
from spool import AnswerKind, DataType, KeptAnswer, SealedWithUnknownKey, Spool, UnknownFile
from spool.resealing import Resealed
from tests.integration.spool.actions import RAW, files_in
from tests.integration.spool.conftest import OTHER, ROTATED, SESSION, complete, package

STRANGER = Sealer({"elsewhere": b"e" * 32})


@pytest.fixture
def full(spool: Spool) -> Spool:
    """A file in each folder, and a damaged one."""
    complete(spool, spool.put_pending(package(DataType.PATIENT)))
    spool.fail(spool.put_pending(package(DataType.PRESCRIPTION)), "import_refused")
    spool.put_pending(package())
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))
    spool.put_incoming(OTHER, AnswerKind.HEALTH, KeptAnswer(RAW))
    spool.park_incoming(OTHER, AnswerKind.HEALTH, "json")
    return spool


def opened_with(spool: Spool, sealer: Sealer, clock: Clock) -> Spool:
    return Spool(spool.storage.root, sealer, clock)


def test_a_file_of_an_unknown_key_is_no_damage(full: Spool, clock: Clock):
    stranger, before = opened_with(full, STRANGER, clock), files_in(full.storage.root)
    with pytest.raises(SealedWithUnknownKey) as raised:
        stranger.read_incoming(SESSION, AnswerKind.HEALTH)
    assert (raised.value.retryable, raised.value.reason) == (True, "sealing_key_unknown")
    with pytest.raises(SealedWithUnknownKey), stranger.claim(full.list_pending()[0]):
        pass
    with pytest.raises(SealedWithUnknownKey):
        stranger.put_pending(package())
    assert files_in(full.storage.root) == before


def test_every_file_is_sealed_anew_once(full: Spool, clock: Clock):
    rotated, before = opened_with(full, ROTATED, clock), files_in(full.storage.root)
    assert dict(rotated.count_sealing_keys()) == {"test": 5}
    assert rotated.reseal() == Resealed(done=5)
    assert rotated.reseal() == Resealed()
    only_new = opened_with(full, Sealer({"new": MasterKey(b"n" * 32)}), clock)
    assert dict(only_new.count_sealing_keys()) == {"new": 5}
    assert only_new.read_incoming(SESSION, AnswerKind.HEALTH).body == RAW
    assert all(only_new.export(info.name).raw_data == package().raw_data for info in only_new.names_of(SESSION))
    assert files_in(full.storage.root) == before


def test_an_archive_keeps_its_key_in_use_until_it_is_gone(spool: Spool, clock: Clock):
    rotated, patient, export = opened_with(spool, ROTATED, clock), uuid4(), uuid4()
    spool.archives.put(patient, export, b"an archive", clock.now().timestamp())
    assert rotated.reseal() == Resealed()
    assert dict(rotated.count_sealing_keys()) == {"test": 1}
    assert rotated.archives.read(patient, export) == b"an archive"
    rotated.archives.drop(patient, export)
    assert dict(rotated.count_sealing_keys()) == {}


def test_a_file_keeps_its_age(spool: Spool, clock: Clock):
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))
    [path] = (spool.storage.root / "incoming").iterdir()
    os.utime(path, (1_000_000, 1_000_000))
    opened_with(spool, ROTATED, clock).reseal()
    assert path.stat().st_mtime == 1_000_000


def test_a_file_in_use_is_told_and_left(spool: Spool, clock: Clock):
    rotated, name = opened_with(spool, ROTATED, clock), spool.put_pending(package())
    with spool.claim(name):
        assert rotated.reseal() == Resealed(taken=1)
    assert rotated.reseal() == Resealed(done=1)


def test_who_waited_for_a_file_finds_it_replaced(spool: Spool, clock: Clock):
    name = spool.put_pending(package())
    path = spool.storage.root / "pending" / name
    handle = spool.storage.disk.open(path, os.O_RDWR)
    opened_with(spool, ROTATED, clock).reseal()
    with pytest.raises(UnknownFile):
        spool.storage._lock(path, handle)
    os.close(handle)
    complete(spool, name)


def test_what_does_not_open_is_told_and_left(spool: Spool, clock: Clock):
    path = spool.storage.root / "pending" / spool.put_pending(package())
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    assert opened_with(spool, ROTATED, clock).reseal() == Resealed(unopened=1)
    assert path.read_bytes() == damaged


def test_what_the_spool_did_not_write_is_counted_apart(spool: Spool, clock: Clock):
    name = spool.put_pending(package())
    path: Path = spool.storage.root / "pending" / name
    path.write_bytes(b"")
    assert dict(spool.count_sealing_keys()) == {None: 1}
    assert opened_with(spool, ROTATED, clock).reseal() == Resealed(unopened=1)
