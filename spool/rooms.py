"""Room on disk that is set aside for an answer before anybody asks, and so pays, for it.

A room is a file of the wanted size with a temporary name, locked while its process lives: a sweep removes those of dead
processes and leaves the others alone, however long their call takes.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path, PurePath
from typing import cast

from spool.disk import Disk
from spool.names import TEMPORARY_PREFIX
from spool.writing import drop_temporary, link_new, write_all

ROOM_PREFIX = f"{TEMPORARY_PREFIX}room-"


class DiskRoom:
    """A file with a temporary name."""

    def __init__(self, disk: Disk, path: Path, handle: int) -> None:
        self._disk = disk
        self._path = path
        self._handle: int | None = handle

    def fill(self, data: bytes, target: PurePath, seconds: float) -> bool:
        """Write, sync, and give it its name. What is longer than the room takes more of the disk, if there is any."""
        handle = self._handle
        if handle is None:
            raise AssertionError("a room holds one answer")
        try:
            write_all(self._disk, handle, data)
            self._disk.truncate(handle, len(data))
            self._disk.set_time(handle, seconds)
            self._disk.fsync(handle)
            # Still locked: until it has its name a sweep must not take it for a dead process's.
            created = link_new(self._disk, self._path, cast(Path, target))
        except BaseException:
            self.close()
            raise
        self._handle = None
        self._disk.close(handle)
        return created

    def close(self) -> None:
        """Give the room back, if it holds nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            drop_temporary(self._disk, self._path)
            with suppress(OSError):
                self._disk.close(handle)


def reserve_on_disk(disk: Disk, folder: Path, size_bytes: int) -> DiskRoom:
    path = folder / f"{ROOM_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
    handle = disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    room = DiskRoom(disk, path, handle)
    try:
        disk.lock(handle)
        disk.allocate(handle, size_bytes)
    except BaseException:
        room.close()
        raise
    return room
