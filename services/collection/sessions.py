"""Sessions as the browser knows them: start, who may ask, renewal. Decided from the run's row, the truth.

Errors: SessionNotFound (also for a wrong token: an id is no key), SessionExpired (it was theirs, and has ended).
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, any_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.names import Event, Status, Step, session_subject
from core.sealing import Sealer
from core.tokens import hash_token
from models.collection import CollectionRun, RunState
from models.patients import DEFAULT_HOSPITAL, Hospital
from services.batched_lookup import BatchedLookup
from services.collection.errors import SessionExpired, SessionNotFound
from services.collection.events import say
from services.collection.session_cache import SessionView, state_of, view_of
from services.collection.session_tokens import SessionTokens
from services.delivery.kinds import Lifetime
from services.delivery.unit_of_work import Work
from services.patients.consents import GivenConsents, record_consents
from services.patients.identity import Identity, mask_name
from services.patients.session_rows import Visitor, note_start

_TOKEN_BYTES = 32
# Touching the row on every poll of every browser would cost a write each; a tenth of the time is close enough.
_RENEW_SHARE = 0.1
# The columns alone: an object of the ORM costs as much again as the statement, and each request asks.
_READ_RUNS = select(CollectionRun.__table__).where(
    CollectionRun.session_id == any_(bindparam("session_ids", type_=ARRAY(PG_UUID)))
)


@dataclass(frozen=True)
class Started:
    """A new session, and the only copy of its token in clear."""

    session_id: str
    token: str
    expires_at: datetime


def start_session(  # noqa: PLR0913 all that a session begins with
    work: Work,
    identity: Identity,
    *,
    redirect_path: str | None,
    lifetime: Lifetime,
    sealer: Sealer,
    given: GivenConsents,
    now: datetime,
    request_id: str,
    visitor: Visitor | None = None,
) -> Started:
    """Open a session for a person who has consented; nothing is asked of the provider yet."""
    session_id, token = uuid4(), secrets.token_urlsafe(_TOKEN_BYTES)
    consents_until = record_consents(work.session, session_id, given)
    known = work.session.get(Hospital, identity.hospital_id) if identity.hospital_id else None
    run = CollectionRun(
        session_id=session_id,
        token_hash=hash_token(token),
        request_id=request_id,
        status=Status.INITIATED,
        step=Step.REQUEST_SIMPLE_AUTH,
        run_state=RunState.IDLE,
        not_before=now,
        identity=sealer.seal(identity.to_json(), f"identity:{session_id}"),
        redirect_path=redirect_path,
        oid=identity.oid,
        hospital_id=known.hospital_id if known else DEFAULT_HOSPITAL,
        partner_id=identity.partner_id,
        masked_name=mask_name(identity.user_name),
        consents_until=consents_until,
        expires_at=now + lifetime.ttl,
        created_at=now,
        updated_at=now,
    )
    work.session.add(run)
    note_start(work.session, session_id, visitor or Visitor(), sealer, now)
    work.refresh_projection(session_subject(str(session_id)), run)
    return Started(str(session_id), token, run.expires_at)


def approved_at(session: Session, session_id: UUID) -> datetime | None:
    """When the phone approved this session's authentication."""
    query = select(CollectionRun.auth_completed_at).where(CollectionRun.session_id == session_id)
    return session.scalar(query)


class SessionDeadline(Protocol):
    """What a renewal has to know."""

    @property
    def session_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...


class SessionDirectory:
    """Finds sessions, for those who may use them."""

    def __init__(
        self, sessions: sessionmaker[Session], *, lifetime: Lifetime, clock: Clock, tokens: SessionTokens
    ) -> None:
        self.tokens = tokens
        self._sessions = sessions
        self._lifetime = lifetime
        self._clock = clock
        # A crowd that comes back asks all at once.
        self._views = BatchedLookup(self._read_many)

    def read(self, session_id: str) -> SessionView | None:
        """None for an unknown session and for an id that is no UUID."""
        try:
            key = UUID(session_id)
        except ValueError:
            return None
        return self._views.find(key)

    def _read_many(self, session_ids: Sequence[UUID]) -> Mapping[UUID, SessionView]:
        with self._sessions() as session:
            rows = session.execute(_READ_RUNS, {"session_ids": list(session_ids)}).all()
        return {row.session_id: view_of(row) for row in rows}

    def find(self, session_id: str, token: str | None) -> SessionView:
        """The session, for the holder of its token. Raises SessionNotFound or SessionExpired."""
        view = self.read(session_id) if token else None
        if view is None:
            raise SessionNotFound(session_id)
        self.admit(view, token)
        return view

    def admit(self, known: SessionView, token: str | None) -> None:
        """Let the holder of its token in. Raises SessionNotFound or SessionExpired."""
        if not token or not self.tokens.fits(known, token):
            raise SessionNotFound(known.session_id)
        if known.status == Status.EXPIRED or known.expires_at <= self._clock.now():
            raise SessionExpired(known.session_id)

    def read_state(self, session_id: str) -> dict[str, Any]:
        """The state, for who was let in before. Raises SessionNotFound."""
        view = self.read(session_id)
        if view is None:
            raise SessionNotFound(session_id)
        return state_of(view)

    def note_renewed(self, work: Work, view: SessionView) -> None:
        """The token of the approval is in use: it is given to nobody any more. Twice is once."""
        run = update(CollectionRun).where(
            CollectionRun.session_id == UUID(view.session_id), CollectionRun.token_renewed_at.is_(None)
        )
        work.session.execute(run.values(token_renewed_at=self._clock.now()))

    def renewal(self, known: SessionDeadline, *, share: float = _RENEW_SHARE) -> datetime | None:
        """The new deadline, when this use of the session is worth writing down: once this share of the time is gone."""
        now = self._clock.now()
        deadline = min(now + self._lifetime.ttl, known.created_at + self._lifetime.longest)
        return deadline if deadline - known.expires_at > self._lifetime.ttl * share else None

    def renew(self, work: Work, view: SessionDeadline, deadline: datetime) -> None:
        """Move the deadline; tell the browser when less than half of the time had been left."""
        now = self._clock.now()
        moved = work.session.execute(
            update(CollectionRun)
            .where(CollectionRun.session_id == UUID(view.session_id), CollectionRun.expires_at < deadline)
            .where(CollectionRun.expires_at > now)
            .values(expires_at=deadline, revision=CollectionRun.revision + 1, changed_at=func.clock_timestamp())
            .returning(CollectionRun)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        if moved is None:
            return
        work.refresh_projection(session_subject(view.session_id), moved)
        if view.status != Status.COMPLETED and view.expires_at - now < self._lifetime.ttl / 2:
            data = {"expires_at": deadline.isoformat()}
            say(work, UUID(view.session_id), Event.SESSION_EXTENDED, "접속 시간이 연장됐어요.", now=now, data=data)
