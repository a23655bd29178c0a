"""Room for an answer is had before it is paid for, and given back when nothing comes of it."""

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import Clock
from spool import AnswerKind, KeptAnswer, Spool, StorageFault
from tests.integration.spool.actions import temporaries_in
from tests.integration.spool.conftest import NOW, SEALER, SESSION
from tests.integration.spool.disks import FaultyDisk, WatchedDisk

MIB = 1024 * 1024
ABOUT = {"call": "checkups", "step": "fetch_health_data", "attempt": 2, "status": 200}


def only_temporary(root: Path) -> Path:
    [name] = temporaries_in(root)
    return root / "incoming" / name


def test_a_room_takes_its_size_of_the_disk_at_once(spool: Spool):
    room = spool.reserve_room(2 * MIB)
    found = only_temporary(spool.storage.root).stat()
    assert (found.st_size, found.st_blocks * 512 >= 2 * MIB) == (2 * MIB, True)
    room.close()
    assert temporaries_in(spool.storage.root) == []


def test_a_full_disk_is_found_out_before_anything_is_paid(open_spool: Callable[..., Spool]):
    open_spool().ensure_folders()
    counting = WatchedDisk()
    open_spool(counting).reserve_room(MIB).close()
    full = FaultyDisk(counting.made.index("allocate") + 1, errno.ENOSPC)
    with pytest.raises(StorageFault) as caught:
        open_spool(full).reserve_room(MIB)
    assert (caught.value.reason, caught.value.retryable) == ("disk_full", True)
    assert temporaries_in(open_spool().storage.root) == []


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_an_answer_in_a_room_is_what_came_and_what_was_known_of_it(spool: Spool, size: int):
    body, room = os.urandom(size), spool.reserve_room(MIB)
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(body, ABOUT), room)
    kept = spool.read_incoming(SESSION, AnswerKind.HEALTH)
    assert (kept.body, kept.about) == (body, ABOUT)
    assert temporaries_in(spool.storage.root) == []


def test_an_answer_on_disk_is_sealed_with_what_is_known_of_it(spool: Spool):
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"canary", ABOUT), spool.reserve_room(MIB))
    stored = (spool.storage.root / "incoming" / f"{SESSION}_health_data.raw").read_bytes()
    assert b"canary" not in stored
    assert b"checkups" not in stored


def test_the_first_answer_stays_and_the_room_of_the_second_is_given_back(spool: Spool):
    rooms = [spool.reserve_room(MIB) for _ in range(2)]
    for room, body in zip(rooms, (b"first", b"second"), strict=True):
        spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(body), room)
        room.close()
    assert spool.read_incoming(SESSION, AnswerKind.HEALTH).body == b"first"
    assert temporaries_in(spool.storage.root) == []


def test_a_sweep_leaves_the_room_of_a_call_that_takes_long(spool: Spool):
    room = spool.reserve_room(MIB)
    with Clock().frozen(NOW + timedelta(days=365)) as later:
        other = Spool(spool.storage.root, SEALER, later)
        assert other.sweep_temporary() == 0
        os.close(os.dup(room._handle or 0))
        room._disk.close(room._handle or 0)  # its process dies
        assert other.sweep_temporary() == 1
