"""Decides for many sockets at once whether they may go on watching their sessions, and renews those sessions."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, any_, bindparam, func, select, update
from sqlalchemy.orm import Session

from core.names import Status, session_subject
from models.collection import CollectionRun
from services.collection.session_cache import SessionGlance
from services.collection.sessions import SessionPolicy, hash_token
from services.delivery.unit_of_work import Work
from services.stores import Stores
from webapp.relay.closing import CloseCode

SessionRight = tuple[str, str]  # a session's id and the secret of its token
# Twenty thousand watchers are a write every few milliseconds if each is renewed as often as a visitor. Below one half,
# so that nobody who watches is told again and again that their time was extended.
_WATCHERS_SHARE = 0.4
_COLUMNS = (
    CollectionRun.session_id,
    CollectionRun.status,
    CollectionRun.token_hash,
    CollectionRun.created_at,
    CollectionRun.expires_at,
)


class SessionAuthority:
    """The authority of all session sources of a process."""

    def __init__(self, here: Stores) -> None:
        self._here = here

    def review(self, rights: Sequence[SessionRight]) -> list[int | None]:
        """Whoever watches uses the session, so it is renewed; a lost right ends the watching."""
        now = self._here.clock.now()
        with self._here.sessions() as session:
            known = read_glances(session, {session_id for session_id, _ in rights})
        codes: list[int | None] = [_code_of(known.get(session_id), secret, now) for session_id, secret in rights]
        watched = {session_id for (session_id, _), code in zip(rights, codes, strict=True) if code is None}
        self._renew([known[session_id] for session_id in watched], now)
        return codes

    def _renew(self, watched: Sequence[SessionGlance], now: datetime) -> None:
        directory, policy = self._here.directory, self._here.policy
        due = [known for known in watched if directory.renewal(known, share=_WATCHERS_SHARE) is not None]
        told = [known for known in due if is_told_of_renewal(known, policy, now)]
        untold = [known for known in due if not is_told_of_renewal(known, policy, now)]
        if untold:
            with self._here.unit_of_work() as work:
                renew_quietly(work, [UUID(known.session_id) for known in untold], policy, now)
        for known in told:
            deadline = directory.renewal(known, share=_WATCHERS_SHARE)
            if deadline is not None:
                with self._here.unit_of_work() as work:
                    directory.renew(work, known, deadline)


def read_glances(session: Session, session_ids: set[str]) -> Mapping[str, SessionGlance]:
    """By id, in one query however many they are."""
    wanted = _array([UUID(session_id) for session_id in session_ids])
    rows = session.execute(select(*_COLUMNS).where(CollectionRun.session_id == any_(wanted)))
    return {str(row.session_id): _glance_of(row) for row in rows}


def is_told_of_renewal(known: SessionGlance, policy: SessionPolicy, now: datetime) -> bool:
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
        .values(expires_at=deadline, revision=CollectionRun.revision + 1)
        .returning(CollectionRun),
        execution_options={"synchronize_session": False},
    )
    for run in renewed:
        work.touch(session_subject(str(run.session_id)), run)


def _array(session_ids: Sequence[UUID]) -> Any:
    """One parameter, whose number of elements does not change the statement."""
    return bindparam(None, session_ids, ARRAY(Uuid))


def _code_of(known: SessionGlance | None, secret: str, now: datetime) -> CloseCode | None:
    if known is None or not hmac.compare_digest(known.token_hash, hash_token(secret)):
        return CloseCode.UNKNOWN
    if known.status == Status.EXPIRED or known.expires_at <= now:
        return CloseCode.EXPIRED
    return None


def _glance_of(row: Row[UUID, str, str | None, datetime, datetime]) -> SessionGlance:
    session_id, status, token_hash, created_at, expires_at = row
    return SessionGlance(str(session_id), status, token_hash or "", created_at, expires_at)
