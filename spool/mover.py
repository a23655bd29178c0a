"""Moves every file from one place to another while the product works on them (spool/moving.py), one at a time.

A file goes from the older place only after its copy was read back and is the same. Cut at any moment, the next mover
goes on: what it was at stands in two marks of the older place, the first written before the copy is made, the second
before the file goes.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from core.logs import get_logger
from core.sealing import Sealer
from spool.erasing import Erasing
from spool.errors import DamagedFile, FileTaken, SealedWithUnknownKey, UnknownFile
from spool.moving import BEGUN, MovingStorage
from spool.names import TEMPORARY_PREFIX, WHY_SUFFIX, DataType, Folder, read_incoming_name, read_name
from spool.packages import open_package
from spool.sessions import Sessions
from spool.storage import SESSIONS, FileReader, Storage, translated

log = get_logger(__name__)
_COPYING, _COPIED = ".move-copying", ".move-copied"
# Where what a crash leaves of it is swept.
_LOCK = PurePosixPath(Folder.INCOMING, ".move-lock")
_OWNED = ("exports", "interviews", "blobs")
_PIECE_BYTES = 1 << 20


@dataclass
class MovedFiles:
    """What a look at all files came to: `waiting` are held by somebody, or were changed meanwhile; `differing` lie in
    both places with other contents; `unopened` are patients' own files that no key opens, so nobody knows whose."""

    done: int = 0
    waiting: int = 0
    differing: int = 0
    unopened: int = 0


class Mover:
    def __init__(self, older: Storage, newer: Storage, sealer: Sealer) -> None:
        self.storage: Storage = MovingStorage(older, newer)  # tells both places' refusals
        self._older = older
        self._newer = newer
        self._sealer = sealer
        self._notes = Erasing(newer, sealer, Sessions(newer))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Begin, or go on. Raises FileTaken while another mover is at it, StorageFault."""
        self._prepare()
        with self._older.hold(self._older.root / _LOCK):
            self._recover()
            yield

    @translated
    def move_all(self) -> MovedFiles:
        """Once through all of them; to be repeated until nothing was done. Raises StorageFault."""
        moved = MovedFiles()
        for name in self._names(PurePosixPath(SESSIONS)):
            self._move_mark(PurePosixPath(SESSIONS, name), moved)
        for path in self._files():
            try:
                with self._older.hold(self._older.root / path):
                    self._move_with_reasons(path, moved)
            except FileTaken:
                moved.waiting += 1
            except UnknownFile:
                continue  # moved on: the next look finds it where it is now
        for path in [*self._stray_reasons(), *self._owned()]:
            self._move(path, moved, overwrites=True)
        return moved

    # What it was at

    @translated
    def _prepare(self) -> None:
        for place in (self._older, self._newer):
            place.ensure_folders()
        self._older.put_new(self._older.root / _LOCK, b"", 0)
        with suppress(FileExistsError):
            self._older.mark(self._older.root / BEGUN, "yes")
        with suppress(FileNotFoundError):
            self._newer.remove(self._newer.root / BEGUN)
        self._older.sync(self._older.root)

    @translated
    def _recover(self) -> None:
        """A file that went from the older place while its copy was made was erased: so is the copy."""
        try:
            digest, _, path = self._older.read_mark(self._older.root / _COPYING).partition(" ")
        except FileNotFoundError:
            self._clear()
            return
        was_decided = self._is_marked(_COPIED)
        if not was_decided and not self._older.is_there(self._older.root / path):
            with suppress(FileNotFoundError):
                if self._digest(self._newer, PurePosixPath(path)) == digest:
                    self._newer.remove(self._newer.root / path)
                    self._newer.sync((self._newer.root / path).parent)
        self._clear()

    def _is_marked(self, name: str) -> bool:
        try:
            self._older.read_mark(self._older.root / name)
        except FileNotFoundError:
            return False
        return True

    def _mark(self, name: str, text: str) -> None:
        self._older.mark(self._older.root / name, text)
        self._older.sync(self._older.root)

    def _clear(self) -> None:
        # In this order: without the first mark the second says nothing.
        for name in (_COPYING, _COPIED):
            with suppress(FileNotFoundError):
                self._older.remove(self._older.root / name)
            self._older.sync(self._older.root)

    # One file

    def _move_with_reasons(self, path: PurePosixPath, moved: MovedFiles) -> None:
        why = PurePosixPath(Folder.FAILED, f"{path.name}{WHY_SUFFIX}")
        if path.parts[0] in {Folder.PENDING, Folder.FAILED} and self._older.is_there(self._older.root / why):
            self._move(why, moved, overwrites=True)
        try:
            self._note_owner(path)
        except SealedWithUnknownKey:
            moved.unopened += 1
            return
        self._move(path, moved, overwrites=False)

    def _move(self, path: PurePosixPath, moved: MovedFiles, *, overwrites: bool) -> None:
        try:
            digest = self._digest(self._older, path)
        except FileNotFoundError:
            return
        if not overwrites and self._digest_of_copy(path) not in {None, digest}:
            log.warning("file_differs_in_both_places", file=path.name)
            moved.differing += 1
            return
        self._mark(_COPYING, f"{digest} {path}")
        if not self._copy(path, digest):
            moved.waiting += 1
        elif self._is_still(path, digest):
            self._mark(_COPIED, "yes")
            self._remove_older(path)
            moved.done += 1
        else:
            self._drop_copy(path)
        self._clear()

    def _copy(self, path: PurePosixPath, digest: str) -> bool:
        """Whether what is in the newer place now is what was in the older."""
        source, target = self._older.root / path, self._newer.root / path
        try:
            if self._digest_of_copy(path) == digest:
                return True
            self._newer.ensure_folder(target.parent)
            writer = self._newer.begin(target, self._older.status(source).written_at)
            try:
                with self._older.open(source) as reader:
                    for piece in _pieces(reader):
                        writer.write(piece)
                writer.keep()
            except BaseException:
                writer.abort()
                raise
        except FileNotFoundError:
            self._drop_copy(path)
            return False
        if self._digest_of_copy(path) == digest:
            return True
        self._drop_copy(path)
        return False

    def _is_still(self, path: PurePosixPath, digest: str) -> bool:
        """Not erased meanwhile, and not replaced."""
        try:
            return self._digest(self._older, path) == digest
        except FileNotFoundError:
            return False

    def _remove_older(self, path: PurePosixPath) -> None:
        try:
            self._older.remove(self._older.root / path)
        except FileNotFoundError:  # erased just now
            self._drop_copy(path)
        self._older.sync((self._older.root / path).parent)

    def _drop_copy(self, path: PurePosixPath) -> None:
        with suppress(FileNotFoundError):
            self._newer.remove(self._newer.root / path)
            self._newer.sync((self._newer.root / path).parent)

    def _move_mark(self, path: PurePosixPath, moved: MovedFiles) -> None:
        try:
            text = self._older.read_mark(self._older.root / path)
        except FileNotFoundError:
            return
        try:
            self._newer.mark(self._newer.root / path, text)
        except FileExistsError:
            if self._newer.read_mark(self._newer.root / path) != text:
                log.warning("stamp_differs_in_both_places", file=path.name)
                moved.differing += 1
                return
        self._newer.sync((self._newer.root / path).parent)
        try:
            self._older.remove(self._older.root / path)
        except FileNotFoundError:  # forgotten just now
            self._drop_copy(path)
        self._older.sync((self._older.root / path).parent)
        moved.done += 1

    def _note_owner(self, path: PurePosixPath) -> None:
        """Raises SealedWithUnknownKey."""
        name = read_name(path.name)
        if name is None or name.extension != "json" or name.data_type is not DataType.PATIENT:
            return
        with suppress(DamagedFile, FileNotFoundError):  # of one that is damaged nobody can tell
            stored = self._older.read(self._older.root / path)
            self._notes.note(open_package(self._sealer, name, stored).metadata)

    def _digest_of_copy(self, path: PurePosixPath) -> str | None:
        try:
            return self._digest(self._newer, path)
        except FileNotFoundError:
            return None

    def _digest(self, place: Storage, path: PurePosixPath) -> str:
        digest = hashlib.sha256()
        with place.open(place.root / path) as reader:
            for piece in _pieces(reader):
                digest.update(piece)
        return digest.hexdigest()

    # All of them

    def _files(self) -> Iterator[PurePosixPath]:
        """Packages and answers. A set of names, not a walk: entries that vanish under an open listing may be missed."""
        for path in list(self._older.files()):
            if read_name(path.name) or read_incoming_name(path.name):
                yield self._below(path)

    def _stray_reasons(self) -> list[PurePosixPath]:
        failed = PurePosixPath(Folder.FAILED)
        return [failed / name for name in self._names(failed) if name.endswith(WHY_SUFFIX) and not self._is_with(name)]

    def _is_with(self, reasons: str) -> bool:
        name = reasons.removesuffix(WHY_SUFFIX)
        places = (self._older.root / folder / name for folder in (Folder.PENDING, Folder.FAILED))
        return any(map(self._older.is_there, places))

    def _owned(self) -> Iterator[PurePosixPath]:
        """`{folder}/{owner}/{name}`."""
        for top in map(PurePosixPath, _OWNED):
            for owner in self._names(top):
                yield from [top / owner / name for name in self._names(top / owner)]

    def _names(self, folder: PurePosixPath) -> list[str]:
        try:
            found = list(self._older.names(self._older.root / folder))
        except FileNotFoundError:
            return []
        return [name for name in found if not name.startswith(TEMPORARY_PREFIX)]

    def _below(self, path: PurePath) -> PurePosixPath:
        return PurePosixPath(path.relative_to(self._older.root))


def _pieces(reader: FileReader) -> Iterator[bytes]:
    return iter(lambda: reader.read(_PIECE_BYTES), b"")
