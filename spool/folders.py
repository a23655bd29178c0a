"""Where each file lies: looking it up, holding it, and moving it so that it is never in two places or none."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from spool.disk import Disk
from spool.errors import FileTaken, StorageFault, UnknownFile, reason_of
from spool.names import FileName, Folder

SESSIONS = ".sessions"
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Place:
    folder: Folder
    path: Path
    size_bytes: int


class SpoolFolders:
    def __init__(self, root: Path, disk: Disk) -> None:
        self.root = root
        self.disk = disk
        self._durable: set[Path] = set()

    def ensure_folders(self) -> None:
        for folder in (self.root, *(self.root / folder for folder in Folder), self.root / SESSIONS):
            self.ensure_folder(folder)
            # Folders that were there before may be open to others.
            self.disk.chmod(folder, 0o700)

    def ensure_folder(self, path: Path) -> None:
        """With its parents inside of the root."""
        if path in self._durable and self.is_there(path):
            return
        if path != self.root:
            self.ensure_folder(path.parent)
        with suppress(FileExistsError):
            self.disk.mkdir(path)
        # Also for a folder that is there: who made it may have died before this, and all inside of it would be lost.
        self.disk.fsync_folder(path.parent)
        self._durable.add(path)

    def folder(self, folder: Folder) -> Path:
        return self.root / folder

    def path(self, folder: Folder, name: FileName | str) -> Path:
        return self.root / folder / str(name)

    def day_folder(self, moment: datetime) -> Path:
        return self.root / Folder.COMPLETED / f"{moment:%Y/%m/%d}"

    def is_there(self, path: Path) -> bool:
        try:
            self.disk.stat(path)
        except FileNotFoundError:
            return False
        return True

    def find(self, name: FileName) -> Place | None:
        # Pending twice: a file that is requeued while we look must not slip past us.
        for folder in (Folder.PENDING, Folder.FAILED, Folder.PENDING):
            if place := self._place(folder, self.path(folder, name)):
                return place
        days = (self._place(Folder.COMPLETED, path / str(name)) for _, path in self.completed_days())
        return next((place for place in days if place), None)

    def require(self, name: FileName) -> Place:
        """Raises UnknownFile."""
        place = self.find(name)
        if place is None:
            raise UnknownFile
        return place

    def completed_days(self) -> Iterator[tuple[date, Path]]:
        """Newest first. Folders that are no date belong to somebody else."""
        top = self.folder(Folder.COMPLETED)
        for year in self._numbers(top):
            for month in self._numbers(top / year):
                for day in self._numbers(top / year / month):
                    with suppress(ValueError):
                        yield date(int(year), int(month), int(day)), top / year / month / day

    def move(self, source: Path, target: Path) -> None:
        """Whole in one of both places at any moment; the target is durable before the source is gone for good."""
        self.disk.rename(source, target)
        self.settle(target, source)

    def settle(self, target: Path, source: Path) -> None:
        self.disk.fsync_folder(target.parent)
        self.disk.fsync_folder(source.parent)

    @contextmanager
    def hold(self, path: Path) -> Iterator[int]:
        """The locked handle of the file. Raises FileTaken, UnknownFile. The block's own OSErrors are not translated."""
        handle = translate(self, self._take, path)
        try:
            yield handle
        finally:
            with suppress(OSError):  # nothing was written on it: a failed close loses nothing
                self.disk.close(handle)

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

    def _place(self, folder: Folder, path: Path) -> Place | None:
        try:
            return Place(folder, path, self.disk.stat(path).st_size)
        except FileNotFoundError:
            return None

    def _numbers(self, path: Path) -> list[str]:
        # A folder may be cleaned up while we walk; its files went with it.
        with suppress(FileNotFoundError, NotADirectoryError):
            return sorted((name for name in self.disk.listdir(path) if name.isascii() and name.isdigit()), reverse=True)
        return []


class OnShelf(Protocol):
    folders: SpoolFolders


S = TypeVar("S", bound=OnShelf)


def translated(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """The boundary of the spool: whatever the disk refuses leaves it as StorageFault with a reason."""

    @functools.wraps(method)
    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return translate(self.folders, method, self, *args, **kwargs)

    return guarded


def translate(folders: SpoolFolders, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return call(*args, **kwargs)
    except OSError as exc:
        raise StorageFault(_reason(folders, exc)) from exc


def _reason(folders: SpoolFolders, fault: OSError) -> str:
    reason = reason_of(fault)
    if reason == "disk_full":
        with suppress(OSError):
            return "disk_full" if folders.disk.has_free_inodes(folders.root) else "inode_full"
    return reason
