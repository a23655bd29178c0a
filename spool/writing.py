"""Writing so that a file is whole or absent: temporary name, fsync, link or rename, fsync of the folder."""

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


def replace(disk: Disk, target: Path, data: bytes, seconds: float) -> None:
    temporary = write_temporary(disk, target.parent, data, seconds)
    try:
        disk.rename(temporary, target)
    except BaseException:
        drop_temporary(disk, temporary)
        raise
    disk.fsync_folder(target.parent)


def drop_temporary(disk: Disk, temporary: Path) -> None:
    # The first fault is the one to report; what cannot be removed now, the sweep removes.
    with suppress(OSError):
        disk.unlink(temporary)


def read_all(disk: Disk, handle: int) -> bytes:
    parts = []
    while part := disk.read(handle, 1 << 24):
        parts.append(part)
    return b"".join(parts)


def read_file(disk: Disk, path: Path) -> bytes:
    handle = disk.open(path, os.O_RDONLY)
    try:
        return read_all(disk, handle)
    finally:
        disk.close(handle)


def write_all(disk: Disk, handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = disk.write(handle, rest)
        if written <= 0:
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[written:]
