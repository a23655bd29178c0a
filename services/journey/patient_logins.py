"""Whether a person is logged in on any device, as their state says it: kept by whoever opens or ends a login."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, not_, select, update
from sqlalchemy.orm import Session

from models.accounts import Login, Scope
from models.journey import PatientState

# Of a refresh token: a login that was not renewed for so long cannot be any more.
REFRESH_LIFE = timedelta(days=14)
_IS_LOGGED_IN = (
    exists()
    .where(
        Login.principal_id == PatientState.user_id,
        Login.scope == Scope.JOURNEY,
        Login.revoked_at.is_(None),
        Login.last_seen_at > func.now() - REFRESH_LIFE,
    )
    .correlate(PatientState)
)
_HAS_LOGGED_OUT = PatientState.is_logged_in & not_(_IS_LOGGED_IN)


def note_login_ended(session: Session, sid: UUID) -> None:
    """In the transaction that takes the login back. Of staff there is nothing to note."""
    whose = PatientState.user_id == select(Login.principal_id).where(Login.sid == sid).scalar_subquery()
    # The lock in a statement of its own: the next one sees what others have opened or ended until then.
    session.execute(select(PatientState.user_id).where(whose).with_for_update())
    _clear(session, whose)


def note_expired_logins(session: Session) -> int:
    """Of people none of whose logins can be renewed any more; how many. Who acts just now is left to the next time."""
    held = select(PatientState.user_id).where(_HAS_LOGGED_OUT).order_by(PatientState.user_id)
    user_ids = session.scalars(held.with_for_update(skip_locked=True)).all()
    return _clear(session, PatientState.user_id.in_(user_ids))


def _clear(session: Session, whose: ColumnElement[bool]) -> int:
    """Of people whose states are locked."""
    out = update(PatientState).where(whose, _HAS_LOGGED_OUT).values(is_logged_in=False)
    return session.connection().execute(out).rowcount
