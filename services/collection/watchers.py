"""Sessions that are being watched: whether many watchers may go on, in one query, and the sessions' renewal."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Text, Uuid, any_, bindparam, cast, func, select, update
from sqlalchemy.orm import Session

from core.names import Status, session_subject
from models.collection import CollectionRun
from services.collection.session_tokens import SessionTokens
from services.delivery.kinds import Lifetime
from services.delivery.unit_of_work import Work

SessionRight = tuple[str, str]  # a session's id and the secret of its token
# Twenty thousand watchers are a write every few milliseconds if each is renewed as often as a visitor. Below one half,
# so that nobody who watches is told again and again that their time was extended.
WATCHERS_SHARE = 0.4


class LostRight(Enum):
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    COMPLETE = "complete"


class WatchedSession(NamedTuple):
    """What decides who may watch a session, and whether it is renewed; compared in the query, without a time."""

    session_id: str
    token_hash: str | None
    is_over: bool
    is_due: bool  # for renewal
    is_told: bool  # of its renewal, as less than half of its time is left
    is_complete: bool  # for so long that nobody has anything to wait for


@dataclass(frozen=True)
class ToldSession:
    """One whose browser is told of its renewal: `session_extended`."""

    session_id: str
    status: str
    created_at: datetime
    expires_at: datetime


def read_watched(
    session: Session, rights: Sequence[SessionRight], lifetime: Lifetime, now: datetime, completed_before: datetime
) -> Mapping[str, WatchedSession]:
    """By id, in one query however many they are."""
    expires_at = CollectionRun.expires_at
    query = select(
        cast(CollectionRun.session_id, Text),
        CollectionRun.token_hash,
        (CollectionRun.status == Status.EXPIRED) | (expires_at <= now),
        _deadline(lifetime, now) - expires_at > lifetime.ttl * WATCHERS_SHARE,
        (CollectionRun.status != Status.COMPLETED) & (expires_at < now + lifetime.ttl / 2),
        func.coalesce(
            (CollectionRun.status == Status.COMPLETED) & (CollectionRun.collection_ended_at < completed_before), False
        ),
    )
    rows = session.execute(query.where(_is_one_of({session_id for session_id, _ in rights})))
    return {row[0]: WatchedSession._make(row) for row in rows}


def find_lost_right(known: WatchedSession | None, secret: str, tokens: SessionTokens) -> LostRight | None:
    """Why the holder of this secret may watch no longer; None while they may."""
    if known is None or not tokens.fits(known, secret):
        return LostRight.UNKNOWN
    if known.is_over:
        return LostRight.EXPIRED
    return LostRight.COMPLETE if known.is_complete else None


def read_told(session: Session, session_ids: Collection[str]) -> list[ToldSession]:
    query = select(
        cast(CollectionRun.session_id, Text),
        CollectionRun.status,
        CollectionRun.created_at,
        CollectionRun.expires_at,
    )
    return [ToldSession(*row) for row in session.execute(query.where(_is_one_of(session_ids)))]


def find_due(session: Session, session_ids: Collection[str], lifetime: Lifetime, now: datetime) -> Sequence[str]:
    """Those whose end is worth moving."""
    is_due = _deadline(lifetime, now) - CollectionRun.expires_at > lifetime.ttl * WATCHERS_SHARE
    return session.scalars(select(cast(CollectionRun.session_id, Text)).where(_is_one_of(session_ids), is_due)).all()


def renew_quietly(work: Work, session_ids: Collection[str], lifetime: Lifetime, now: datetime) -> None:
    """Move many deadlines with one statement. What somebody else holds is left for the next time: another process may
    be renewing the same sessions in another order."""
    deadline = _deadline(lifetime, now)
    free = (
        select(CollectionRun.session_id)
        .where(_is_one_of(session_ids), CollectionRun.expires_at > now, CollectionRun.expires_at < deadline)
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


def _deadline(lifetime: Lifetime, now: datetime) -> ColumnElement[datetime]:
    return func.least(now + lifetime.ttl, CollectionRun.created_at + lifetime.longest)


def _is_one_of(session_ids: Collection[str]) -> ColumnElement[bool]:
    """With one parameter, whose number of elements does not change the statement."""
    wanted = bindparam(None, list(session_ids), ARRAY(Text))
    return CollectionRun.session_id == any_(cast(wanted, ARRAY(Uuid)))
