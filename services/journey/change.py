"""What one change does to one locked journey: steps of the person, states of entries, and what must be told of both.

Its rows are written first, as the snapshot that tells of it is read from them; its logs with what was told, at the end.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from core.names import JourneyEvent, queue_subject
from models.journey import (
    AppointmentStatus,
    EmrEntity,
    JourneyState,
    NotificationKind,
    PatientState,
    QueueEntry,
    QueueState,
    TriggerType,
    Visit,
    VisitEnd,
)
from models.journey.states import JOURNEY_OF_QUEUE, JourneyPhase, expected_state, phase_of
from services.journey.actors import JourneyActor
from services.journey.change_log import ChangeLog
from services.journey.locking import LockedJourney
from services.journey.notification_texts import notification_text
from services.journey.work import JourneyWork

_CHANGE_APPOINTMENT = text("""
    update welno.appointments set status = :status, cancelled_reason = :reason, updated_at = now()
    where appointment_id = :appointment_id
""")
_INSIDE = frozenset({JourneyState.CALLED, JourneyState.IN_PROGRESS})


@dataclass(frozen=True)
class StepTaken:
    """One transition, as it is told."""

    target: JourneyState
    trigger_type: TriggerType
    trigger_source: str


@dataclass(frozen=True)
class CallTold:
    """That the person is called, or that the call is withdrawn."""

    event: JourneyEvent
    entry: QueueEntry


@dataclass
class JourneyChange:
    """`source` is the action, or why we act. Without an actor it is ourselves who do."""

    journey: JourneyWork
    locked: LockedJourney
    source: str
    actor: JourneyActor | None = None
    is_assisted: bool = False
    trigger: TriggerType | None = None
    visit_end: VisitEnd = VisitEnd.LEFT
    steps: list[StepTaken] = field(default_factory=list)
    calls: list[CallTold] = field(default_factory=list)
    joined: list[QueueEntry] = field(default_factory=list)
    touched: dict[UUID, QueueEntry] = field(default_factory=dict)
    log: ChangeLog = field(default_factory=ChangeLog)

    @property
    def own_trigger(self) -> TriggerType:
        """Of a change that is no step of the table."""
        if self.trigger is not None:
            return self.trigger
        if self.actor is None:
            return TriggerType.SYSTEM_AUTO
        return TriggerType.STAFF_ACTION if self.actor.is_staff else TriggerType.PATIENT_ACTION

    @property
    def has_changed(self) -> bool:
        return bool(self.steps or self.touched or self.log.pending)

    def move(self, target: JourneyState, trigger_type: TriggerType, **details: Any) -> None:
        """A step of the person, also one that leads to where they are. A visit begins and ends with it; whoever is in
        the hospital without one, by an earlier system or by hand, gets it now."""
        row, before = self.locked.row, self.locked.state
        if row.visit_id is None and target != JourneyState.UNREGISTERED:
            row.visit_id = self._begin_visit()
        self.log.transitions.append(
            {
                "visit_id": row.visit_id,
                "from_state": before,
                "to_state": target,
                "trigger_type": trigger_type,
                "trigger_source": self.source,
                "metadata": self._details() | details,
                "request_id": self.journey.request_id,
                "created_at": self.journey.now,
            }
        )
        if row.visit_id is not None:
            self.log.pending[EmrEntity.VISIT, row.visit_id] = None
        if target == JourneyState.UNREGISTERED and row.visit_id is not None:
            self._end_visit(row, before)
        row.current_state, row.updated_at = target, self.journey.now
        self.steps.append(StepTaken(target, trigger_type, self.source))

    def follow_entries(self, trigger_type: TriggerType = TriggerType.QUEUE_SYNC) -> None:
        """A second step to where the entries say that the person is, if that is elsewhere."""
        expected = expected_state(self.locked.entries)
        if expected is None or expected == self.locked.state:
            return
        if expected == JourneyState.COMPLETED and phase_of(self.locked.state) == JourneyPhase.CHECKOUT:
            return
        self.move(expected, trigger_type)

    def change_entry(self, entry: QueueEntry, state: QueueState, reason: str | None = None, **details: Any) -> None:
        self._log_entry(entry, entry.state, state, reason, details)
        entry.state = state
        if state == QueueState.DELAYED:  # by whomever: how long they wait now was told nobody
            entry.predicted_wait_minutes = entry.predicted_low_minutes = entry.predicted_high_minutes = None
        self.touch(entry)

    def add_entry(self, entry: QueueEntry, reason: str | None = None) -> None:
        self.locked.entries.append(entry)
        self.joined.append(entry)
        self.journey.begin_numbers(queue_subject(entry.queue_id), 0)
        self._log_entry(entry, None, QueueState(entry.state), reason, {})
        self.touch(entry)

    def note_entry(self, entry: QueueEntry, reason: str, **details: Any) -> None:
        """Log what changed of an entry beside its state."""
        self._log_entry(entry, entry.state, QueueState(entry.state), reason, details)
        self.touch(entry)

    def touch(self, entry: QueueEntry) -> None:
        """Its person, its readers, its line and the hospital's system are told."""
        entry.updated_at = self.journey.now
        self.touched[entry.queue_id] = entry
        self.log.pending[EmrEntity.QUEUE, entry.queue_id] = None

    def change_appointment(
        self, appointment_id: UUID | None, status: AppointmentStatus, reason: str | None = None
    ) -> None:
        """Nothing for an entry that came without one."""
        if appointment_id is None:
            return
        changed = {"appointment_id": appointment_id, "status": status, "reason": reason}
        self.journey.session.execute(_CHANGE_APPOINTMENT, changed)
        self.log.pending[EmrEntity.APPOINTMENT, appointment_id] = None

    def notify(self, kind: NotificationKind, entry: QueueEntry | None = None) -> None:
        self.log.notifications.append(
            {
                "kind": kind,
                "body": notification_text(kind, entry),
                "queue_id": entry and entry.queue_id,
                "created_at": self.journey.now,
            }
        )

    def tell_call(self, event: JourneyEvent, entry: QueueEntry) -> None:
        self.calls.append(CallTold(event, entry))

    def write_rows(self) -> None:
        """Where the person and their entries are; `log` is left for the end."""
        decisive = self.locked.decisive
        is_inside = decisive is not None and JOURNEY_OF_QUEUE[QueueState(decisive.state)] in _INSIDE
        self.locked.row.current_exam_id = decisive.exam_id if decisive is not None and is_inside else None
        self.journey.session.flush()

    def _begin_visit(self) -> UUID:
        visit = Visit(visit_id=uuid4(), user_id=self.locked.user_id, began_at=self.journey.now)
        self.journey.session.add(visit)
        self.journey.session.flush()
        return visit.visit_id

    def _end_visit(self, row: PatientState, before: JourneyState) -> None:
        visit = self.journey.session.get_one(Visit, row.visit_id)
        visit.ended_at, visit.ended_by = self.journey.now, self.visit_end
        visit.is_unpaid = before in {JourneyState.COMPLETED, JourneyState.PAYMENT}
        row.visit_id = None

    def _log_entry(
        self, entry: QueueEntry, before: str | None, after: QueueState, reason: str | None, details: dict[str, Any]
    ) -> None:
        self.log.entries.append(
            {
                "queue_id": entry.queue_id,
                "previous_state": before,
                "new_state": after,
                "reason": reason,
                "changed_by": self.actor and self.actor.staff_id,
                "metadata": self._details() | details,
                "created_at": self.journey.now,
            }
        )

    def _details(self) -> dict[str, Any]:
        """Who it was, where no column says it."""
        details: dict[str, Any] = {"source": self.source}
        if self.actor is not None:
            details["role"] = str(self.actor.role)
            if self.actor.staff_id is not None:
                details["staff_id"] = str(self.actor.staff_id)
            if self.actor.sid is not None:
                details["sid"] = str(self.actor.sid)
        return details | ({"assisted": True} if self.is_assisted else {})
