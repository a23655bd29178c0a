"""Which key sealed which file, and sealing files anew with the first key, so that an older one can be removed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath

from core.logs import get_logger
from core.sealing import Sealer
from spool.errors import DamagedFile, FileTaken, SealedWithUnknownKey, UnknownFile
from spool.names import AnswerKind, DataType, Folder, read_incoming_name, read_name
from spool.packages import BEGINNING_BYTES, open_bytes, seal_bytes, sealing_key_of
from spool.storage import Storage

log = get_logger(__name__)


@dataclass
class Resealed:
    """How many files were sealed anew; how many stayed as they are, because somebody held them, or their bytes do not
    open."""

    done: int = 0
    taken: int = 0
    unopened: int = 0

    def __add__(self, other: "Resealed") -> "Resealed":
        return Resealed(self.done + other.done, self.taken + other.taken, self.unopened + other.unopened)


class Resealing:
    def __init__(self, storage: Storage, sealer: Sealer) -> None:
        self._storage = storage
        self._sealer = sealer

    def count_keys(self) -> Counter[str | None]:
        counted: Counter[str | None] = Counter()
        for path, _, _ in self._files():
            with suppress(FileNotFoundError):  # moved on meanwhile
                counted[self._key_of(path)] += 1
        return counted

    def reseal_all(self) -> Resealed:
        found = Resealed()
        for path, session_id, data_type in self._files():
            try:
                found.done += self._reseal(path, session_id, data_type)
            except (FileNotFoundError, UnknownFile):
                continue  # moved on: where it is now, the next run finds it
            except FileTaken:
                found.taken += 1
            except (DamagedFile, SealedWithUnknownKey) as exc:
                log.warning("file_not_resealed", file=path.name, reason=exc.reason)
                found.unopened += 1
        return found

    def _reseal(self, path: PurePath, session_id: str, data_type: DataType | AnswerKind) -> bool:
        """The lock keeps a package from moving meanwhile; who waits for it finds another file in its place, and looks
        again. An answer in incoming/ that is dropped just now comes back, and beat drops it again."""
        if self._key_of(path) == self._sealer.current_key_id:
            return False
        with self._storage.hold(path) as held:
            plain = open_bytes(self._sealer, held.read(), session_id, data_type)
            sealed = seal_bytes(self._sealer, plain, session_id, data_type)
            # Its age stays: what waits for too long is known by it.
            # Not in a folder of completed/: nobody looks there for what a crash leaves behind.
            pending = self._storage.folder(Folder.PENDING)
            self._storage.replace(path, sealed, held.status.written_at, temporary_in=pending)
        return True

    def _key_of(self, path: PurePath) -> str | None:
        return sealing_key_of(self._storage.read_beginning(path, BEGINNING_BYTES))

    def _files(self) -> Iterator[tuple[PurePath, str, DataType | AnswerKind]]:
        """Each with the session and type for which it was sealed. A folder's names are read before its files are
        replaced: entries that change under an open listing may be seen twice or not at all."""
        incoming = self._storage.folder(Folder.INCOMING)
        for answer in list(self._storage.names(incoming)):
            if (parsed := read_incoming_name(answer)) is not None:
                yield incoming / answer, *parsed
        days = [path for _, path in self._storage.completed_days()]
        for folder in (self._storage.folder(Folder.PENDING), self._storage.folder(Folder.FAILED), *days):
            for name in self._names(folder):
                if (known := read_name(name)) is not None:
                    yield folder / name, known.session_id, known.data_type

    def _names(self, folder: PurePath) -> list[str]:
        with suppress(FileNotFoundError):  # a day that was cleaned up
            return list(self._storage.names(folder))
        return []
