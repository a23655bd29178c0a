"""Calls: the next in a line or one by name, called again, taken back.

Two desks never call the same person: candidates are looked at without a lock, then their state is locked, with little
waiting, then it is looked at again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from core.names import JourneyEvent
from models.journey import (
    CALL_KINDS,
    HospitalRoom,
    JourneyAction,
    JourneyState,
    JourneyUser,
    Notification,
    NotificationKind,
    QueueEntry,
    QueueState,
    Shift,
    TriggerType,
)
from services.journey.action_context import ActionContext, read_name
from services.journey.actors import JourneyActor
from services.journey.answers import JourneyAnswer, answer_once, queue_answer
from services.journey.bodies import Body, queue_body
from services.journey.change import JourneyChange
from services.journey.concluding import conclude
from services.journey.conflicts import entry_conflict
from services.journey.errors import PayloadInvalid, QueueEmpty, RecallTooSoon
from services.journey.joining import require_exam
from services.journey.lines import LineEntry, read_lines
from services.journey.locking import (
    LockedJourney,
    find_in_visit,
    find_owner,
    lock_journey,
    lock_journey_within,
    try_lock_journey,
)
from services.journey.work import JourneyWork

RECALL_AFTER = timedelta(seconds=20)
UNDO_WITHIN = timedelta(seconds=60)
_FEW = 10


def call_patient(context: ActionContext) -> None:
    """The person who waits, to the room that is named, else the shift's, else the exam's."""
    change, entry = context.change, context.find_entry()
    named = read_name(context.payload, "room_id")
    room_id = find_room(change.journey, context.actor, entry.exam_id, named, field="payload.room_id")
    call_entry(change, entry, room_id)


def call_entry(change: JourneyChange, entry: QueueEntry, room_id: str | None) -> None:
    change.change_entry(entry, QueueState.CALLED, place=entry.place)
    entry.called_at, entry.call_seen_at, entry.call_count = change.journey.now, None, 1
    entry.room_id = room_id
    change.notify(NotificationKind.PATIENT_CALLED, entry)
    change.tell_call(JourneyEvent.PATIENT_CALLED, entry)
    change.move(JourneyState.CALLED, TriggerType.STAFF_ACTION, queue_id=str(entry.queue_id))


def call_by_id(
    journey: JourneyWork, queue_id: UUID, actor: JourneyActor, *, room_id: str | None = None, key: str | None = None
) -> JourneyAnswer:
    """Whoever has this entry. Raises EntryNotFound, StateConflict when they do not wait any more, or are elsewhere."""
    owner = find_owner(journey, queue_id)
    return answer_once(
        journey,
        actor,
        key,
        ("call", str(queue_id), room_id),
        lambda: _call_by_id(journey, owner, queue_id, actor, room_id),
    )


def call_next(
    journey: JourneyWork, exam_id: str, actor: JourneyActor, *, room_id: str | None = None, key: str | None = None
) -> JourneyAnswer:
    """Whoever comes next in the line. Raises ExamNotFound, QueueEmpty."""
    require_exam(journey, exam_id)
    return answer_once(
        journey, actor, key, ("call", exam_id, room_id), lambda: _call_next(journey, exam_id, actor, room_id)
    )


def _call_by_id(journey: JourneyWork, owner: UUID, queue_id: UUID, actor: JourneyActor, room_id: str | None) -> Body:
    locked = lock_journey(journey, owner)
    entry = find_in_visit(journey, locked, queue_id)
    hindrance = entry if entry.state != QueueState.WAITING else _elsewhere(locked)
    if hindrance is not None:
        raise entry_conflict(journey.session, hindrance)
    return _call(journey, locked, entry, actor, room_id)


def _call_next(journey: JourneyWork, exam_id: str, actor: JourneyActor, room_id: str | None) -> Body:
    """In their order: whoever is held is waited for, as whoever tells the line, or their own phone, holds them for a
    moment; one who is held longer is passed over, and nobody is waited for any more. If all who are left are held, for
    the first of them."""
    held: list[LineEntry] = []
    for candidate in _candidates(journey, exam_id):
        with _released_unless_called(journey):
            locked = try_lock_journey(journey, candidate.user_id)
            if locked is None and not held:
                locked = lock_journey_within(journey, candidate.user_id)
            if locked is None:
                held.append(candidate)
                continue
            return _call_candidate(journey, locked, candidate, actor, room_id)
    for candidate in held:
        with _released_unless_called(journey):
            locked = lock_journey(journey, candidate.user_id)
            return _call_candidate(journey, locked, candidate, actor, room_id)
    raise QueueEmpty


def _candidates(journey: JourneyWork, exam_id: str) -> Iterator[LineEntry]:
    """Who waits, in the order of calling: a few, as one of them nearly always will do, then the others."""
    seen = set()
    for first in (_FEW, None):
        line = read_lines(journey.session, [exam_id], journey.settings.overtake_limit, first=first)[exam_id]
        waiting = [entry for entry in line if entry.state == QueueState.WAITING and entry.queue_id not in seen]
        yield from waiting
        seen |= {entry.queue_id for entry in waiting}
        if first is not None and len(waiting) < first:
            return


class _PassedOver(Exception):
    """The candidate has gone, or is elsewhere."""

    retryable = False


@contextmanager
def _released_unless_called(journey: JourneyWork) -> Iterator[None]:
    """Whoever is passed over is not kept locked: who holds one person must never wait for another."""
    try:
        with journey.session.begin_nested():
            yield
    except _PassedOver:
        pass


def _call_candidate(
    journey: JourneyWork, locked: LockedJourney, candidate: LineEntry, actor: JourneyActor, room_id: str | None
) -> Body:
    entry = next((one for one in locked.entries if one.queue_id == candidate.queue_id), None)
    if entry is None or entry.state != QueueState.WAITING or _elsewhere(locked) is not None:
        raise _PassedOver
    return _call(journey, locked, entry, actor, room_id)


def _call(
    journey: JourneyWork, locked: LockedJourney, entry: QueueEntry, actor: JourneyActor, room_id: str | None
) -> Body:
    change = JourneyChange(journey, locked, JourneyAction.CALL_PATIENT, actor)
    call_entry(change, entry, find_room(journey, actor, entry.exam_id, room_id))
    concluded = conclude(change)
    name = journey.session.scalar(select(JourneyUser.name).where(JourneyUser.user_id == locked.user_id))
    patient = {"user_id": str(locked.user_id), "name": name}
    return {"queue": queue_body(concluded.entries[entry.queue_id]), "patient": patient}


def _elsewhere(locked: LockedJourney) -> QueueEntry | None:
    """Where they are called or inside."""
    return None if locked.state == JourneyState.WAITING else locked.decisive


def recall(journey: JourneyWork, queue_id: UUID, actor: JourneyActor, *, key: str | None = None) -> JourneyAnswer:
    """Call somebody again who has not come. Raises EntryNotFound, StateConflict, RecallTooSoon."""
    owner = find_owner(journey, queue_id)
    return answer_once(journey, actor, key, ("recall", str(queue_id)), lambda: _recall(journey, owner, queue_id, actor))


def _recall(journey: JourneyWork, owner: UUID, queue_id: UUID, actor: JourneyActor) -> Body:
    change, entry = _called(journey, owner, queue_id, actor, "recall")
    last = journey.session.scalar(
        select(func.max(Notification.created_at)).where(
            Notification.queue_id == queue_id, Notification.kind.in_(CALL_KINDS)
        )
    )
    if last is not None and journey.now < last + RECALL_AFTER:
        raise RecallTooSoon
    entry.call_count += 1
    entry.call_seen_at = None
    change.touch(entry)
    change.notify(NotificationKind.CALL_REPEATED, entry)
    change.tell_call(JourneyEvent.PATIENT_CALLED, entry)
    return queue_answer(conclude(change), entry, actor)


def undo_call(journey: JourneyWork, queue_id: UUID, actor: JourneyActor) -> Body:
    """A mistaken call: back to the old place. Raises EntryNotFound, StateConflict, also when it was too long ago."""
    change, entry = _called(journey, find_owner(journey, queue_id), queue_id, actor, "undo_call")
    if entry.called_at is None or journey.now > entry.called_at + UNDO_WITHIN:
        raise entry_conflict(journey.session, entry)
    change.tell_call(JourneyEvent.CALL_WITHDRAWN, entry)
    change.change_entry(entry, QueueState.WAITING, "call_withdrawn")
    entry.called_at, entry.call_seen_at, entry.call_count, entry.room_id = None, None, 0, None
    change.notify(NotificationKind.CALL_WITHDRAWN, entry)
    change.follow_entries()
    return queue_answer(conclude(change), entry, actor)


def _called(
    journey: JourneyWork, owner: UUID, queue_id: UUID, actor: JourneyActor, source: str
) -> tuple[JourneyChange, QueueEntry]:
    locked = lock_journey(journey, owner)
    entry = find_in_visit(journey, locked, queue_id)
    if entry.state != QueueState.CALLED:
        raise entry_conflict(journey.session, entry)
    return JourneyChange(journey, locked, source, actor), entry


def find_room(
    journey: JourneyWork, actor: JourneyActor, exam_id: str, named: str | None, *, field: str = "room_id"
) -> str | None:
    """The named one, else that of the shift, else None, which stands for the exam's. Raises PayloadInvalid for the
    field that names it."""
    session = journey.session
    if named is not None:
        if session.get(HospitalRoom, named) is None:
            raise PayloadInvalid(field)
        return named
    query = select(Shift.room_id).where(
        Shift.staff_id == actor.staff_id, Shift.exam_id == exam_id, Shift.ended_at.is_(None)
    )
    return session.scalar(query)
