"""Sessions that are being watched: whether many watchers may go on, in one query, and the sessions' renewal."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select, update
from sqlalchemy.orm import Session

from core.names import Status, session_subject
from models.collection import CollectionRun
from services.collection.sessions import SessionPolicy, hash_token
from services.delivery.unit_of_work import Work

SessionRight = tuple[str, str]  # a session's id and the secret of its token


class LostRight(Enum):
    UNKNOWN = "unknown"
    EXPIRED = "expired"


@dataclass(frozen=True)
class WatchedSession:
    """What decides who may watch a session, and for how long."""

    session_id: str
    status: str
    token_hash: str
    created_at: datetime
    expires_at: datetime


_READ = select(
    CollectionRun.session_id,
    CollectionRun.status,
    CollectionRun.token_hash,
    CollectionRun.created_at,
    CollectionRun.expires_at,
)


def read_watched(session: Session, rights: Sequence[SessionRight]) -> Mapping[str, WatchedSession]:
    """By id, in one query however many they are."""
    wanted = _array([UUID(session_id) for session_id in {session_id for session_id, _ in rights}])
    rows = session.execute(_READ.where(CollectionRun.session_id == any_(wanted)))
    return {
        str(session_id): WatchedSession(str(session_id), status, token_hash or "", created_at, expires_at)
        for session_id, status, token_hash, created_at, expires_at in rows
    }


def find_lost_right(known: WatchedSession | None, secret: str, now: datetime) -> LostRight | None:
    """Why the holder of this secret may watch no longer; None while they may."""
    if known is None or not hmac.compare_digest(known.token_hash, hash_token(secret)):
        return LostRight.UNKNOWN
    if known.status == Status.EXPIRED or known.expires_at <= now:
        return LostRight.EXPIRED
    return None


def is_told_of_renewal(known: WatchedSession, policy: SessionPolicy, now: datetime) -> bool:
    """Whether the browser is told `session_extended`: less than half of the time had been left."""
    return known.status != Status.COMPLETED and known.expires_at - now < policy.ttl / 2


def renew_quietly(work: Work, session_ids: Sequence[UUID], policy: SessionPolicy, now: datetime) -> None:
    """Move many deadlines with one statement. What somebody else holds is left for the next time: another process may
    be renewing the same sessions in another order."""
    deadline = func.least(now + policy.ttl, CollectionRun.created_at + policy.longest)
    free = (
        select(CollectionRun.session_id)
        .where(CollectionRun.session_id == any_(_array(session_ids)))
        .where(CollectionRun.expires_at > now, CollectionRun.expires_at < deadline)
        .with_for_update(skip_locked=True)
    )
    renewed = work.session.scalars(
        update(CollectionRun)
        .where(CollectionRun.session_id.in_(free))
        .values(expires_at=deadline, revision=CollectionRun.revision + 1, changed_at=func.clock_timestamp())
        .returning(CollectionRun),
        execution_options={"synchronize_session": False},
    )
    for run in renewed:
        work.refresh_projection(session_subject(str(run.session_id)), run)


def _array(session_ids: Sequence[UUID]) -> Any:
    """One parameter, whose number of elements does not change the statement."""
    return bindparam(None, session_ids, ARRAY(Uuid))
