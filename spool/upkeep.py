"""What beat and operators do over all files: counting, finding what is due or stands still, and cleaning up."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import islice
from pathlib import PurePath

from core.clock import Clock
from spool.histories import Histories
from spool.names import (
    FileName,
    Folder,
    import_order,
    read_incoming_name,
    read_name,
)
from spool.sessions import Sessions
from spool.storage import Storage

_LEAST_DAYS = 7


class Upkeep:
    def __init__(self, storage: Storage, clock: Clock, sessions: Sessions, histories: Histories) -> None:
        self._storage = storage
        self._clock = clock
        self._sessions = sessions
        self._histories = histories

    def due_failed(self, now: datetime, limit: int) -> list[str]:
        packages = (name for name in self._names(Folder.FAILED) if name.extension == "json")
        due = (name for name in packages if self._histories.load(name).is_due(now))
        return [str(name) for name in islice(due, limit)]

    def old_pending(self, now: datetime, older_than_seconds: float, limit: int) -> list[str]:
        before = now - timedelta(seconds=older_than_seconds)
        old = (name for name in self._names(Folder.PENDING) if name.created_at <= before)
        return nsmallest(limit, map(str, old), key=import_order)

    def counts(self) -> dict[str, int]:
        failed = parked = 0
        for name in self._names(Folder.FAILED):
            failed += 1
            parked += self._histories.load(name).parked
        incoming = self._storage.names(self._storage.folder(Folder.INCOMING))
        return {
            Folder.INCOMING.value: sum(read_incoming_name(name) is not None for name in incoming),
            Folder.PENDING.value: sum(1 for _ in self._names(Folder.PENDING)),
            Folder.COMPLETED.value: sum(1 for _ in self._completed()),
            Folder.FAILED.value: failed,
            "parked": parked,
        }

    def clean_completed(self, older_than_days: int) -> int:
        if older_than_days < _LEAST_DAYS:
            raise ValueError(f"completed files are kept for {_LEAST_DAYS} days at least")
        last = (self._clock.now() - timedelta(days=older_than_days)).date()
        removed = 0
        for day, folder in self._storage.completed_days():
            if day < last:
                removed += self._clean_day(folder)
        return removed

    def delete(self, name: FileName, path: PurePath) -> None:
        """The data first: what a crash leaves behind of the rest harms nobody."""
        with suppress(FileNotFoundError):
            self._storage.remove(path)
        self._storage.sync(path.parent)
        self._forget([name])

    def sweep_temporary(self, older_than_seconds: float) -> int:
        return self._storage.sweep_temporary(self._clock.now().timestamp() - older_than_seconds)

    def _clean_day(self, folder: PurePath) -> int:
        # A set of names, not a walk: entries that vanish under an open listing may be skipped by the file system.
        names = [name for name in map(read_name, self._storage.names(folder)) if name is not None]
        self._storage.remove_all(folder / str(name) for name in names)
        self._storage.sync(folder)
        self._forget(names)
        self._remove_empty(folder)
        return len(names)

    def _forget(self, names: list[FileName]) -> None:
        self._histories.forget(names)
        left = self._storage.sessions_with_files(names)
        over = {(name.stamp, name.session_id) for name in names} - left
        ended = [session_id for stamp, session_id in over if self._sessions.find_stamp(session_id) == stamp]
        self._storage.forget_owners(ended)
        self._sessions.forget(ended)

    def _remove_empty(self, day: PurePath) -> None:
        # Another file may arrive in the month meanwhile: rmdir refuses, which is what we want.
        with suppress(OSError):
            for folder in (day, day.parent, day.parent.parent):
                self._storage.remove_empty(folder)

    def _names(self, folder: Folder) -> Iterator[FileName]:
        parsed = map(read_name, self._storage.names(self._storage.folder(folder)))
        return (name for name in parsed if name is not None)

    def _completed(self) -> Iterator[FileName]:
        for _, folder in self._storage.completed_days():
            with suppress(FileNotFoundError):
                yield from (name for name in map(read_name, self._storage.names(folder)) if name is not None)
