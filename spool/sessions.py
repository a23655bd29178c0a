"""The stamp that all packages of one session bear, kept as one small mark per session (in a folder a symbolic link).

With it the names of a session's files are known without reading a folder of 100,000, a second save finds the first
one's file wherever it has gone since, and the patient's file sorts first even if it was saved last.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePath

from spool.errors import DamagedFile
from spool.names import build_stamp, check_session, is_stamp
from spool.storage import Storage

_REMEMBERED = 1000


class Sessions:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._settled: set[tuple[str, str]] = set()

    def find_stamp(self, session_id: str) -> str | None:
        try:
            stamp = self._storage.read_mark(self._path(session_id))
        except FileNotFoundError:
            return None
        if not is_stamp(stamp):
            raise DamagedFile("name")
        return stamp

    def reserve_stamp(self, session_id: str, now: datetime) -> tuple[str, bool]:
        """The stamp, and whether it is new. The first one wins; durable only after `settle`."""
        stamp = self.find_stamp(session_id)
        if stamp is not None:
            return stamp, False
        reserved = build_stamp(now)
        try:
            self._storage.mark(self._path(session_id), reserved)
        except FileExistsError:
            return self.find_stamp(session_id) or reserved, False
        return reserved, True

    def settle(self, session_id: str, stamp: str) -> None:
        """Also for a stamp that was found: who reserved it may have died before making it durable."""
        if (session_id, stamp) in self._settled:
            return
        self._storage.sync(self._storage.sessions_path())
        if len(self._settled) >= _REMEMBERED:
            self._settled.clear()
        self._settled.add((session_id, stamp))

    def forget(self, session_ids: Iterable[str]) -> None:
        self._storage.remove_all(map(self._path, session_ids))

    def _path(self, session_id: str) -> PurePath:
        check_session(session_id)
        return self._storage.sessions_path(session_id)
