"""Files that are sealed as they come: whole or absent."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from core.clock import clock
from core.sealing import Sealer
from spool import DamagedFile, Spool, UnknownFile

OWNER = uuid4()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, Sealer({"k": bytes(range(32))}), clock)


def test_a_file_is_there_once_it_is_committed(spool: Spool):
    writer = spool.interviews.begin(OWNER, "original")
    writer.write("처음".encode() * 500_000)
    assert spool.interviews.names(OWNER) == []
    writer.keep()
    assert spool.interviews.read_whole(OWNER, "original") == "처음".encode() * 500_000
    assert spool.interviews.owners() == [OWNER]


def test_nothing_stands_in_clear(spool: Spool, tmp_path: Path):
    spool.interviews.put(OWNER, "text", "카나리아".encode())
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "카나리아".encode() in path.read_bytes()]


def test_an_aborted_file_leaves_nothing(spool: Spool, tmp_path: Path):
    writer = spool.interviews.begin(OWNER, "original")
    writer.write(b"x" * 3_000_000)
    writer.abort()
    writer.abort()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert spool.interviews.owners() == []


def test_a_file_of_another_owner_does_not_open(spool: Spool, tmp_path: Path):
    spool.interviews.put(OWNER, "text", b"x")
    other = uuid4()
    (tmp_path / "interviews" / str(OWNER)).rename(tmp_path / "interviews" / str(other))
    with pytest.raises(DamagedFile):
        spool.interviews.read_whole(other, "text")


def test_all_of_an_owner_goes_at_once(spool: Spool):
    spool.interviews.put(OWNER, "text", b"x")
    spool.interviews.begin(OWNER, "original").write(b"left by who died")
    spool.interviews.put(OWNER, "upload", b"x")
    assert spool.interviews.drop_all(OWNER) == 2
    with pytest.raises(UnknownFile):
        spool.interviews.read_whole(OWNER, "text")
    assert spool.interviews.drop_all(OWNER) == 0


OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}
LONG = "긴 파일".encode() * 200_000


def test_files_are_sealed_anew_with_the_first_key_and_keep_their_age(tmp_path: Path):
    Spool(tmp_path, Sealer(OLD), clock).interviews.put(OWNER, "original", LONG)
    path = tmp_path / "interviews" / str(OWNER) / "original"
    os.utime(path, (1_000_000, 1_000_000))
    both = Spool(tmp_path, Sealer(NEW | OLD), clock)
    both.ensure_folders()
    both.interviews.put(OWNER, "text", b"x")
    assert dict(both.count_sealing_keys()) == {"old": 1, "new": 1}
    assert (both.reseal().done, both.reseal().done) == (1, 0)
    assert dict(both.count_sealing_keys()) == {"new": 2}
    assert Spool(tmp_path, Sealer(NEW), clock).interviews.read_whole(OWNER, "original") == LONG
    assert (path.stat().st_mtime, both.interviews.names(OWNER)) == (1_000_000, ["original", "text"])


def test_what_does_not_open_is_told_and_stays_when_files_are_sealed_anew(tmp_path: Path):
    old = Spool(tmp_path, Sealer(OLD), clock).interviews
    old.put(OWNER, "original", LONG)
    path = tmp_path / "interviews" / str(OWNER) / "original"
    for keys, content in ((NEW, path.read_bytes()), (NEW | OLD, path.read_bytes()[:-1]), (NEW | OLD, b"other")):
        path.write_bytes(content)
        spool = Spool(tmp_path, Sealer(keys), clock)
        spool.ensure_folders()
        assert spool.reseal().unopened == 1
        assert (path.read_bytes(), spool.interviews.names(OWNER)) == (content, ["original"])


def test_blobs_of_threads_are_counted_and_sealed_anew_too(tmp_path: Path):
    Spool(tmp_path, Sealer(OLD), clock).blobs.put(OWNER, "1-a", LONG)
    both = Spool(tmp_path, Sealer(NEW | OLD), clock)
    both.ensure_folders()
    assert dict(both.count_sealing_keys()) == {"old": 1}
    assert (both.reseal().done, both.reseal().done) == (1, 0)
    assert Spool(tmp_path, Sealer(NEW), clock).blobs.read_whole(OWNER, "1-a") == LONG


def test_one_file_is_dropped_and_the_others_stay(spool: Spool):
    for name in ("1-a", "2-b"):
        spool.blobs.put(OWNER, name, b"x")
    for _ in range(2):
        spool.blobs.drop(OWNER, "1-a")
    assert spool.blobs.names(OWNER) == ["2-b"]
