"""Rooms for the answers of polls: as many as the disk has, and none is lost."""

import errno
from pathlib import Path

import pytest

from core.clock import Clock
from core.sealing import Sealer
from spool import Disk, Spool, StorageFault
from tasks.processes.spare_rooms import SpareRooms


class SmallDisk(Disk):
    """Has so many more rooms."""

    def __init__(self, rooms: int) -> None:
        self.rooms = rooms

    def allocate(self, handle: int, size: int) -> None:
        if not self.rooms:
            raise OSError(errno.ENOSPC, "no space left on device")
        self.rooms -= 1
        super().allocate(handle, size)


def rooms_on(folder: Path, disk: Disk) -> SpareRooms:
    spool = Spool(folder, Sealer({"k1": bytes(32)}), Clock(), disk)
    spool.ensure_folders()
    return SpareRooms(spool)


def temporaries(folder: Path) -> int:
    return len(list(folder.rglob(".tmp-room-*")))


def test_with_room_for_some_those_are_enough(tmp_path: Path):
    rooms = rooms_on(tmp_path, SmallDisk(3))
    rooms.require()
    assert [rooms.take() is not None for _ in range(4)] == [True, True, True, False]


def test_without_any_room_nobody_is_to_be_asked(tmp_path: Path):
    rooms = rooms_on(tmp_path, SmallDisk(0))
    with pytest.raises(StorageFault):
        rooms.require()
    assert not rooms.are_spare


@pytest.mark.parametrize("had", [0, 3, 4])
def test_every_room_is_given_back(tmp_path: Path, had: int):
    rooms = rooms_on(tmp_path, SmallDisk(had))
    try:
        rooms.require()
    except StorageFault:
        assert had == 0
    assert temporaries(tmp_path) == had
    rooms.close()
    assert temporaries(tmp_path) == 0
