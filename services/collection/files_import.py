"""Moves files from pending/ into the database: each in a transaction of its own, and then to completed/ or failed/.

An edge in its own right: it opens the transactions. A crash between commit and move leaves the file pending; the next
import of it changes nothing and moves it.

Errors: ImportInterrupted (retryable): the database went away. The file stays where it is and no try is counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.logs import get_logger
from core.names import Status
from models.collection import CollectionRun
from models.patients import RecordAnswer, RecordKind
from services.collection.files import (
    FilesError,
    ImportResult,
    PatientErased,
    UnusablePackage,
    import_package,
    refuse_withdrawn,
)
from services.database import UnsuitableDatabase, is_query_canceled
from spool import (
    AnswerKind,
    Claimed,
    DamagedFile,
    DataType,
    FileInfo,
    FileTaken,
    Folder,
    Spool,
    SpoolError,
    UnknownFile,
)

log = get_logger(__name__)
T = TypeVar("T")

_KINDS = {RecordKind.CHECKUP: AnswerKind.HEALTH, RecordKind.PRESCRIPTION: AnswerKind.PRESCRIPTION}
# Connection lost, rolled back for another's sake (deadlock), out of disk or memory, operator intervention (shutdown).
_PASSING_CLASSES = ("08", "40", "53", "57")


class ImportInterrupted(Exception):
    """Nothing is wrong with the file; the database was not there."""

    retryable = True


@dataclass(frozen=True)
class RetryPolicy:
    """Pauses before each retry of a failed file; as many retries as pauses, then it is parked."""

    delays_seconds: tuple[int, ...] = (60, 600, 3600)


@dataclass(frozen=True)
class ImportSummary:
    """What became of a session's files. `waiting` are failed ones and such that another worker holds."""

    imported: dict[DataType, ImportResult] = field(default_factory=dict)
    completed_before: tuple[DataType, ...] = ()
    waiting: tuple[DataType, ...] = ()
    parked: tuple[DataType, ...] = ()
    next_retry_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        return not self.waiting and not self.parked


@dataclass(frozen=True)
class RetrySummary:
    """What beat's look at the failed and forgotten files came to."""

    sessions: int
    files_imported: int
    interrupted: bool


class FileImporter:
    """Any number of processes may run it over one spool: a file belongs to whoever claims it."""

    def __init__(
        self,
        spool: Spool,
        sessions: sessionmaker[Session],
        clock: Clock,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._spool = spool
        self._sessions = sessions
        self._clock = clock
        self._policy = policy or RetryPolicy()

    def import_session(self, session_id: str, *, asks_consent: bool = True) -> ImportSummary:
        """Import what is pending or due again, the patient's file first. A step of the run need not ask for consents:
        their withdrawal takes the run from it. Raises ImportInterrupted, StorageFault."""
        imported: dict[DataType, ImportResult] = {}
        for info in filter(self._is_importable, self._spool.names_of(session_id)):
            result = self.import_file(info.name, asks_consent=asks_consent)
            if result is not None:
                imported[DataType(info.data_type)] = result
            elif self._is_with_another(info):
                break
        return _summarize(self._spool.names_of(session_id), imported)

    def find_imported(self, patient_uuid: UUID, session_id: UUID) -> frozenset[AnswerKind]:
        """Of which of the session's answers the database has the records. Raises ImportInterrupted."""
        is_theirs = (RecordAnswer.patient_uuid == patient_uuid, RecordAnswer.session_id == session_id)
        query = select(RecordAnswer.kind).where(*is_theirs)
        found = self._read(lambda session: session.scalars(query).all())
        return frozenset(_KINDS[RecordKind(kind)] for kind in found)

    def import_file(self, name: str, *, asks_consent: bool = True) -> ImportResult | None:
        """None when it did not get into the database: its history says why. Raises ImportInterrupted, StorageFault."""
        try:
            self._spool.requeue(name)
            with self._spool.claim(name) as claimed:
                return self._import_claimed(claimed, asks_consent=asks_consent)
        except (FileTaken, UnknownFile):
            # Somebody else is at it, or has finished it since we looked.
            return None
        except _Unfit as unfit:
            self._park(name, unfit.reason)
        except DamagedFile as exc:
            self._park(name, f"damaged_{exc.reason}")
        return None

    def retry_due(
        self, limit: int = 100, orphan_seconds: float = 300, *, keeps_on: Callable[[], bool] = lambda: True
    ) -> RetrySummary:
        """For beat: failed files whose time has come, and packages that nobody imported. Asks between two sessions
        whether to go on."""
        now = self._clock.now()
        forgotten = self._spool.old_pending(now, orphan_seconds, limit)
        sessions = _sessions_of([*self._spool.due_failed(now, limit), *forgotten])
        imported = 0
        interrupted = False
        for session_id in sessions:
            if not keeps_on():
                interrupted = True
                break
            try:
                imported += self._retry_session(session_id)
            except ImportInterrupted:
                interrupted = True
                break
            except SpoolError as exc:
                # One unreadable file must not keep the other sessions waiting.
                log.warning("files_retry_stopped", session_id=session_id, reason=exc.reason)
        log.info("files_retried", sessions=len(sessions), imported=imported)
        return RetrySummary(len(sessions), imported, interrupted)

    def _retry_session(self, session_id: str) -> int:
        """How many of its files were imported. When its person has ended the work, what is not in the database yet
        stays out, unless an operator decides. Raises ImportInterrupted, SpoolError."""
        if not self._is_cancelled(session_id):
            return len(self.import_session(session_id).imported)
        for info in self._spool.names_of(session_id):
            if info.folder in {Folder.PENDING, Folder.FAILED} and not info.parked:
                self._park(info.name, "session_cancelled")
        return 0

    def _is_cancelled(self, session_id: str) -> bool:
        query = select(CollectionRun.status).where(CollectionRun.session_id == UUID(session_id))
        return self._read(lambda session: session.scalar(query)) == Status.CANCELLED

    def _read(self, read: Callable[[Session], T]) -> T:
        """Raises ImportInterrupted."""
        try:
            with self._sessions() as session:
                return read(session)
        except (DBAPIError, PoolTimeout, UnsuitableDatabase) as exc:
            if _is_passing(exc):
                raise ImportInterrupted("the database went away") from None
            raise

    def _is_importable(self, info: FileInfo) -> bool:
        if info.folder is Folder.FAILED:
            return not info.parked and (info.next_retry_at is None or info.next_retry_at <= self._clock.now())
        return info.folder is Folder.PENDING

    def _is_with_another(self, info: FileInfo) -> bool:
        """Whether it is the patient's file, and another worker holds it: the other files would not find the patient."""
        return info.data_type is DataType.PATIENT and self._spool.describe(info.name).folder is Folder.PENDING

    def _import_claimed(self, claimed: Claimed, *, asks_consent: bool) -> ImportResult | None:
        try:
            with self._sessions.begin() as session:
                if asks_consent:
                    refuse_withdrawn(session, claimed.package)
                result = import_package(session, claimed.package, self._clock.now())
        except PatientErased:
            # Its session is over as well: all of it goes.
            self._spool.erase([claimed.package.metadata.session_id])
            log.info("erased_patients_files_removed", session_id=claimed.package.metadata.session_id)
            return None
        except UnusablePackage as exc:
            raise _Unfit(exc.reason) from exc
        except Exception as exc:  # noqa: BLE001 an edge: a file that trips us is set aside, logged, and tried again
            if _is_passing(exc):
                # Not chained: a database error quotes the statement's values.
                raise ImportInterrupted("the database went away during an import") from None
            self._fail(claimed, _reason_of(exc))
            return None
        self._spool.complete(claimed)
        return result

    def _fail(self, claimed: Claimed, reason: str) -> None:
        delays = self._policy.delays_seconds
        info = self._spool.fail(claimed, reason, max_tries=len(delays), delays=delays)
        log.warning("file_import_failed", name=claimed.name, reason=reason, parked=info.parked)

    def _park(self, name: str, reason: str) -> None:
        try:
            self._spool.park(name, reason)
        except (FileTaken, UnknownFile):
            # Between our claim and this another worker took it, and comes to the same conclusion.
            return
        log.error("file_parked", name=name, reason=reason)


class _Unfit(Exception):
    """Carries the verdict out of the claim: a file cannot be parked while it is held."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _summarize(files: Sequence[FileInfo], imported: dict[DataType, ImportResult]) -> ImportSummary:
    waiting = [info for info in files if info.folder is not Folder.COMPLETED and not info.parked]
    return ImportSummary(
        imported=imported,
        completed_before=tuple(
            DataType(info.data_type)
            for info in files
            if info.folder is Folder.COMPLETED and info.data_type not in imported
        ),
        waiting=tuple(DataType(info.data_type) for info in waiting),
        parked=tuple(DataType(info.data_type) for info in files if info.parked),
        next_retry_at=min((info.next_retry_at for info in waiting if info.next_retry_at), default=None),
    )


def _sessions_of(names: list[str]) -> list[str]:
    """Of packages; `{stamp}_{session_id}_{data_type}.json`. Each once, in the order of their first file."""
    return list(dict.fromkeys(name.split("_")[1] for name in names if name.endswith(".json")))


def _is_passing(error: Exception) -> bool:
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout | UnsuitableDatabase)
    code = getattr(error.orig, "pgcode", None)
    if code is None:
        # No answer from the server at all: refused, cut, or not there.
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    # The exception among the last class, usually by our statement timeout: the file may be what takes too long.
    return str(code).startswith(_PASSING_CLASSES) and not is_query_canceled(error)


def _reason_of(error: Exception) -> str:
    """A code: our own, the server's such as `database_22003`, or the error's type; never words, which quote values."""
    if isinstance(error, FilesError):
        return error.reason
    if isinstance(error, DBAPIError):
        return f"database_{str(getattr(error.orig, 'pgcode', None) or 'refused').lower()}"
    return f"unexpected_{type(error).__name__.lower()}"
