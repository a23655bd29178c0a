"""Notifications: the list of a person's own, and that one was read, which for a call tells the desk that it arrived."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from core.names import exam_subject
from models.journey import CALL_KINDS, Notification, QueueEntry, QueueState
from services.journey.errors import NotificationNotFound
from services.journey.locking import lock_journey
from services.journey.work import JourneyWork

_MOST_LISTED = 100


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
    if entry is not None and _is_last_call(journey, entry, found) and entry.call_seen_at is None:
        entry.call_seen_at = journey.now
        journey.work.wake(exam_subject(entry.exam_id))
    journey.session.flush()
    return found


def _is_last_call(journey: JourneyWork, entry: QueueEntry, read: Notification) -> bool:
    """A repeated call begins anew: who has read the one before it has not seen it."""
    if entry.state != QueueState.CALLED or read.kind not in CALL_KINDS:
        return False
    query = select(func.max(Notification.id)).where(
        Notification.user_id == entry.user_id,
        Notification.queue_id == entry.queue_id,
        Notification.kind.in_(CALL_KINDS),
    )
    return journey.session.scalar(query) == read.id
