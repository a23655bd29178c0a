"""Uploads that were never finished go after a day, blobs after their years, and files when their rows are gone."""

import errno
import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from core.clock import clock
from core.sealing import Sealer
from services.threads.acting import OwnKind, lock_own
from services.threads.blob_retention import SweptBlobs, sweep_blobs
from services.threads.blobs import BlobRoom
from services.threads.creating import close_thread
from services.threads.encoding import hash_bytes
from services.threads.errors import BlobIncomplete, BlobNotFound, ThreadNotFound
from spool import Disk, Spool, StorageFault
from tests.integration.spool.disks import FaultyDisk, WatchedDisk
from tests.waiting import wait_until_blocked

from .room import NURSE, PATIENT, Room, caller

CONTENT = os.urandom(5000)
KEEP_DAYS = 3650
DAY = timedelta(days=1)


def in_place(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


@pytest.fixture
def blobs(room: Room, tmp_path: Path) -> BlobRoom:
    return open_blobs(room, tmp_path)


def open_blobs(room: Room, folder: Path, disk: Disk | None = None) -> BlobRoom:
    spool = Spool(folder, Sealer({"k": bytes(range(32))}), clock, disk)
    return BlobRoom(room.stores.threads, spool.blobs, in_place)


def put(room: Room, blobs: BlobRoom, blob_id: uuid.UUID | None = None, content: bytes = CONTENT) -> uuid.UUID:
    blob_id = blob_id or uuid.uuid4()
    blobs.put_part(caller(PATIENT), room.thread_id, blob_id, 1, content)
    return blob_id


def complete(room: Room, blobs: BlobRoom, blob_id: uuid.UUID) -> None:
    told = {"count": 1, "sealed_hash": hash_bytes(CONTENT)}
    blobs.complete(caller(PATIENT), room.thread_id, blob_id, **told)


def read(room: Room, blobs: BlobRoom, blob_id: uuid.UUID) -> bytes:
    blob = blobs.open(caller(NURSE), room.thread_id, blob_id)
    return b"".join(blob.read(blobs.files, 0, blob.size, in_place))


def test_an_upload_that_was_not_finished_goes_after_a_day(room: Room, blobs: BlobRoom):
    whole, given_up = put(room, blobs), put(room, blobs)
    complete(room, blobs, whole)
    now, sweep = clock.now(), room.stores.unit_of_work
    assert sweep_blobs(sweep, blobs.files, now + DAY / 2, KEEP_DAYS) == SweptBlobs(0, 0)
    later = now + DAY + timedelta(minutes=1)
    assert [sweep_blobs(sweep, blobs.files, later, KEEP_DAYS) for _ in range(2)] == [SweptBlobs(1, 1), SweptBlobs(0, 0)]
    assert read(room, blobs, whole) == CONTENT
    with pytest.raises(BlobNotFound):
        complete(room, blobs, given_up)


def test_a_blob_goes_after_its_years_and_leaves_no_file(room: Room, blobs: BlobRoom):
    blob_id = put(room, blobs)
    complete(room, blobs, blob_id)
    then = clock.now() + timedelta(days=KEEP_DAYS + 1)
    assert sweep_blobs(room.stores.unit_of_work, blobs.files, then, KEEP_DAYS) == SweptBlobs(1, 1)
    assert blobs.files.owners() == []
    with pytest.raises(BlobNotFound):
        read(room, blobs, blob_id)


def test_files_whose_row_is_gone_are_dropped_and_no_others(room: Room, blobs: BlobRoom):
    kept, _ = put(room, blobs), put(room, blobs)
    with room.stores.sessions.begin() as session:
        session.execute(text("delete from welno.welno_thread_blobs where blob_id <> :id"), {"id": kept})
    assert sweep_blobs(room.stores.unit_of_work, blobs.files, clock.now(), KEEP_DAYS) == SweptBlobs(0, 1)
    complete(room, blobs, kept)
    assert read(room, blobs, kept) == CONTENT


def test_a_writer_that_died_leaves_nothing_beside_a_complete_blob(room: Room, blobs: BlobRoom):
    blob_id = put(room, blobs)
    [owner] = blobs.files.owners()
    blobs.files.put(owner, f"1-{uuid.uuid4().hex}", b"of a content that was replaced")
    complete(room, blobs, blob_id)
    assert len(blobs.files.names(owner)) == 1
    assert read(room, blobs, blob_id) == CONTENT


def count_rows(room: Room) -> int:
    with room.stores.sessions() as session:
        return session.execute(text("select count(*) from welno.welno_thread_blobs")).scalar_one()


def test_a_part_that_comes_while_its_thread_is_closed_leaves_nothing(room: Room, blobs: BlobRoom, engine: Engine):
    """Between the look at who may and the lock of the thread: it waits for another upload of its member meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        with room.stores.threads(caller(PATIENT)) as other:
            lock_own(other, OwnKind.BLOBS)
            putting = pool.submit(put, room, blobs)
            wait_until_blocked(engine)
            with room.stores.threads(caller(NURSE)) as unit:
                close_thread(unit, room.thread_id)
        with pytest.raises(ThreadNotFound):
            putting.result()
    assert (count_rows(room), blobs.files.owners()) == (0, [])


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_part_waits_for_whoever_closes_its_thread(room: Room, blobs: BlobRoom, engine: Engine, is_begun: bool):
    blob_id = put(room, blobs) if is_begun else uuid.uuid4()
    with ThreadPoolExecutor(1) as pool:
        with room.stores.threads(caller(NURSE)) as unit:
            file_ids = close_thread(unit, room.thread_id)
            putting = pool.submit(put, room, blobs, blob_id, b"another content")
            wait_until_blocked(engine)
        with pytest.raises(ThreadNotFound):
            putting.result()
    blobs.drop_closed(file_ids)
    assert (count_rows(room), blobs.files.owners()) == (0, [])


def test_an_upload_is_not_given_up_between_two_statements_of_a_part(room: Room, blobs: BlobRoom):
    """No thread is locked by the sweep."""
    blob_id = put(room, blobs)
    later = clock.now() + DAY + timedelta(minutes=1)
    swept: list[SweptBlobs] = []
    with room.stores.sessions() as session:
        engine = session.get_bind()

    def sweep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO welno.welno_thread_blobs") and not swept:
            swept.append(sweep_blobs(room.stores.unit_of_work, blobs.files, later, KEEP_DAYS))

    event.listen(engine, "after_cursor_execute", sweep)
    try:
        put(room, blobs, blob_id)
    finally:
        event.remove(engine, "after_cursor_execute", sweep)
    assert swept == [SweptBlobs(0, 0)]
    complete(room, blobs, blob_id)
    assert read(room, blobs, blob_id) == CONTENT


class LoopDisk(WatchedDisk):
    """Notes what waits for it in the thread that made it: there the loop runs."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = threading.get_ident()

    def before(self, call: str, args: tuple[Any, ...]) -> None:
        if threading.get_ident() == self._loop:
            super().before(call, args)


def test_the_loop_waits_for_no_disk(room: Room, tmp_path: Path):
    disk = LoopDisk()
    with ThreadPoolExecutor(1) as pool:
        watched = open_blobs(room, tmp_path, disk)
        blobs = BlobRoom(watched.threads, watched.files, lambda *call: pool.submit(*call).result())
        disk.made.clear()
        blob_id = put(room, blobs, content=b"replaced")
        put(room, blobs, blob_id)
        complete(room, blobs, blob_id)
        with room.stores.threads(caller(NURSE)) as unit:
            file_ids = close_thread(unit, room.thread_id)
        blobs.drop_closed(file_ids)
    assert disk.made == []
    assert blobs.files.owners() == []


@pytest.mark.parametrize("call", ["write", "fsync", "rename", "fsync_folder"])
def test_a_full_disk_is_told_and_what_it_refused_is_missing(room: Room, tmp_path: Path, call: str):
    counting = FaultyDisk(0, errno.ENOSPC)
    put(room, open_blobs(room, tmp_path / "counted", counting))
    at = len(counting.made) - counting.made[::-1].index(call)
    full = open_blobs(room, tmp_path / "full", FaultyDisk(at, errno.ENOSPC))
    blob_id = uuid.uuid4()
    with pytest.raises(StorageFault) as refused:
        put(room, full, blob_id)
    assert refused.value.reason == "disk_full"
    blobs = open_blobs(room, tmp_path / "full")
    if call != "fsync_folder":  # there, if not durable
        with pytest.raises(BlobIncomplete) as missing:
            complete(room, blobs, blob_id)
        assert missing.value.details == {"missing": [1]}
    put(room, blobs, blob_id)
    complete(room, blobs, blob_id)
    assert read(room, blobs, blob_id) == CONTENT
