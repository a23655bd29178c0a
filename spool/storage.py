"""What the spool's rules need of whatever keeps its files: one engine is a folder, the other a bucket.

Paths begin with the engine's `root`; the rules look at their last part only. A path that is not there raises
FileNotFoundError, whatever else is refused another OSError, which `translated` makes a StorageFault at the spool's
boundary. What has returned is durable; a file is whole or absent at every moment.
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from spool.errors import StorageFault, UnknownFile
from spool.names import DataType, FileName, Folder

SESSIONS = ".sessions"
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Place:
    folder: Folder
    path: PurePath
    size_bytes: int


@dataclass(frozen=True)
class FileStatus:
    """`written_at`: by the product's clock; `changed_at`: by that of whatever keeps the file. Seconds since 1970."""

    size_bytes: int
    written_at: float
    changed_at: float


class FileReader(Protocol):
    def read(self, size: int, /) -> bytes:
        """May be less than asked for; empty at the end."""


class HeldFile(Protocol):
    """One that nobody else moves or claims meanwhile."""

    @property
    def status(self) -> FileStatus: ...

    def read(self) -> bytes: ...


class Room(Protocol):
    """Holds one answer, or is given up. `close` may be called in any state, and more than once."""

    def fill(self, data: bytes, target: PurePath, seconds: float) -> bool:
        """False if something with that name was there before. After any fault the room is gone. Raises OSError."""

    def close(self) -> None: ...


class FileWriter(Protocol):
    """A file that nobody sees before its `keep`. Raises OSError."""

    def write(self, data: bytes) -> None: ...

    def keep(self) -> None: ...

    def abort(self) -> None:
        """Harmless when repeated, and after `keep`; never raises."""


class Storage(ABC):
    """Abstract are the engine's own operations; the others say where which file lies, alike for both."""

    root: PurePath

    # Files

    @abstractmethod
    def status(self, path: PurePath) -> FileStatus: ...

    @abstractmethod
    def names(self, folder: PurePath) -> Iterator[str]:
        """Of the files and folders in it, in no order. An engine without folders finds none where one is absent."""

    @abstractmethod
    def open(self, path: PurePath) -> AbstractContextManager[FileReader]: ...

    @abstractmethod
    def put_new(
        self, path: PurePath, data: bytes, seconds: float, before_named: Callable[[], None] | None = None
    ) -> bool:
        """The first wins: False if the file is there already, which is durable then too. `before_named` is called when
        all is ready but the name."""

    @abstractmethod
    def replace(self, path: PurePath, data: bytes, seconds: float, *, temporary_in: PurePath | None = None) -> None:
        """`temporary_in`: the folder for what a crash leaves behind, if it is to be another than the file's own."""

    @abstractmethod
    def remove(self, path: PurePath) -> None:
        """Durable only after `sync` of its folder."""

    @abstractmethod
    def move(self, source: PurePath, target: PurePath) -> None:
        """In one of both places at any moment, or in both; the target is durable before the source is gone for good."""

    @abstractmethod
    def settle(self, target: PurePath, source: PurePath) -> None:
        """Make durable a move that somebody made who may have died since."""

    @abstractmethod
    def hold(self, path: PurePath) -> AbstractContextManager[HeldFile]:
        """Exclusive until the block ends or the process is gone. Raises FileTaken, UnknownFile, StorageFault; the
        block's own OSErrors are not translated."""

    @abstractmethod
    def mark(self, path: PurePath, text: str) -> None:
        """A short text, there as a whole or not at all. The first wins: FileExistsError. Durable after `sync`."""

    @abstractmethod
    def read_mark(self, path: PurePath) -> str: ...

    @abstractmethod
    def reserve(self, size_bytes: int) -> Room:
        """Make sure, as far as one can before it comes, that an answer of this size will be kept."""

    @abstractmethod
    def begin(self, path: PurePath, seconds: float) -> FileWriter: ...

    # Folders

    @abstractmethod
    def ensure_folders(self) -> None: ...

    @abstractmethod
    def ensure_folder(self, path: PurePath) -> None: ...

    @abstractmethod
    def sync(self, folder: PurePath) -> None:
        """Make durable what was named and removed in it, by whomever."""

    @abstractmethod
    def remove_empty(self, folder: PurePath) -> None:
        """Refuses, by an OSError or silently, what is not empty."""

    @abstractmethod
    def drop_unfinished(self, folder: PurePath) -> None:
        """What is being written into it, or was by who died, if `names` does not tell it."""

    @abstractmethod
    def changed_at(self, folder: PurePath) -> float:
        """When something was last added to it. Seconds since 1970."""

    # Whose sessions they are, for an engine in which opening every file takes long

    notes_owners = False

    def note_owner(self, session_id: str, tags: Sequence[str], sealed_owner: bytes) -> None:  # noqa: B027 see above
        """Before the session's first file bears its name."""

    def sessions_of_owner(self, tags: Sequence[str]) -> list[str]:  # noqa: ARG002 nothing is noted
        """What was noted, under any of the tags."""
        return []

    def owners(self) -> Iterator[tuple[str, str, bytes]]:
        """Every note: its session, its tag, the sealed owner."""
        return iter(())

    def forget_owners(self, session_ids: Collection[str], *, but_tags: Collection[str] = ()) -> None:  # noqa: B027 see above
        """The notes of these sessions, but for those under these tags."""

    def unnoted_files(self) -> Iterator[PurePath]:
        """Of packages and answers, those whose owner only they themselves tell."""
        return self.files()

    # Looking after it

    @abstractmethod
    def prove_writable(self, seconds: float) -> None:
        """Write where answers land, as durably as they are, and remove it."""

    @abstractmethod
    def sweep_temporary(self, before: float) -> int:
        """Remove what dead writers left before that moment."""

    @abstractmethod
    def reason(self, fault: OSError) -> str: ...

    @abstractmethod
    def _join(self, *parts: str) -> PurePath:
        """Below the root."""

    def read(self, path: PurePath) -> bytes:
        with self.open(path) as reader:
            return b"".join(iter(lambda: reader.read(1 << 24), b""))

    def read_beginning(self, path: PurePath, size: int) -> bytes:
        with self.open(path) as reader:
            return reader.read(size)

    def files(self) -> Iterator[PurePath]:
        """Of packages and answers, with their reasons and what is not ours."""
        for folder in self.every_folder():
            with suppress(FileNotFoundError):  # a day that was cleaned up meanwhile
                # A set of names, not a walk: entries that vanish under an open listing may be skipped.
                yield from [folder / name for name in self.names(folder)]

    def every_folder(self) -> list[PurePath]:
        folders = [self.folder(one) for one in (Folder.INCOMING, Folder.PENDING, Folder.FAILED)]
        return [*folders, *(path for _, path in self.completed_days())]

    def remove_all(self, paths: Iterable[PurePath]) -> None:
        """Those that are there. Durable only after `sync` of their folders."""
        for path in paths:
            with suppress(FileNotFoundError):
                self.remove(path)

    def sessions_with_files(self, names: Collection[FileName]) -> set[tuple[str, str]]:
        """Which of these sessions have a package left: stamps and ids."""
        found = set()
        for stamp, session_id in {(name.stamp, name.session_id) for name in names}:
            if any(self.find(FileName(stamp, session_id, data_type)) for data_type in DataType):
                found.add((stamp, session_id))
        return found

    def folder(self, folder: Folder) -> PurePath:
        return self._join(folder)

    def path(self, folder: Folder, name: FileName | str) -> PurePath:
        return self._join(folder, str(name))

    def sessions_path(self, *name: str) -> PurePath:
        return self._join(SESSIONS, *name)

    def day_folder(self, moment: datetime) -> PurePath:
        return self._join(Folder.COMPLETED, f"{moment:%Y}", f"{moment:%m}", f"{moment:%d}")

    def is_there(self, path: PurePath) -> bool:
        try:
            self.status(path)
        except FileNotFoundError:
            return False
        return True

    def find(self, name: FileName) -> Place | None:
        # Pending twice: a file that is requeued while we look must not slip past us.
        for folder in (Folder.PENDING, Folder.FAILED, Folder.PENDING):
            if place := self._place(folder, self.path(folder, name)):
                return place
        days = (self._place(Folder.COMPLETED, path / str(name)) for path in self.days_of(name))
        return next((place for place in days if place), None)

    def require(self, name: FileName) -> Place:
        """Raises UnknownFile."""
        place = self.find(name)
        if place is None:
            raise UnknownFile
        return place

    def completed_days(self) -> Iterator[tuple[date, PurePath]]:
        """Newest first. Folders that are no date belong to somebody else."""
        top = self.folder(Folder.COMPLETED)
        for year in self._numbers(top):
            for month in self._numbers(top / year):
                for day in self._numbers(top / year / month):
                    with suppress(ValueError):
                        yield date(int(year), int(month), int(day)), top / year / month / day

    def days_of(self, name: FileName) -> Iterator[PurePath]:
        """Where a file may be that was completed."""
        del name  # to look through all of them costs a folder little
        return (path for _, path in self.completed_days())

    def _place(self, folder: Folder, path: PurePath) -> Place | None:
        try:
            return Place(folder, path, self.status(path).size_bytes)
        except FileNotFoundError:
            return None

    def _numbers(self, path: PurePath) -> list[str]:
        # A folder may be cleaned up while we walk; its files went with it.
        with suppress(FileNotFoundError, NotADirectoryError):
            return sorted((name for name in self.names(path) if name.isascii() and name.isdigit()), reverse=True)
        return []


class HasStorage(Protocol):
    storage: Storage


S = TypeVar("S", bound=HasStorage)


def translated(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """The boundary of the spool: whatever is refused leaves it as StorageFault with a reason."""

    @functools.wraps(method)
    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with translating(self.storage):
            return method(self, *args, **kwargs)

    return guarded


@contextmanager
def translating(storage: Storage) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StorageFault(storage.reason(exc)) from exc
