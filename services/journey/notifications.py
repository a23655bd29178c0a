"""Notifications: the list of a person's own, and that one was read, which for a call tells the desk that it arrived."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from core.names import exam_subject
from models.journey import Notification, NotificationKind, QueueState
from services.journey.errors import NotificationNotFound
from services.journey.locking import lock_journey
from services.journey.work import JourneyWork

_MOST_LISTED = 100
_CALLS = frozenset({NotificationKind.PATIENT_CALLED, NotificationKind.CALL_REPEATED})


def list_notifications(journey: JourneyWork, user_id: UUID) -> Sequence[Notification]:
    """The newest first."""
    query = select(Notification).where(Notification.user_id == user_id).order_by(Notification.id.desc())
    return journey.session.scalars(query.limit(_MOST_LISTED)).all()


def read_notification(journey: JourneyWork, user_id: UUID, notification_id: int) -> Notification:
    """Theirs; read again, nothing changes. Raises NotificationNotFound."""
    locked = lock_journey(journey, user_id)
    found = journey.session.get(Notification, notification_id)
    if found is None or found.user_id != user_id:
        raise NotificationNotFound
    if found.read_at is None:
        found.read_at = journey.now
    entry = next((entry for entry in locked.active if entry.queue_id == found.queue_id), None)
    is_open_call = found.kind in _CALLS and entry is not None and entry.state == QueueState.CALLED
    if entry is not None and is_open_call and entry.call_seen_at is None:
        entry.call_seen_at = journey.now
        journey.work.wake(exam_subject(entry.exam_id))
    journey.session.flush()
    return found
