"""Sealed files that are written and read in pieces, in a folder per owner, outside of the four states of packages."""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import PurePath
from uuid import UUID

from core.clock import Clock
from core.logs import get_logger
from core.sealing import Sealer, SealError, UnknownSealingKey
from core.sealing_pieces import HEADER_BYTES, PieceSealer, key_id_of_pieces, open_pieces
from spool.errors import DamagedFile, SealedWithUnknownKey, StorageFault, UnknownFile
from spool.names import TEMPORARY_PREFIX
from spool.resealing import Resealed
from spool.storage import FileWriter, Storage, translated

log = get_logger(__name__)


class StreamedFiles:
    """`{folder}/{owner}/{name}`, each sealed for `{purpose}-{name}:{owner}`. Names are the product's own."""

    def __init__(self, storage: Storage, sealer: Sealer, clock: Clock, *, folder: str, purpose: str) -> None:
        self.storage = storage
        self._sealer = sealer
        self._clock = clock
        self._root = storage.root / folder
        self._purpose = purpose

    @translated
    def begin(self, owner: UUID, name: str, *, seconds: float | None = None) -> "SealedFileWriter":
        """A file that nobody sees before its `keep`. `seconds`: its age, if it is another than now."""
        folder = self._folder(owner)
        self.storage.ensure_folder(folder)
        sealing = PieceSealer(self._sealer, self._context(owner, name))
        written_at = self._clock.now().timestamp() if seconds is None else seconds
        return SealedFileWriter(self.storage, self.storage.begin(folder / name, written_at), sealing)

    def put(self, owner: UUID, name: str, content: bytes) -> None:
        """Whole or absent, durable. A second one replaces the first. Raises StorageFault."""
        writer = self.begin(owner, name)
        try:
            writer.write(content)
            writer.keep()
        except BaseException:
            writer.abort()
            raise

    def read(self, owner: UUID, name: str) -> Iterator[bytes]:
        """In pieces; none is to be used before the last has come. Raises UnknownFile, DamagedFile,
        SealedWithUnknownKey, StorageFault."""
        try:
            with self.storage.open(self._folder(owner) / name) as reader:
                yield from open_pieces(self._sealer, reader.read, self._context(owner, name))
        except FileNotFoundError:
            raise UnknownFile from None
        except UnknownSealingKey as exc:
            raise SealedWithUnknownKey from exc
        except SealError as exc:
            raise DamagedFile("sealed") from exc
        except OSError as exc:
            raise StorageFault(self.storage.reason(exc)) from exc

    def read_whole(self, owner: UUID, name: str) -> bytes:
        """For what is known to be short. Raises as `read`."""
        return b"".join(self.read(owner, name))

    @translated
    def drop(self, owner: UUID, name: str) -> None:
        """One of them; one that is not there is no fault."""
        with suppress(FileNotFoundError):
            self.storage.remove(self._folder(owner) / name)

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
                self.storage.remove(folder / name)
        self.storage.drop_unfinished(folder)
        # Somebody may just be writing into it: rmdir refuses, which is what we want.
        with suppress(OSError):
            self.storage.remove_empty(folder)
            self.storage.sync(folder.parent)
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
        writer = self.begin(owner, name, seconds=self.storage.status(path).written_at)
        try:
            for piece in self.read(owner, name):
                writer.write(piece)
            self.storage.status(path)
            writer.keep()
        except BaseException:
            writer.abort()
            raise
        return True

    def _all(self) -> Iterator[tuple[UUID, str]]:
        return ((owner, name) for owner in self.owners() for name in self.names(owner))

    def _key_of(self, owner: UUID, name: str) -> str | None:
        return key_id_of_pieces(self.storage.read_beginning(self._folder(owner) / name, HEADER_BYTES))

    def _changed_at(self, owner: UUID) -> float:
        try:
            return self.storage.changed_at(self._folder(owner))
        except FileNotFoundError:
            return math.inf

    def _listed(self, folder: PurePath) -> list[str]:
        try:
            return list(self.storage.names(folder))
        except FileNotFoundError:
            return []

    def _folder(self, owner: UUID) -> PurePath:
        return self._root / str(owner)

    def _context(self, owner: UUID, name: str) -> str:
        return f"{self._purpose}-{name}:{owner}"


class SealedFileWriter:
    """Sealed as it comes; ended by `keep` or `abort`, the latter harmless when repeated. Raises StorageFault."""

    def __init__(self, storage: Storage, writer: FileWriter, sealing: PieceSealer) -> None:
        self.storage = storage
        self._writer = writer
        self._sealing = sealing

    @translated
    def write(self, data: bytes) -> None:
        self._writer.write(self._sealing.feed(data))

    @translated
    def keep(self) -> None:
        """Durable under its name."""
        self._writer.write(self._sealing.finish())
        self._writer.keep()

    def abort(self) -> None:
        self._writer.abort()
