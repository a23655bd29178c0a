"""Keeping journey and lines together when something else than an action has changed one of them.

Guarded against echo: who is where they should be is left alone, and no change is logged twice.

The journey's contract names `sync_from_queue_update` and `sync_from_patient_state`, for imports of another system's
lines and states. No such import is built: nothing here calls them yet, and whoever builds one calls nothing else.
"""

from datetime import datetime
from uuid import UUID

from core.logs import get_logger
from models.journey import AppointmentStatus, JourneyPhase, JourneyState, QueueEntry, QueueState, TriggerType
from models.journey.states import JOURNEY_OF_QUEUE, QUEUE_OF_JOURNEY, STATES_IN_LINE, expected_state, phase_of
from services.journey.actors import JourneyActor
from services.journey.change import JourneyChange
from services.journey.concluding import conclude
from services.journey.locking import (
    LockedJourney,
    find_in_visit,
    find_owner,
    lock_entries_of_other_visits,
    lock_journey,
)
from services.journey.work import JourneyWork

log = get_logger(__name__)

_APPOINTMENT_OF_QUEUE = {
    QueueState.WAITING: AppointmentStatus.CHECKED_IN,
    QueueState.DELAYED: AppointmentStatus.CHECKED_IN,
    QueueState.CALLED: AppointmentStatus.CHECKED_IN,
    QueueState.NO_SHOW: AppointmentStatus.NO_SHOW,
    QueueState.IN_PROGRESS: AppointmentStatus.IN_PROGRESS,
    QueueState.COMPLETED: AppointmentStatus.COMPLETED,
    QueueState.CANCELLED: AppointmentStatus.CANCELLED,
}

_NOT_STARTED = frozenset({QueueState.WAITING, QueueState.DELAYED, QueueState.CALLED, QueueState.NO_SHOW})


def sync_from_queue_update(
    journey: JourneyWork, queue_id: UUID, state: str, *, source: str, actor: JourneyActor | None = None
) -> bool:
    """Of the contract. Set an entry's state, as an import has it, and let its appointment and the journey follow;
    whether anything changed. An exam that the import names as completed is so, whether or not we have called for it.

    A state that nobody knows is ignored. Raises EntryNotFound, StateConflict for an entry of an earlier visit.
    """
    if state not in set(QueueState):
        log.warning("queue_state_unknown", queue_id=str(queue_id), source=source)
        return False
    locked = lock_journey(journey, find_owner(journey, queue_id))
    entry = find_in_visit(journey, locked, queue_id)
    change = JourneyChange(journey, locked, source, actor, trigger=TriggerType.QUEUE_SYNC)
    if entry.state != state:
        _set_entry(change, entry, QueueState(state))
    change.follow_entries()
    return _conclude_if_changed(change)


def sync_from_patient_state(
    journey: JourneyWork, user_id: UUID, state: str, *, source: str, actor: JourneyActor | None = None
) -> bool:
    """Of the contract. Set where a person is, and let the entry that decides follow; whether anything changed. Out of
    all lines their entries end; who has completed one exam and is in another line is there.

    An entry that means this state already is left alone: a delayed one is not made a waiting one. Ignored are a state
    that nobody knows, and an exam's end for who only waits for it. Raises PersonNotFound.
    """
    if state not in set(JourneyState):
        log.warning("journey_state_unknown", source=source)
        return False
    locked = lock_journey(journey, user_id)
    wanted, entry = JourneyState(state), locked.decisive
    if _has_not_been_called(locked, wanted):
        log.warning("journey_state_without_call", visit_id=str(locked.row.visit_id), state=state, source=source)
        return False
    change = JourneyChange(journey, locked, source, actor, trigger=TriggerType.SYSTEM_AUTO)
    queue_state = QUEUE_OF_JOURNEY.get(wanted)
    if queue_state is None:
        _end_entries(change, wanted)
    if locked.state != wanted:
        change.move(wanted, TriggerType.SYSTEM_AUTO)
    if entry is not None and queue_state is not None and JOURNEY_OF_QUEUE[QueueState(entry.state)] != wanted:
        _set_entry(change, entry, queue_state)
    if wanted == JourneyState.COMPLETED:
        change.follow_entries()
    return _conclude_if_changed(change)


def _has_not_been_called(locked: LockedJourney, wanted: JourneyState) -> bool:
    """Whether the state stands for an exam that was held, of somebody who only waits for it. Who has had another in
    this visit may go and pay."""
    if phase_of(wanted) != JourneyPhase.CHECKOUT or expected_state(locked.entries) != JourneyState.WAITING:
        return False
    return wanted == JourneyState.COMPLETED or all(one.state != QueueState.COMPLETED for one in locked.entries)


def _end_entries(change: JourneyChange, wanted: JourneyState) -> None:
    """Who pays or has paid was examined where they were called last, and nowhere where they only wait."""
    done = change.locked.decisive if phase_of(wanted) == JourneyPhase.CHECKOUT else None
    if done is not None and JOURNEY_OF_QUEUE[QueueState(done.state)] == JourneyState.WAITING:
        done = None
    for entry in change.locked.active:
        _set_entry(change, entry, QueueState.COMPLETED if entry is done else QueueState.CANCELLED)


def _set_entry(change: JourneyChange, entry: QueueEntry, state: QueueState) -> None:
    """With its appointment, unless that has gone along into another line."""
    change.change_entry(entry, state, change.source)
    _note_moment(entry, state, change.journey.now)
    status = _APPOINTMENT_OF_QUEUE[state]
    others = [one for one in change.locked.entries if one is not entry and one.state != QueueState.CANCELLED]
    if all(one.appointment_id != entry.appointment_id for one in others):
        reason = change.source if status == AppointmentStatus.CANCELLED else None
        change.change_appointment(entry.appointment_id, status, reason)


def _note_moment(entry: QueueEntry, state: QueueState, now: datetime) -> None:
    """As actions do: by its moment a hall tells a call from another, and waits are measured. An import names none. Set
    back, an entry has none of what has not happened to it."""
    if state == QueueState.CALLED:
        entry.called_at, entry.call_seen_at, entry.call_count = now, None, 1
    elif state == QueueState.IN_PROGRESS:
        entry.started_at = now
    elif state == QueueState.COMPLETED:
        entry.completed_at = now
    elif state == QueueState.CANCELLED and entry.started_at is not None:
        entry.completed_at = entry.completed_at or now  # broken off: nobody is in the room any more
    elif JOURNEY_OF_QUEUE[state] == JourneyState.WAITING:
        entry.called_at = entry.call_seen_at = entry.room_id = None
        entry.call_count = 0
    if state in _NOT_STARTED:
        entry.started_at = None
    if state in _NOT_STARTED or state == QueueState.IN_PROGRESS:
        entry.completed_at = None


def realign_journey(journey: JourneyWork, user_id: UUID, *, source: str) -> bool:
    """To where the entries of their visit say that the person is, for the checker, and out of a line in which they have
    none there; whether that was elsewhere. No entry is completed by it.

    Raises PersonNotFound.
    """
    change = JourneyChange(journey, lock_journey(journey, user_id), source)
    for entry in lock_entries_of_other_visits(journey, change.locked):
        _set_entry(change, entry, QueueState.CANCELLED)
    if change.locked.state in STATES_IN_LINE and not change.locked.entries:
        change.move(JourneyState.REGISTERED, TriggerType.SYSTEM_AUTO)
    change.follow_entries(TriggerType.SYSTEM_AUTO)
    return _conclude_if_changed(change)


def _conclude_if_changed(change: JourneyChange) -> bool:
    if change.has_changed:
        conclude(change)
    return change.has_changed
