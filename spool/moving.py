"""The engine while files are moved from one place to another: both are looked at, the older one first.

A file that lies in the older place is that one's, whatever lies under its name in the newer: a copy of a mover that
was cut. Who changes the file takes that copy away first. Once the move has begun, what is new is written to the newer
place.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import PurePath, PurePosixPath

from spool.errors import UnknownFile
from spool.names import FileName
from spool.storage import FileReader, FileStatus, FileWriter, HeldFile, Place, Room, Storage, translating

BEGUN = ".move-begun"


class RoomDuringMove:
    """Reserved before the move began, it is given back, and the answer goes where answers go by then."""

    def __init__(self, storage: "MovingStorage", place: Storage, room: Room) -> None:
        self._storage = storage
        self._place = place
        self._room = room

    def fill(self, data: bytes, target: PurePath, seconds: float) -> bool:
        if self._storage.find_place(target) is None and self._storage.place_of_new() is self._place:
            return self._room.fill(data, self._place.root / target, seconds)
        self._room.close()
        return self._storage.put_new(target, data, seconds)

    def close(self) -> None:
        self._room.close()


class MovingStorage(Storage):
    """Paths have no root: each place adds its own."""

    root: PurePosixPath

    def __init__(self, older: Storage, newer: Storage) -> None:
        self.root = PurePosixPath()
        self._older = older
        self._newer = newer

    def place_of_new(self) -> Storage:
        has_begun = self._older.is_there(self._older.root / BEGUN)
        return self._newer if has_begun else self._older

    def find_place(self, path: PurePath) -> Storage | None:
        # The older one first: a file is gone there only when it is whole in the newer.
        return next((place for place in self._places if place.is_there(place.root / path)), None)

    # Files

    def status(self, path: PurePath) -> FileStatus:
        try:
            return self._older.status(self._older.root / path)
        except FileNotFoundError:
            return self._newer.status(self._newer.root / path)

    def names(self, folder: PurePath) -> Iterator[str]:
        found: dict[str, None] = {}
        missing = 0
        for place in self._places:
            try:
                found.update(dict.fromkeys(place.names(place.root / folder)))
            except FileNotFoundError:
                missing += 1
        if missing == len(self._places):
            raise FileNotFoundError(folder.name)
        return iter(found)

    @contextmanager
    def open(self, path: PurePath) -> Iterator[FileReader]:
        with ExitStack() as stack:
            try:
                reader = stack.enter_context(self._older.open(self._older.root / path))
            except FileNotFoundError:
                reader = stack.enter_context(self._newer.open(self._newer.root / path))
            yield reader

    def put_new(
        self, path: PurePath, data: bytes, seconds: float, before_named: Callable[[], None] | None = None
    ) -> bool:
        place = self.place_of_new()
        if place is self._newer and self._older.is_there(self._older.root / path):
            self._older.sync(self._older.root / path.parent)
            return False
        return place.put_new(place.root / path, data, seconds, before_named)

    def replace(self, path: PurePath, data: bytes, seconds: float, *, temporary_in: PurePath | None = None) -> None:
        place = self._take_hold_of(path) or self.place_of_new()
        place.ensure_folder(place.root / path.parent)
        beside = None if temporary_in is None else place.root / temporary_in
        place.replace(place.root / path, data, seconds, temporary_in=beside)

    def remove(self, path: PurePath) -> None:
        """From the older place first: a mover that finds it gone there takes its copy away."""
        if self.find_place(path) is None:
            raise FileNotFoundError(path.name)
        self.remove_all([path])

    def remove_all(self, paths: Iterable[PurePath]) -> None:
        wanted = list(paths)
        for place in self._places:
            place.remove_all([place.root / path for path in wanted])

    def move(self, source: PurePath, target: PurePath) -> None:
        place = self._take_hold_of(source) or self._newer
        place.ensure_folder(place.root / target.parent)
        place.move(place.root / source, place.root / target)

    def settle(self, target: PurePath, source: PurePath) -> None:
        place = self.find_place(target) or self._newer
        place.settle(place.root / target, place.root / source)

    @contextmanager
    def hold(self, path: PurePath) -> Iterator[HeldFile]:
        with ExitStack() as stack:
            try:
                held = stack.enter_context(self._older.hold(self._older.root / path))
            except UnknownFile:
                held = stack.enter_context(self._newer.hold(self._newer.root / path))
            else:
                with translating(self):
                    self._drop_copy(path)
            yield held

    def mark(self, path: PurePath, text: str) -> None:
        place = self.place_of_new()
        if place is self._newer and self._older.is_there(self._older.root / path):
            raise FileExistsError(path.name)
        place.mark(place.root / path, text)

    def read_mark(self, path: PurePath) -> str:
        try:
            return self._older.read_mark(self._older.root / path)
        except FileNotFoundError:
            return self._newer.read_mark(self._newer.root / path)

    def reserve(self, size_bytes: int) -> RoomDuringMove:
        place = self.place_of_new()
        return RoomDuringMove(self, place, place.reserve(size_bytes))

    def begin(self, path: PurePath, seconds: float) -> FileWriter:
        place = self.find_place(path) or self.place_of_new()
        return place.begin(place.root / path, seconds)

    # Folders

    def ensure_folders(self) -> None:
        for place in self._places:
            place.ensure_folders()

    def ensure_folder(self, path: PurePath) -> None:
        place = self.place_of_new()
        place.ensure_folder(place.root / path)

    def sync(self, folder: PurePath) -> None:
        for place in self._places:
            with suppress(FileNotFoundError):
                place.sync(place.root / folder)

    def remove_empty(self, folder: PurePath) -> None:
        for place in self._places:
            with suppress(OSError):
                place.remove_empty(place.root / folder)

    def drop_unfinished(self, folder: PurePath) -> None:
        for place in self._places:
            place.drop_unfinished(place.root / folder)

    def changed_at(self, folder: PurePath) -> float:
        times = []
        for place in self._places:
            with suppress(FileNotFoundError):
                times.append(place.changed_at(place.root / folder))
        if not times:
            raise FileNotFoundError(folder.name)
        return max(times)

    # Whose sessions they are

    notes_owners = True

    def note_owner(self, session_id: str, tags: Sequence[str], sealed_owner: bytes) -> None:
        self.place_of_new().note_owner(session_id, tags, sealed_owner)

    def sessions_of_owner(self, tags: Sequence[str]) -> list[str]:
        return [session_id for place in self._places for session_id in place.sessions_of_owner(tags)]

    def owners(self) -> Iterator[tuple[str, str, bytes]]:
        return (note for place in self._places for note in place.owners())

    def forget_owners(self, session_ids: Collection[str], *, but_tags: Collection[str] = ()) -> None:
        for place in self._places:
            place.forget_owners(session_ids, but_tags=but_tags)

    def unnoted_files(self) -> Iterator[PurePath]:
        for place in self._places:
            yield from [_below(place, path) for path in place.unnoted_files()]

    # Looking after it

    def prove_writable(self, seconds: float) -> None:
        self.place_of_new().prove_writable(seconds)

    def sweep_temporary(self, before: float) -> int:
        return sum(place.sweep_temporary(before) for place in self._places)

    def reason(self, fault: OSError) -> str:
        # A bucket's refusals bear their own.
        return str(getattr(fault, "reason", "")) or self._older.reason(fault)

    def files(self) -> Iterator[PurePath]:
        for place in self._places:
            yield from [_below(place, path) for path in place.files()]

    def sessions_with_files(self, names: Collection[FileName]) -> set[tuple[str, str]]:
        return {one for place in self._places for one in place.sessions_with_files(names)}

    def find(self, name: FileName) -> Place | None:
        for place in self._places:
            if found := place.find(name):
                return Place(found.folder, _below(place, found.path), found.size_bytes)
        return None

    @property
    def _places(self) -> tuple[Storage, Storage]:
        return self._older, self._newer

    def _join(self, *parts: str) -> PurePosixPath:
        return PurePosixPath(*parts)

    def _take_hold_of(self, path: PurePath) -> Storage | None:
        """Where it is, without a mover's copy elsewhere."""
        place = self.find_place(path)
        if place is self._older:
            self._drop_copy(path)
        return place

    def _drop_copy(self, path: PurePath) -> None:
        with suppress(FileNotFoundError):
            self._newer.remove(self._newer.root / path)


def _below(place: Storage, path: PurePath) -> PurePosixPath:
    return PurePosixPath(path.relative_to(place.root))
