"""The engine that keeps the spool's files in a folder of a file system that has rename, link and flock."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import cast

from spool.disk import Disk
from spool.errors import FileTaken, UnknownFile, reason_of
from spool.names import TEMPORARY_PREFIX, Folder
from spool.rooms import ROOM_PREFIX, DiskRoom, reserve_on_disk
from spool.storage import SESSIONS, FileReader, FileStatus, Storage, translating
from spool.writing import (
    DiskFileWriter,
    ReaderOfHandle,
    begin_temporary,
    drop_temporary,
    link_new,
    read_all,
    replace,
    write_temporary,
)

_PROOF = bytes(4096)  # a whole block, which a full disk refuses


class HeldOnDisk:
    """A locked handle."""

    def __init__(self, disk: Disk, handle: int) -> None:
        self._disk = disk
        self._handle = handle

    @property
    def status(self) -> FileStatus:
        return _status_of(self._disk.stat_handle(self._handle))

    def read(self) -> bytes:
        return read_all(self._disk, self._handle)


class SpoolFolders(Storage):
    """Every path below the root is a `Path`, since this engine's own are."""

    root: Path

    def __init__(self, root: Path, disk: Disk) -> None:
        self.root = root
        self.disk = disk
        self._durable: set[PurePath] = set()

    # Files

    def status(self, path: PurePath) -> FileStatus:
        return _status_of(self.disk.stat(_real(path)))

    def names(self, folder: PurePath) -> Iterator[str]:
        return self.disk.listdir(_real(folder))

    @contextmanager
    def open(self, path: PurePath) -> Iterator[FileReader]:
        handle = self.disk.open(_real(path), os.O_RDONLY)
        try:
            yield ReaderOfHandle(self.disk, handle)
        finally:
            self.disk.close(handle)

    def put_new(
        self, path: PurePath, data: bytes, seconds: float, before_named: Callable[[], None] | None = None
    ) -> bool:
        target = _real(path)
        temporary = write_temporary(self.disk, target.parent, data, seconds)
        try:
            if before_named is not None:
                before_named()
        except BaseException:
            drop_temporary(self.disk, temporary)
            raise
        return link_new(self.disk, temporary, target)

    def replace(self, path: PurePath, data: bytes, seconds: float, *, temporary_in: PurePath | None = None) -> None:
        replace(self.disk, _real(path), data, seconds, temporary_in=_real(temporary_in or path.parent))

    def remove(self, path: PurePath) -> None:
        self.disk.unlink(_real(path))

    def move(self, source: PurePath, target: PurePath) -> None:
        self.disk.rename(_real(source), _real(target))
        self.settle(target, source)

    def settle(self, target: PurePath, source: PurePath) -> None:
        self.sync(target.parent)
        self.sync(source.parent)

    @contextmanager
    def hold(self, path: PurePath) -> Iterator[HeldOnDisk]:
        """By a lock on the file's handle, which goes with the process."""
        with translating(self):
            handle = self._take(_real(path))
        try:
            yield HeldOnDisk(self.disk, handle)
        finally:
            with suppress(OSError):  # nothing was written on it: a failed close loses nothing
                self.disk.close(handle)

    def mark(self, path: PurePath, text: str) -> None:
        # One step: a link is there with its text or not at all, which a small file would not be.
        self.disk.symlink(text, _real(path))

    def read_mark(self, path: PurePath) -> str:
        return self.disk.readlink(_real(path))

    def reserve(self, size_bytes: int) -> DiskRoom:
        return reserve_on_disk(self.disk, self.root / Folder.INCOMING, size_bytes)

    def begin(self, path: PurePath, seconds: float) -> DiskFileWriter:
        return begin_temporary(self.disk, _real(path), seconds)

    # Folders

    def ensure_folders(self) -> None:
        for folder in (self.root, *(self.root / folder for folder in Folder), self.root / SESSIONS):
            self.ensure_folder(folder)
            # Folders that were there before may be open to others.
            self.disk.chmod(folder, 0o700)

    def ensure_folder(self, path: PurePath) -> None:
        """With its parents inside of the root."""
        if path in self._durable and self.is_there(path):
            return
        if path != self.root:
            self.ensure_folder(path.parent)
        with suppress(FileExistsError):
            self.disk.mkdir(_real(path))
        # Also for a folder that is there: who made it may have died before this, and all inside of it would be lost.
        self.sync(path.parent)
        self._durable.add(path)

    def sync(self, folder: PurePath) -> None:
        self.disk.fsync_folder(_real(folder))

    def remove_empty(self, folder: PurePath) -> None:
        self.disk.rmdir(_real(folder))

    def drop_unfinished(self, folder: PurePath) -> None:
        """Nothing that `names` would not tell."""

    def changed_at(self, folder: PurePath) -> float:
        return self.disk.stat(_real(folder)).st_mtime

    # Looking after it

    def prove_writable(self, seconds: float) -> None:
        self.disk.unlink(write_temporary(self.disk, self.root / Folder.INCOMING, _PROOF, seconds))

    def sweep_temporary(self, before: float) -> int:
        folders = (self.root / folder for folder in (Folder.INCOMING, Folder.PENDING, Folder.FAILED))
        found = (folder / name for folder in folders for name in self.names(folder) if _is_temporary(name))
        return sum(self._sweep_one(path, before) for path in found)

    def reason(self, fault: OSError) -> str:
        reason = reason_of(fault)
        if reason == "disk_full":
            with suppress(OSError):
                return "disk_full" if self.disk.has_free_inodes(self.root) else "inode_full"
        return reason

    def _join(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    def _take(self, path: Path) -> int:
        try:
            # For writing, because network file systems refuse an exclusive lock on a handle for reading.
            handle = self.disk.open(path, os.O_RDWR)
        except FileNotFoundError:
            raise UnknownFile from None
        try:
            self._lock(path, handle)
        except BaseException:
            with suppress(OSError):
                self.disk.close(handle)
            raise
        return handle

    def _lock(self, path: Path, handle: int) -> None:
        if not self.disk.lock(handle):
            raise FileTaken
        # Whoever held the lock before us may have moved the file on meanwhile.
        if not self._is_still(path, handle):
            raise UnknownFile

    def _is_still(self, path: Path, handle: int) -> bool:
        try:
            there, held = self.disk.stat(path), self.disk.stat_handle(handle)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

    def _sweep_one(self, path: Path, before: float) -> bool:
        try:
            if self.disk.stat(path).st_mtime > before or self._is_room_in_use(path):
                return False
            self.disk.unlink(path)
        except FileNotFoundError:
            return False
        return True

    def _is_room_in_use(self, path: Path) -> bool:
        """A call may take longer than any file is written: only a dead process's room is left behind."""
        if not path.name.startswith(ROOM_PREFIX):
            return False
        handle = self.disk.open(path, os.O_RDWR)
        try:
            return not self.disk.lock(handle)
        finally:
            self.disk.close(handle)


def _real(path: PurePath) -> Path:
    return cast(Path, path)


def _status_of(found: os.stat_result) -> FileStatus:
    return FileStatus(found.st_size, found.st_mtime, found.st_mtime)


def _is_temporary(name: str) -> bool:
    return name.startswith(TEMPORARY_PREFIX)
