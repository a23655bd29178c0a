"""What is done with entries in lines beside the journey's actions: join, delay, priority, transfer."""

from uuid import UUID

from sqlalchemy.orm import Session

from models.journey import (
    AppointmentStatus,
    JourneyAction,
    JourneyRole,
    JourneyState,
    NotificationKind,
    QueueEntry,
    QueueState,
)
from models.journey.queues import PRIORITY_REASONS
from models.journey.states import available_actions, delays_left, find_transition, trigger_of
from services.journey.actors import JourneyActor
from services.journey.answers import JourneyAnswer, answer_once, queue_answer
from services.journey.bodies import Body
from services.journey.change import JourneyChange
from services.journey.concluding import conclude
from services.journey.conflicts import entry_conflict
from services.journey.errors import (
    EntryNotFound,
    ForbiddenAction,
    ForbiddenPerson,
    InvalidAction,
    PayloadInvalid,
)
from services.journey.joining import find_appointment, join_line, open_entry, require_exam, require_not_queued
from services.journey.locking import find_in_visit, find_owner, lock_journey, require_user
from services.journey.reading import read_entry, read_snapshot
from services.journey.work import JourneyWork

_MOVABLE = frozenset({QueueState.WAITING, QueueState.DELAYED, QueueState.CALLED})


def join_queue(
    journey: JourneyWork,
    user_id: UUID,
    exam_id: str,
    actor: JourneyActor,
    *,
    appointment_id: UUID | None = None,
    key: str | None = None,
) -> JourneyAnswer:
    """As `confirm_arrival`; staff may also have somebody wait in a second line. Answers `queue` and `journey`.

    Raises AlreadyQueued before anything else about the state, InvalidAction, ExamNotFound, KeyOfAnotherCall.
    """
    if not actor.is_staff and actor.principal_id != user_id:
        raise ForbiddenPerson
    if key is not None and actor.is_staff:
        require_user(journey, user_id)
    call = ("join", str(user_id), exam_id, appointment_id and str(appointment_id))
    return answer_once(
        journey, actor, key, call, lambda: _join(journey, user_id, exam_id, actor, appointment_id), status=201
    )


def _join(journey: JourneyWork, user_id: UUID, exam_id: str, actor: JourneyActor, appointment_id: UUID | None) -> Body:
    locked = lock_journey(journey, user_id)
    action, state = JourneyAction.CONFIRM_ARRIVAL, locked.state
    change = JourneyChange(journey, locked, action, actor)
    require_not_queued(change, require_exam(journey, exam_id))
    transition = find_transition(state, action, JourneyRole.PATIENT)
    if transition is None and not (actor.is_staff and state == JourneyState.WAITING):
        raise InvalidAction(state, available_actions(actor.role, state))
    entry = join_line(change, exam_id, find_appointment(change, exam_id, appointment_id))
    if transition is not None:
        change.move(transition.target, trigger_of(action, actor.role), exam_id=exam_id)
    return queue_answer(conclude(change), entry, actor)


def delay_entry(
    journey: JourneyWork, queue_id: UUID, actor: JourneyActor, *, is_delayed: bool, reason: str | None = None
) -> Body:
    """Step aside, or come back to the place that was kept. The owner so often a visit. Nothing changes, and nobody
    is told, for who is as wanted already. Raises EntryNotFound, StateConflict."""
    locked = lock_journey(journey, _find_allowed(journey, queue_id, actor))
    entry = find_in_visit(journey, locked, queue_id)
    wanted, other = QueueState.DELAYED, QueueState.WAITING
    if not is_delayed:
        wanted, other = other, wanted
    change = JourneyChange(journey, locked, "delay" if is_delayed else "undo_delay", actor)
    if entry.state == other:
        if is_delayed and not actor.is_staff:
            _count_own_delay(journey.session, locked.entries, entry)
        change.change_entry(entry, wanted, reason)
        change.follow_entries()
    elif entry.state != wanted:
        raise entry_conflict(journey.session, entry)
    if not change.has_changed:
        snapshot = read_snapshot(journey, locked.user_id, actor.role)
        return {"queue": read_entry(journey, queue_id, actor), "journey": snapshot}
    return queue_answer(conclude(change), entry, actor)


def _count_own_delay(session: Session, entries: list[QueueEntry], entry: QueueEntry) -> None:
    if delays_left(one.delay_count for one in entries) == 0:
        raise entry_conflict(session, entry, delays_left=0)
    entry.delay_count += 1


def prioritize_entry(
    journey: JourneyWork, queue_id: UUID, actor: JourneyActor, *, priority: int, reason: str, note: str | None = None
) -> Body:
    """0 to 3, for one of the listed reasons; `other` needs a note. Raises EntryNotFound, PayloadInvalid,
    StateConflict for an entry that has ended."""
    _require_staff(actor)
    wrong = {
        "priority": not 0 <= priority <= 3,
        "reason": reason not in PRIORITY_REASONS,
        "note": reason == "other" and not (note or "").strip(),
    }
    if any(wrong.values()):
        raise PayloadInvalid(*(name for name, is_wrong in wrong.items() if is_wrong))
    locked = lock_journey(journey, find_owner(journey, queue_id))
    entry = find_in_visit(journey, locked, queue_id)
    if entry not in locked.active:
        raise entry_conflict(journey.session, entry)
    change = JourneyChange(journey, locked, "priority", actor)
    entry.priority, entry.priority_reason = priority, reason
    change.note_entry(entry, "priority", priority=priority, priority_reason=reason, note=note)
    return queue_answer(conclude(change), entry, actor)


def transfer_entry(
    journey: JourneyWork, queue_id: UUID, actor: JourneyActor, *, exam_id: str, reason: str, key: str | None = None
) -> JourneyAnswer:
    """Into another line, with a number of that line, which the person is told; a priority goes along. Answers the new
    `queue`, and `journey`.

    Raises EntryNotFound, ExamNotFound, AlreadyQueued, StateConflict for who is inside or gone, KeyOfAnotherCall.
    """
    _require_staff(actor)
    owner = find_owner(journey, queue_id)
    call = ("transfer", str(queue_id), exam_id, reason)
    return answer_once(journey, actor, key, call, lambda: _transfer(journey, owner, queue_id, actor, exam_id, reason))


def _transfer(
    journey: JourneyWork, owner: UUID, queue_id: UUID, actor: JourneyActor, exam_id: str, reason: str
) -> Body:
    locked = lock_journey(journey, owner)
    entry = find_in_visit(journey, locked, queue_id)
    change = JourneyChange(journey, locked, "transfer", actor)
    require_not_queued(change, require_exam(journey, exam_id))
    if entry.state not in _MOVABLE:
        raise entry_conflict(journey.session, entry)
    change.change_entry(entry, QueueState.CANCELLED, "transferred", note=reason)
    appointment_id = _carried_appointment(change, entry, exam_id)
    kept = {"priority": entry.priority, "priority_reason": entry.priority_reason}
    moved = open_entry(change, exam_id, appointment_id, transferred_from=entry.queue_id, **kept)
    change.notify(NotificationKind.MOVED, moved)
    change.follow_entries()
    return queue_answer(conclude(change), moved, actor)


def _carried_appointment(change: JourneyChange, entry: QueueEntry, exam_id: str) -> UUID | None:
    """The other line's own appointment, and the old one is open again; without one, the old one goes along."""
    own = find_appointment(change, exam_id, None)
    if own is None:
        return entry.appointment_id
    change.change_appointment(entry.appointment_id, AppointmentStatus.SCHEDULED)
    change.change_appointment(own.appointment_id, AppointmentStatus.CHECKED_IN)
    return own.appointment_id


def _find_allowed(journey: JourneyWork, queue_id: UUID, actor: JourneyActor) -> UUID:
    """Whose entry it is; not theirs looks like unknown. Raises EntryNotFound."""
    user_id = find_owner(journey, queue_id)
    if not actor.is_staff and actor.principal_id != user_id:
        raise EntryNotFound
    return user_id


def _require_staff(actor: JourneyActor) -> None:
    if not actor.is_staff:
        raise ForbiddenAction
