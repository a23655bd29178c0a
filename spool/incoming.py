"""Raw provider answers as they came: each was paid for, so the first that is safe on disk stays."""

from contextlib import suppress
from datetime import UTC, datetime
from heapq import nsmallest
from pathlib import Path

from core.clock import Clock
from core.sealing import Sealer
from spool.errors import UnknownFile
from spool.folders import SpoolFolders, translated
from spool.histories import Histories
from spool.history import Try, after_parking, check_code
from spool.info import FileInfo, describe
from spool.names import DataType, FileName, Folder, build_stamp, incoming_name, read_incoming_name
from spool.packages import open_bytes, seal_bytes
from spool.writing import link_new, read_file, write_temporary


class Incoming:
    def __init__(self, folders: SpoolFolders, sealer: Sealer, clock: Clock, histories: Histories) -> None:
        self.folders = folders
        self._disk = folders.disk
        self._sealer = sealer
        self._clock = clock
        self._histories = histories

    @translated
    def put(self, session_id: str, data_type: DataType, raw: bytes) -> str:
        """Returns after the answer is durable. Idempotent: an answer that is there already stays as it is."""
        name = incoming_name(session_id, data_type)
        path = self._path(name)
        if self.folders.is_there(path):
            self._disk.fsync_folder(path.parent)
            return name
        sealed = seal_bytes(self._sealer, raw, session_id, data_type)
        link_new(self._disk, write_temporary(self._disk, path.parent, sealed, self._clock.now().timestamp()), path)
        return name

    @translated
    def find(self, session_id: str, data_type: DataType) -> str | None:
        name = incoming_name(session_id, data_type)
        return name if self.folders.is_there(self._path(name)) else None

    @translated
    def read(self, session_id: str, data_type: DataType) -> bytes:
        """Raises UnknownFile, DamagedFile (then park it, or it stays in the way of a new answer)."""
        try:
            stored = read_file(self._disk, self._path(incoming_name(session_id, data_type)))
        except FileNotFoundError:
            raise UnknownFile from None
        return open_bytes(self._sealer, stored, session_id, data_type)

    @translated
    def written_at(self, session_id: str, data_type: DataType) -> datetime:
        """When the answer was put down, by the product's clock. Raises UnknownFile."""
        written_at = self._written_at(incoming_name(session_id, data_type))
        if written_at is None:
            raise UnknownFile
        return datetime.fromtimestamp(written_at, UTC)

    @translated
    def drop(self, session_id: str) -> None:
        """Only after the packages of the session are safe. Idempotent."""
        for data_type in DataType:
            with suppress(FileNotFoundError):
                self._disk.unlink(self._path(incoming_name(session_id, data_type)))
        self._disk.fsync_folder(self.folders.folder(Folder.INCOMING))

    @translated
    def park(self, session_id: str, data_type: DataType, reason: str) -> FileInfo:
        """A damaged answer goes to `failed/`, bytes untouched, and makes room for a new one. Raises UnknownFile."""
        source, now = self._path(incoming_name(session_id, data_type)), self._clock.now()
        with self.folders.hold(source) as handle:
            found = self._disk.stat_handle(handle)
            # By the time of its writing: parked again after a crash it gets the same name, the next answer another.
            written_at = datetime.fromtimestamp(found.st_mtime, UTC)
            name = FileName(build_stamp(written_at), session_id, DataType(data_type), "raw")
            history = after_parking(self._histories.load(name), Try(now, check_code(reason)))
            self._histories.save(name, history, now)
            self.folders.move(source, self.folders.path(Folder.FAILED, name))
        return describe(name, Folder.FAILED, found.st_size, history)

    @translated
    def older_than(self, moment: float, limit: int) -> list[tuple[str, DataType]]:
        """Oldest first; `moment` in seconds since 1970."""
        aged = ((self._written_at(name), name) for name in self._disk.listdir(self.folders.folder(Folder.INCOMING)))
        oldest = nsmallest(limit, ((at, name) for at, name in aged if at is not None and at <= moment))
        parsed = (read_incoming_name(name) for _, name in oldest)
        return [found for found in parsed if found is not None]

    def _written_at(self, name: str) -> float | None:
        if read_incoming_name(name) is None:
            return None
        try:
            return self._disk.stat(self._path(name)).st_mtime
        except FileNotFoundError:  # dropped while we listed
            return None

    def _path(self, name: str) -> Path:
        return self.folders.path(Folder.INCOMING, name)
