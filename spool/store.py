"""The spool: saving packages, claiming them for import, and moving them on; all that other rooms call."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace as with_fields
from datetime import datetime, timedelta
from heapq import nsmallest
from pathlib import Path

import structlog

from core.clock import Clock
from core.sealing import Sealer
from spool.archives import Archives
from spool.disk import Disk
from spool.erasing import Erasing
from spool.errors import DifferentContent, FileNotParked, FileTaken, UnfitPackage, UnknownFile
from spool.folders import SpoolFolders
from spool.histories import Histories
from spool.history import History, Try, after_failure, after_parking, check_code
from spool.incoming import Incoming, KeptAnswer
from spool.info import Claimed, FileInfo, StrandedAnswer, describe
from spool.names import AnswerKind, DataType, FileName, Folder, import_order, is_package_name, parse_name, read_name
from spool.packages import Package, canonical, open_package, seal_package
from spool.resealing import Resealed, Resealing
from spool.sessions import Sessions
from spool.storage import HeldFile, Place, Room, Storage, translated, translating
from spool.streamed import StreamedFiles
from spool.upkeep import Upkeep

log = structlog.get_logger(__name__)
_DELAYS_SECONDS = (60, 600, 3600)


class Spool:
    """One folder or bucket, any number of processes. A method did all of its work, durably, or raised; each may be
    repeated.

    A move that a crash cut may still be undone by a power failure: the file is then where it was.
    """

    def __init__(self, where: Path | Storage, sealer: Sealer, clock: Clock, disk: Disk | None = None) -> None:
        """`where`: a folder, for which `disk` makes the calls, or an engine of its own."""
        self.storage: Storage = where if isinstance(where, Storage) else SpoolFolders(where, disk or Disk())
        self._sealer = sealer
        self._clock = clock
        self._sessions = Sessions(self.storage)
        self._histories = Histories(self.storage)
        self._incoming = Incoming(self.storage, sealer, clock, self._histories)
        self._resealing = Resealing(self.storage, sealer)
        self.archives = Archives(self.storage, sealer)
        self.interviews = StreamedFiles(self.storage, sealer, clock, folder="interviews", purpose="interview")
        self.blobs = StreamedFiles(self.storage, sealer, clock, folder="blobs", purpose="blob")
        self._erasing = Erasing(self.storage, sealer, self._sessions)
        self._upkeep = Upkeep(self.storage, clock, self._sessions, self._histories)

    @translated
    def ensure_folders(self) -> None:
        self.storage.ensure_folders()

    @translated
    def prove_writable(self) -> None:
        """Write a file where answers land, as durably as they are, and remove it. Raises StorageFault."""
        self.storage.prove_writable(self._clock.now().timestamp())

    # Provider answers

    @translated
    def reserve_room(self, size_bytes: int) -> Room:
        """Room for an answer, to be had before it is paid for; close it when nothing came. Raises StorageFault."""
        return self.storage.reserve(size_bytes)

    def put_incoming(self, session_id: str, kind: AnswerKind, answer: KeptAnswer, room: Room | None = None) -> str:
        """First wins: an answer that is there already is kept, and its name returned."""
        return self._incoming.put(session_id, kind, answer, room)

    def find_incoming(self, session_id: str, kind: AnswerKind) -> str | None:
        return self._incoming.find(session_id, kind)

    def read_incoming(self, session_id: str, kind: AnswerKind) -> KeptAnswer:
        """Raises UnknownFile, DamagedFile, SealedWithUnknownKey."""
        return self._incoming.read(session_id, kind)

    def incoming_written_at(self, session_id: str, kind: AnswerKind) -> datetime:
        """When the answer was put down, by the product's clock. Raises UnknownFile."""
        return self._incoming.written_at(session_id, kind)

    def drop_incoming(self, session_id: str, *kinds: AnswerKind) -> None:
        """All of the session's, or those of these kinds."""
        self._incoming.drop(session_id, *kinds)

    def park_incoming(self, session_id: str, kind: AnswerKind, reason: str) -> FileInfo:
        """For an answer that nobody can use: keeps its bytes in `failed/` and lets a new answer in."""
        return self._incoming.park(session_id, kind, reason)

    def find_parked(self, session_id: str, kind: AnswerKind) -> list[str]:
        """The answers of the session that nobody could use, and no operator has discarded: names for `read_parked`."""
        return self._incoming.find_parked(session_id, kind)

    # Packages

    @translated
    def put_pending(self, package: Package) -> str:
        """The name of the durable package.

        A second save of the same content returns the name of the first, wherever that file is by now; other content
        raises DifferentContent, and a first file that is damaged DamagedFile. Also raises UnfitPackage.
        """
        metadata = package.metadata
        if metadata.created_at.tzinfo is None:
            raise UnfitPackage("naive_time")
        stamp, is_new = self._sessions.reserve_stamp(metadata.session_id, self._clock.now())
        name = FileName(stamp, metadata.session_id, DataType(metadata.data_type))
        place = None if is_new else self.storage.find(name)
        if place is None:
            place = self._write_pending(name, package)
        else:
            # Its stamp was durable before it; its name may not be, if the one that saved it died.
            self.storage.sync(place.path.parent)
        if place is not None and self._content_differs(name, place, package):
            raise DifferentContent
        return str(name)

    @translated
    def list_pending(self, limit: int = 1000) -> list[str]:
        """Oldest session first, in it patient before health before prescription.

        Memory grows with the limit, not with the folder. Each call reads the whole folder: ask for thousands at once.
        """
        names = filter(is_package_name, self.storage.names(self.storage.folder(Folder.PENDING)))
        return nsmallest(limit, names, key=import_order)

    @translated
    def list_failed(self, limit: int = 1000) -> list[str]:
        """The same of `failed/`: packages, parked ones included, and the providers' answers that were parked."""
        failed = self.storage.names(self.storage.folder(Folder.FAILED))
        names = (name for name in failed if read_name(name) is not None)
        return nsmallest(limit, names, key=import_order)

    @translated
    def names_of(self, session_id: str) -> list[FileInfo]:
        """The packages of a session, wherever they are, in the order of import."""
        stamp = self._sessions.find_stamp(session_id)
        if stamp is None:
            return []
        names = (FileName(stamp, session_id, data_type) for data_type in DataType)
        found = ((name, self.storage.find(name)) for name in names)
        return [self._describe(name, place) for name, place in found if place is not None]

    @contextmanager
    def claim(self, name: str) -> Iterator[Claimed]:
        """Exclusive until the block ends or the process dies. Raises FileTaken, UnknownFile, DamagedFile (park it),
        SealedWithUnknownKey."""
        parsed = parse_name(name)
        with self.storage.hold(self.storage.path(Folder.PENDING, parsed)) as held:
            with translating(self.storage):
                stored, history = held.read(), self._histories.load(parsed)
            package = open_package(self._sealer, parsed, stored)
            yield Claimed(_with_history(package, history, Folder.PENDING), name)

    @translated
    def complete(self, claimed: Claimed) -> None:
        """After the import was committed. A crash before leaves the file pending: imported again, changing nothing."""
        name, now = parse_name(claimed.name), self._clock.now()
        source, target = self.storage.path(Folder.PENDING, name), self.storage.day_folder(now) / claimed.name
        self.storage.ensure_folder(target.parent)
        try:
            self.storage.move(source, target)
        except FileNotFoundError:
            place = self.storage.require(name)
            if place.folder is not Folder.COMPLETED:
                raise
            self.storage.settle(place.path, source)

    # Failures

    @translated
    def fail(
        self,
        claimed_or_name: Claimed | str,
        reason: str,
        *,
        max_tries: int = 3,
        delays: Sequence[int] = _DELAYS_SECONDS,
    ) -> FileInfo:
        """To `failed/`; due again after the next delay, parked once `max_tries` retries were granted.

        `reason` is a code (ValueError). Unlike a Claimed, a name is locked first (FileTaken). Idempotent.
        """
        failure = Try(self._clock.now(), check_code(reason))
        name = parse_name(claimed_or_name if isinstance(claimed_or_name, str) else claimed_or_name.name)
        place = self.storage.require(name)
        with self._lock_unless_claimed(claimed_or_name, place):
            history = self._histories.load(name)
            if place.folder is Folder.PENDING:
                history = after_failure(history, failure, max_tries=max_tries, delays=delays)
                place = self._set_aside(name, place, history)
        return describe(name, place.folder, place.size_bytes, history)

    @translated
    def park(self, name: str, reason: str) -> FileInfo:
        """For damaged files: to `failed/`, bytes untouched, not retried by itself. Idempotent. Raises FileTaken."""
        failure, parsed = Try(self._clock.now(), check_code(reason)), parse_name(name)
        place = self.storage.require(parsed)
        with self.storage.hold(place.path):
            history = self._histories.load(parsed)
            if place.folder is Folder.PENDING or (place.folder is Folder.FAILED and not history.parked):
                history = after_parking(history, failure)
                place = self._set_aside(parsed, place, history)
        return describe(parsed, place.folder, place.size_bytes, history)

    @translated
    def due_failed(self, now: datetime, limit: int = 1000) -> list[str]:
        return self._upkeep.due_failed(now, limit)

    @translated
    def requeue(self, name: str) -> FileInfo:
        """From `failed/` back to `pending/` with its history; a parked one gets one more try. Idempotent."""
        parsed = parse_name(name)
        place = self.storage.require(parsed)
        if parsed.extension != "json":
            raise UnknownFile("not_a_package")
        pending, failed = (self.storage.path(folder, parsed) for folder in (Folder.PENDING, Folder.FAILED))
        if place.folder is Folder.FAILED:
            with self.storage.hold(failed):
                self.storage.move(failed, pending)
            place = Place(Folder.PENDING, pending, place.size_bytes)
        elif place.folder is Folder.PENDING:
            # In a bucket the one before may have died between its copy and its deletion. Who holds it moves it.
            with suppress(FileTaken, UnknownFile), self.storage.hold(pending):
                self.storage.settle(pending, failed)
        return self._describe(parsed, place)

    @translated
    def discard(self, name: str, by: str) -> FileInfo:
        """An operator's decision: deletes one parked file for good; `by` is the operator's id for the log.

        Raises FileNotParked, UnknownFile, FileTaken.
        """
        parsed = parse_name(name)
        place = self.storage.require(parsed)
        with self.storage.hold(place.path):
            info = self._describe(parsed, place)
            if not info.parked:
                raise FileNotParked
            self._upkeep.delete(parsed, place.path)
        log.warning("spool_file_discarded", file=name, by=by, reason=info.last_error)
        return info

    # Looking and upkeep

    @translated
    def describe(self, name: str) -> FileInfo:
        """Where the file is, with the reason and time of each failed try. Raises UnknownFile."""
        parsed = parse_name(name)
        return self._describe(parsed, self.storage.require(parsed))

    @translated
    def export(self, name: str) -> Package:
        """The content of one file, from any folder, without claiming it. Raises UnknownFile, DamagedFile,
        SealedWithUnknownKey."""
        parsed = parse_name(name)
        return self._read(parsed, self.storage.require(parsed))

    @translated
    def read_parked(self, name: str) -> KeptAnswer:
        """The provider's answer under a name that ends with `.raw`. Raises UnknownFile, DamagedFile."""
        parsed = parse_name(name)
        return self._incoming.open(parsed, self.storage.read(self.storage.require(parsed).path))

    @translated
    def counts(self) -> dict[str, int]:
        """Files per folder, and how many of the failed ones are parked."""
        return self._upkeep.counts()

    @translated
    def old_pending(self, now: datetime, older_than_seconds: float, limit: int = 1000) -> list[str]:
        """Names of what lies in `pending/` for longer than it should, oldest first."""
        return self._upkeep.old_pending(now, older_than_seconds, limit)

    def stranded_answers(self, now: datetime, older_than_seconds: float) -> list[StrandedAnswer]:
        """All that lie in `incoming/` for longer than they should, oldest first. Reads the whole folder."""
        return self._incoming.older_than(now - timedelta(seconds=older_than_seconds))

    @translated
    def clean_completed(self, older_than_days: int = 30) -> int:
        """Removes what was completed more than that many days ago, never under 7 (ValueError). Returns how many."""
        return self._upkeep.clean_completed(older_than_days)

    @translated
    def sweep_temporary(self, older_than_seconds: float = 86_400) -> int:
        """Removes what dead writers left. A slow writer whose file is swept starts again."""
        return self._upkeep.sweep_temporary(older_than_seconds)

    @translated
    def count_sealing_keys(self) -> Mapping[str | None, int]:
        """Files by the id of the key that sealed them; None for those that the spool did not write."""
        streamed = self.interviews.count_keys() + self.blobs.count_keys()
        packages = self._resealing.count_keys() + self._erasing.count_keys()
        return packages + self.archives.count_keys() + streamed

    @translated
    def reseal(self) -> Resealed:
        """Seal every file with the first key that is not yet; whole or as it was at every moment. Repeatable."""
        packages = self._resealing.reseal_all() + self._erasing.reseal_notes()
        return packages + self.interviews.reseal_all() + self.blobs.reseal_all()

    # Erasing a person

    @translated
    def sessions_of(self, patient_uuid: str) -> list[str]:
        """The sessions whose files, in whatever folder, say that they are this patient's."""
        return self._erasing.sessions_of(patient_uuid)

    @translated
    def count_of(self, session_ids: Sequence[str]) -> int:
        """How many files of any kind these sessions have."""
        return len(self._erasing.find(session_ids))

    @translated
    def erase(self, session_ids: Sequence[str]) -> None:
        """Delete all of them, whoever holds one. Idempotent."""
        self._erasing.erase(session_ids)

    def _write_pending(self, name: FileName, package: Package) -> Place | None:
        """None if this call wrote it; the place of the other file if somebody was faster."""
        target = self.storage.path(Folder.PENDING, name)
        sealed = seal_package(self._sealer, package)

        def settle_stamp() -> None:
            # Durable before the file has its name, else a second save could give it another. After the file's own fsync
            # this one is nearly free on a journaling file system.
            self._sessions.settle(name.session_id, name.stamp)
            if self.storage.notes_owners and name.data_type is DataType.PATIENT:
                self._erasing.note(package.metadata)

        is_new = self.storage.put_new(target, sealed, self._clock.now().timestamp(), settle_stamp)
        return None if is_new else self.storage.require(name)

    def _content_differs(self, name: FileName, place: Place, package: Package) -> bool:
        return canonical(self._read(name, place).raw_data) != canonical(package.raw_data)

    def _read(self, name: FileName, place: Place) -> Package:
        package = open_package(self._sealer, name, self.storage.read(place.path))
        return _with_history(package, self._histories.load(name), place.folder)

    def _lock_unless_claimed(
        self, claimed_or_name: Claimed | str, place: Place
    ) -> AbstractContextManager[HeldFile | None]:
        return self.storage.hold(place.path) if isinstance(claimed_or_name, str) else nullcontext()

    def _set_aside(self, name: FileName, place: Place, history: History) -> Place:
        # The reason first: a file in `failed/` always has one.
        self._histories.save(name, history, self._clock.now())
        target = self.storage.path(Folder.FAILED, name)
        if place.path != target:
            self.storage.move(place.path, target)
        return Place(Folder.FAILED, target, place.size_bytes)

    def _describe(self, name: FileName, place: Place) -> FileInfo:
        return describe(name, place.folder, place.size_bytes, self._histories.load(name))


def _with_history(package: Package, history: History, folder: Folder) -> Package:
    metadata = with_fields(
        package.metadata,
        status=str(folder),
        retry_count=history.retry_count,
        last_error=history.last_error,
        next_retry_at=history.next_retry_at if folder is Folder.FAILED else None,
    )
    return Package(metadata, package.raw_data)
