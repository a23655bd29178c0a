"""Writing to a disk so that a file is whole or absent: temporary name, fsync, link or rename, fsync of the folder."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from spool.disk import Disk
from spool.names import TEMPORARY_PREFIX


def write_temporary(disk: Disk, folder: Path, data: bytes, seconds: float) -> Path:
    """A fsynced file with a temporary name. After any fault it is closed and gone: a retry starts a new file."""
    path = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
    handle = disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            write_all(disk, handle, data)
            # Ages are measured by the product's clock, not by the machine's.
            disk.set_time(handle, seconds)
            disk.fsync(handle)
        finally:
            disk.close(handle)
    except BaseException:
        drop_temporary(disk, path)
        raise
    return path


def link_new(disk: Disk, temporary: Path, target: Path) -> bool:
    """The first to link wins: False if the target is there already. The folder is fsynced in both cases, because
    the one that linked first may have died before its own fsync."""
    try:
        disk.link(temporary, target)
        created = True
    except FileExistsError:
        created = False
    except BaseException:
        drop_temporary(disk, temporary)
        raise
    disk.unlink(temporary)
    disk.fsync_folder(target.parent)
    return created


def replace(disk: Disk, target: Path, data: bytes, seconds: float, *, temporary_in: Path) -> None:
    temporary = write_temporary(disk, temporary_in, data, seconds)
    try:
        disk.rename(temporary, target)
        disk.fsync_folder(target.parent)
        if temporary_in != target.parent:
            disk.fsync_folder(temporary_in)
    except BaseException:
        drop_temporary(disk, temporary)
        raise


def drop_temporary(disk: Disk, temporary: Path) -> None:
    # The first fault is the one to report; what cannot be removed now, the sweep removes.
    with suppress(OSError):
        disk.unlink(temporary)


def read_all(disk: Disk, handle: int) -> bytes:
    parts = []
    while part := disk.read(handle, 1 << 24):
        parts.append(part)
    return b"".join(parts)


def write_all(disk: Disk, handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = disk.write(handle, rest)
        if written <= 0:
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[written:]


class ReaderOfHandle:
    """Reads on from where the handle stands."""

    def __init__(self, disk: Disk, handle: int) -> None:
        self._disk = disk
        self._handle = handle

    def read(self, size: int) -> bytes:
        return self._disk.read(self._handle, size)


def begin_temporary(disk: Disk, target: Path, seconds: float) -> "DiskFileWriter":
    path = target.parent / f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
    handle = disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    return DiskFileWriter(disk, handle, path, target, seconds)


class DiskFileWriter:
    """A file with a temporary name, beside its target."""

    def __init__(self, disk: Disk, handle: int, path: Path, target: Path, seconds: float) -> None:
        self._disk = disk
        self._handle: int | None = handle
        self._path = path
        self._target = target
        self._seconds = seconds

    def write(self, data: bytes) -> None:
        write_all(self._disk, self._open_handle(), data)

    def keep(self) -> None:
        handle = self._open_handle()
        self._disk.set_time(handle, self._seconds)
        self._disk.fsync(handle)
        self._close()
        self._disk.rename(self._path, self._target)
        self._disk.fsync_folder(self._target.parent)

    def abort(self) -> None:
        with suppress(OSError):
            self._close()
        drop_temporary(self._disk, self._path)
        with suppress(OSError):
            self._disk.rmdir(self._path.parent)

    def _open_handle(self) -> int:
        if self._handle is None:
            raise OSError(errno.EBADF, "ended before")
        return self._handle

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._disk.close(handle)
