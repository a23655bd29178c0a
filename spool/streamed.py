"""Sealed files that are written and read in pieces, in a folder per owner, outside of the four states of packages."""

import math
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

from core.clock import Clock
from core.logs import get_logger
from core.sealing import Sealer, SealError, UnknownSealingKey
from core.sealing_pieces import HEADER_BYTES, PieceSealer, key_id_of_pieces, open_pieces
from spool.errors import DamagedFile, SealedWithUnknownKey, StorageFault, UnknownFile, reason_of
from spool.folders import SpoolFolders, translated
from spool.names import TEMPORARY_PREFIX
from spool.resealing import Resealed
from spool.writing import drop_temporary, write_all

log = get_logger(__name__)


class StreamedFiles:
    """`{folder}/{owner}/{name}`, each sealed for `{purpose}-{name}:{owner}`. Names are the product's own."""

    def __init__(self, folders: SpoolFolders, sealer: Sealer, clock: Clock, *, folder: str, purpose: str) -> None:
        self.folders = folders
        self._disk = folders.disk
        self._sealer = sealer
        self._clock = clock
        self._root = folders.root / folder
        self._purpose = purpose

    @translated
    def begin(self, owner: UUID, name: str, *, seconds: float | None = None) -> "GrowingFile":
        """A file that nobody sees before its `keep`. `seconds`: its age, if it is another than now."""
        folder = self._folder(owner)
        self.folders.ensure_folder(folder)
        path = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
        handle = self._disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        sealing = PieceSealer(self._sealer, self._context(owner, name))
        written_at = self._clock.now().timestamp() if seconds is None else seconds
        return GrowingFile(self.folders, handle, path, folder / name, sealing, written_at)

    def put(self, owner: UUID, name: str, content: bytes) -> None:
        """Whole or absent, durable. A second one replaces the first. Raises StorageFault."""
        growing = self.begin(owner, name)
        try:
            growing.write(content)
            growing.keep()
        except BaseException:
            growing.abort()
            raise

    def read(self, owner: UUID, name: str) -> Iterator[bytes]:
        """In pieces; none is to be used before the last has come. Raises UnknownFile, DamagedFile,
        SealedWithUnknownKey, StorageFault."""
        try:
            handle = self._disk.open(self._folder(owner) / name, os.O_RDONLY)
        except FileNotFoundError:
            raise UnknownFile from None
        except OSError as exc:
            raise StorageFault(reason_of(exc)) from exc
        try:
            yield from open_pieces(self._sealer, lambda size: self._disk.read(handle, size), self._context(owner, name))
        except UnknownSealingKey as exc:
            raise SealedWithUnknownKey from exc
        except SealError as exc:
            raise DamagedFile("sealed") from exc
        except OSError as exc:
            raise StorageFault(reason_of(exc)) from exc
        finally:
            self._disk.close(handle)

    def read_whole(self, owner: UUID, name: str) -> bytes:
        """For what is known to be short. Raises as `read`."""
        return b"".join(self.read(owner, name))

    @translated
    def drop(self, owner: UUID, name: str) -> None:
        """One of them; one that is not there is no fault."""
        with suppress(FileNotFoundError):
            self._disk.unlink(self._folder(owner) / name)

    @translated
    def names(self, owner: UUID) -> list[str]:
        """Of whole files."""
        return sorted(name for name in self._listed(self._folder(owner)) if not name.startswith(TEMPORARY_PREFIX))

    @translated
    def owners(self) -> list[UUID]:
        return [UUID(name) for name in self._listed(self._root)]

    @translated
    def unchanged_since(self, moment: datetime) -> list[UUID]:
        """Owners to whose folder nothing was added, and from which nothing was taken, since then."""
        return [owner for owner in self.owners() if self._changed_at(owner) <= moment.timestamp()]

    @translated
    def drop_all(self, owner: UUID) -> int:
        """Also what a writer that died has left there. How many files there were."""
        folder = self._folder(owner)
        names = self._listed(folder)
        for name in names:
            with suppress(FileNotFoundError):
                self._disk.unlink(folder / name)
        # Somebody may just be writing into it: rmdir refuses, which is what we want.
        with suppress(OSError):
            self._disk.rmdir(folder)
            self._disk.fsync_folder(folder.parent)
        return sum(not name.startswith(TEMPORARY_PREFIX) for name in names)

    @translated
    def count_keys(self) -> Counter[str | None]:
        """Files by the id of the key that sealed them; None for what is none of ours."""
        counted: Counter[str | None] = Counter()
        for owner, name in self._all():
            with suppress(FileNotFoundError):  # dropped meanwhile
                counted[self._key_of(owner, name)] += 1
        return counted

    @translated
    def reseal_all(self) -> Resealed:
        """With the first key, what is not yet; whole or as it was at every moment. Repeatable."""
        found = Resealed()
        for owner, name in self._all():
            try:
                found.done += self._reseal(owner, name)
            except (FileNotFoundError, UnknownFile):
                continue  # dropped meanwhile
            except (DamagedFile, SealedWithUnknownKey) as exc:
                log.warning("file_not_resealed", owner=str(owner), file=name, reason=exc.reason)
                found.unopened += 1
        return found

    def _reseal(self, owner: UUID, name: str) -> bool:
        """A file that is put anew meanwhile may get back what it was: a text comes out the same, and of an answer that
        is fetched once more both copies are of one workflow. One that is erased just now is not brought back; in the
        moment between look and rename it would be, and goes as a stray."""
        if self._key_of(owner, name) == self._sealer.current_key_id:
            return False
        path = self._folder(owner) / name
        growing = self.begin(owner, name, seconds=self._disk.stat(path).st_mtime)
        try:
            for piece in self.read(owner, name):
                growing.write(piece)
            self._disk.stat(path)
            growing.keep()
        except BaseException:
            growing.abort()
            raise
        return True

    def _all(self) -> Iterator[tuple[UUID, str]]:
        return ((owner, name) for owner in self.owners() for name in self.names(owner))

    def _key_of(self, owner: UUID, name: str) -> str | None:
        handle = self._disk.open(self._folder(owner) / name, os.O_RDONLY)
        try:
            return key_id_of_pieces(self._disk.read(handle, HEADER_BYTES))
        finally:
            self._disk.close(handle)

    def _changed_at(self, owner: UUID) -> float:
        try:
            return self._disk.stat(self._folder(owner)).st_mtime
        except FileNotFoundError:
            return math.inf

    def _listed(self, folder: Path) -> list[str]:
        try:
            return list(self._disk.listdir(folder))
        except FileNotFoundError:
            return []

    def _folder(self, owner: UUID) -> Path:
        return self._root / str(owner)

    def _context(self, owner: UUID, name: str) -> str:
        return f"{self._purpose}-{name}:{owner}"


class GrowingFile:
    """Sealed as it comes; ended by `keep` or `abort`, the latter harmless when repeated. Raises StorageFault."""

    def __init__(
        self, folders: SpoolFolders, handle: int, path: Path, target: Path, sealing: PieceSealer, seconds: float
    ) -> None:
        self.folders = folders
        self._disk = folders.disk
        self._handle: int | None = handle
        self._path = path
        self._target = target
        self._sealing = sealing
        self._seconds = seconds

    @translated
    def write(self, data: bytes) -> None:
        write_all(self._disk, self._open_handle(), self._sealing.feed(data))

    @translated
    def keep(self) -> None:
        """Durable under its name."""
        handle = self._open_handle()
        write_all(self._disk, handle, self._sealing.finish())
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
            raise StorageFault("closed")
        return self._handle

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._disk.close(handle)
