"""The lock under which everything of one person changes: the row of their state, then the entries of their visit.

Order everywhere: idempotency_keys, patient_states, queues, queue_counters.
"""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from core.names import patient_subject, queue_subject
from models.delivery import LogEpoch
from models.journey import JourneyState, JourneyUser, PatientState, QueueEntry
from models.journey.states import ACTIVE_STATES, most_advanced
from services.database import is_lock_timeout
from services.journey.conflicts import entry_conflict
from services.journey.errors import EntryNotFound, PersonNotFound
from services.journey.work import JourneyWork

# Longer than whoever tells a line holds its people, and short for a desk that waits.
_LOCK_TIMEOUT = text("set local lock_timeout = '1s'")
_DEFAULT_LOCK_TIMEOUT = text("set local lock_timeout = default")
# Made once: each change of a journey begins with them.
_LOCK_ROW, _TRY_LOCK_ROW = (
    select(PatientState, select(LogEpoch.epoch).scalar_subquery())
    .where(PatientState.user_id == bindparam("user_id"))
    .with_for_update(of=PatientState, skip_locked=skip_locked)
    .execution_options(populate_existing=True)
    for skip_locked in (False, True)
)
_LOCK_ENTRIES = (
    select(QueueEntry)
    .where(QueueEntry.user_id == bindparam("user_id"), QueueEntry.visit_id == bindparam("visit_id"))
    .order_by(QueueEntry.joined_at, QueueEntry.queue_id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


@dataclass
class LockedJourney:
    """`entries` are those of the present visit, the older first; `epoch` is the event log's."""

    row: PatientState
    epoch: str
    entries: list[QueueEntry] = field(default_factory=list)

    @property
    def user_id(self) -> UUID:
        return self.row.user_id

    @property
    def state(self) -> JourneyState:
        return JourneyState(self.row.current_state)

    @property
    def active(self) -> list[QueueEntry]:
        return [entry for entry in self.entries if entry.state in ACTIVE_STATES]

    @property
    def decisive(self) -> QueueEntry | None:
        """The entry that decides where the person is."""
        return most_advanced(self.entries)

    def find_active(self, queue_id: UUID) -> QueueEntry:
        """Raises EntryNotFound."""
        for entry in self.active:
            if entry.queue_id == queue_id:
                return entry
        raise EntryNotFound


def require_user(journey: JourneyWork, user_id: UUID) -> None:
    """Raises PersonNotFound."""
    if journey.session.scalar(select(JourneyUser.user_id).where(JourneyUser.user_id == user_id)) is None:
        raise PersonNotFound


def lock_journey(journey: JourneyWork, user_id: UUID) -> LockedJourney:
    """Makes the row of somebody who is here for the first time. Raises PersonNotFound."""
    locked = _lock_row(journey, user_id)
    if locked is None:
        require_user(journey, user_id)
        journey.session.execute(insert(PatientState).values(user_id=user_id).on_conflict_do_nothing())
        locked = _lock_row(journey, user_id)
    if locked is None:  # erased meanwhile
        raise PersonNotFound
    return _lock_entries(journey, locked)


def try_lock_journey(journey: JourneyWork, user_id: UUID) -> LockedJourney | None:
    """Without waiting; None when another transaction holds it."""
    locked = _lock_row(journey, user_id, skip_locked=True)
    return None if locked is None else _lock_entries(journey, locked)


def lock_journey_within(journey: JourneyWork, user_id: UUID) -> LockedJourney | None:
    """Waits a moment for another transaction that holds it; None when that holds it longer."""
    try:
        with journey.session.begin_nested():
            journey.session.execute(_LOCK_TIMEOUT)
            locked = _lock_row(journey, user_id)
            journey.session.execute(_DEFAULT_LOCK_TIMEOUT)
    except OperationalError as exc:
        if not is_lock_timeout(exc):
            raise
        return None
    return None if locked is None else _lock_entries(journey, locked)


def _lock_row(journey: JourneyWork, user_id: UUID, *, skip_locked: bool = False) -> LockedJourney | None:
    query = _TRY_LOCK_ROW if skip_locked else _LOCK_ROW
    found = journey.session.execute(query, {"user_id": user_id}).one_or_none()
    if found is None:
        return None
    row, epoch = found
    journey.locked_person = user_id
    journey.begin_numbers(patient_subject(user_id), row.event_seq)
    return LockedJourney(row, epoch)


def _lock_entries(journey: JourneyWork, locked: LockedJourney) -> LockedJourney:
    """Of the visit; none before it began."""
    row = locked.row
    of_visit = {"user_id": row.user_id, "visit_id": row.visit_id}
    locked.entries = list(journey.session.scalars(_LOCK_ENTRIES, of_visit))
    for entry in locked.entries:
        journey.begin_numbers(queue_subject(entry.queue_id), entry.event_seq)
    return locked


def lock_entries_of_other_visits(journey: JourneyWork, locked: LockedJourney) -> list[QueueEntry]:
    """The active entries of a locked person that are outside their present visit."""
    row = locked.row
    query = (
        select(QueueEntry)
        .where(
            QueueEntry.user_id == row.user_id,
            QueueEntry.state.in_(ACTIVE_STATES),
            QueueEntry.visit_id.is_distinct_from(row.visit_id),
        )
        .order_by(QueueEntry.joined_at, QueueEntry.queue_id)
        .with_for_update()
    )
    entries_of_other_visits = list(journey.session.scalars(query.execution_options(populate_existing=True)))
    for entry in entries_of_other_visits:
        journey.begin_numbers(queue_subject(entry.queue_id), entry.event_seq)
    return entries_of_other_visits


def find_owner(journey: JourneyWork, queue_id: UUID) -> UUID:
    """Whose entry it is, without a lock: the person's comes first. Raises EntryNotFound."""
    user_id = journey.session.scalar(select(QueueEntry.user_id).where(QueueEntry.queue_id == queue_id))
    if user_id is None:
        raise EntryNotFound
    return user_id


def find_in_visit(journey: JourneyWork, locked: LockedJourney, queue_id: UUID) -> QueueEntry:
    """The entry under the person's lock, also one that has ended. Raises StateConflict for one of an earlier visit."""
    for entry in locked.entries:
        if entry.queue_id == queue_id:
            return entry
    earlier = journey.session.get_one(QueueEntry, queue_id)
    raise entry_conflict(journey.session, earlier)
