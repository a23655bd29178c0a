"""What nobody comes for any more in incoming/: answers of sessions that have ended, or that no row tells of."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from core.logs import get_logger
from core.names import Status
from services.collection.sweep import ended_sessions, unknown_sessions
from spool import AnswerKind, FileTaken, Spool, StrandedAnswer, UnknownFile

log = get_logger(__name__)

# So many files are looked up at once.
_BATCH = 500
_RECORDS = frozenset({AnswerKind.HEALTH, AnswerKind.PRESCRIPTION})


def remove_abandoned(
    spool: Spool,
    sessions: sessionmaker[Session],
    now: datetime,
    *,
    older_than_seconds: float,
    retry_delays_seconds: Sequence[int],
    keeps_on: Callable[[], bool] = lambda: True,
) -> int:
    """Drop what sessions that ended have left, however much of the folder is of others. Records that were paid for are
    parked for people to look at where they came when the time of their session or of its consents was over, and, after
    the last retry of a file, where no row tells of their session (a database that was restored). Returns how many
    files; asks between batches whether to go on."""
    stranded = spool.stranded_answers(now, older_than_seconds)
    no_retry_since = now - timedelta(seconds=sum(retry_delays_seconds))
    removed = 0
    for start in range(0, len(stranded), _BATCH):
        if not keeps_on():
            break
        for answer, reason in _abandoned(sessions, stranded[start : start + _BATCH], no_retry_since):
            _remove(spool, answer, reason)
            removed += 1
    log.info("stranded_answers_seen", count=len(stranded), removed=removed)
    return removed


def _abandoned(
    sessions: sessionmaker[Session], answers: Sequence[StrandedAnswer], no_retry_since: datetime
) -> list[tuple[StrandedAnswer, str | None]]:
    """Each with the reason to park it, or None where it may be dropped."""
    ids = sorted({answer.session_id for answer in answers})
    with sessions() as session:
        ended, unknown = ended_sessions(session, ids), unknown_sessions(session, ids)
    found: list[tuple[StrandedAnswer, str | None]] = []
    for answer in answers:
        if answer.session_id in ended:
            found.append((answer, "session_expired" if ended[answer.session_id] is Status.EXPIRED else None))
        elif answer.session_id in unknown and answer.written_at <= no_retry_since:
            found.append((answer, "session_unknown"))
    return found


def _remove(spool: Spool, answer: StrandedAnswer, reason: str | None) -> None:
    if reason is not None and answer.kind in _RECORDS:
        with suppress(UnknownFile, FileTaken):  # another worker is at it
            spool.park_incoming(answer.session_id, answer.kind, reason)
    else:
        spool.drop_incoming(answer.session_id, answer.kind)
