"""What the spool tells about its files without opening them."""

from dataclasses import dataclass
from datetime import datetime

from spool.history import History, Try
from spool.names import AnswerKind, DataType, FileName, Folder
from spool.packages import Package


@dataclass(frozen=True)
class FileInfo:
    """`created_at` is when the session's first package was saved: the stamp in the name."""

    name: str
    folder: Folder
    size_bytes: int
    data_type: DataType | AnswerKind
    session_id: str
    created_at: datetime
    retry_count: int
    last_error: str | None
    next_retry_at: datetime | None
    parked: bool
    history: tuple[Try, ...] = ()


@dataclass(frozen=True)
class Claimed:
    """Valid until the `with` block of its claim ends."""

    package: Package
    name: str


@dataclass(frozen=True)
class StrandedAnswer:
    """A provider's answer in `incoming/`, and when it was put there."""

    session_id: str
    kind: AnswerKind
    written_at: datetime


def describe(name: FileName, folder: Folder, size_bytes: int, history: History) -> FileInfo:
    return FileInfo(
        name=str(name),
        folder=folder,
        size_bytes=size_bytes,
        data_type=name.data_type,
        session_id=name.session_id,
        created_at=name.created_at,
        retry_count=history.retry_count,
        last_error=history.last_error,
        next_retry_at=history.next_retry_at if folder is Folder.FAILED else None,
        # A crash between the reason and the move leaves a parked history beside a file that is still pending.
        parked=history.parked and folder is Folder.FAILED,
        history=history.tries,
    )
