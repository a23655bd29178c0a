"""The one table of the journey: states, actions, who may do what when, what a queue entry means. Pure.

The published definitions, the checker, the tables' CHECK constraints and the tests all come from here: a new state or
action is a change of this module, and a migration for the constraint of a new state.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar


class JourneyState(StrEnum):
    """Where a person is on their way through the hospital."""

    UNREGISTERED = "UNREGISTERED"
    ARRIVED = "ARRIVED"
    REGISTERED = "REGISTERED"
    WAITING = "WAITING"
    CALLED = "CALLED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    PAYMENT = "PAYMENT"
    FINISHED = "FINISHED"


class JourneyPhase(StrEnum):
    """What a person would call it."""

    ARRIVAL = "ARRIVAL"
    RECEPTION = "RECEPTION"
    WAITING = "WAITING"
    SERVICE = "SERVICE"
    CHECKOUT = "CHECKOUT"


class QueueState(StrEnum):
    """Of one person's entry in one line."""

    WAITING = "waiting"
    DELAYED = "delayed"
    CALLED = "called"
    NO_SHOW = "no_show"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class AppointmentStatus(StrEnum):
    SCHEDULED = "scheduled"
    CHECKED_IN = "checked_in"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class JourneyRole(StrEnum):
    """Who asks; an admin may do what staff may."""

    PATIENT = "patient"
    STAFF = "staff"
    ADMIN = "admin"
    DISPLAY = "display"


class JourneyAction(StrEnum):
    SCAN_NFC = "scan_nfc"
    REGISTER = "register"
    CONFIRM_ARRIVAL = "confirm_arrival"
    ENTER_EXAM_ROOM = "enter_exam_room"
    COMPLETE_EXAM = "complete_exam"
    MAKE_PAYMENT = "make_payment"
    LEAVE_HOSPITAL = "leave_hospital"
    CALL_PATIENT = "call_patient"
    START_EXAM = "start_exam"
    MARK_NO_SHOW = "mark_no_show"
    CANCEL_APPOINTMENT = "cancel_appointment"


class TriggerType(StrEnum):
    """What caused a transition."""

    NFC_TAG = "nfc_tag"
    PATIENT_ACTION = "patient_action"
    STAFF_ACTION = "staff_action"
    QUEUE_SYNC = "queue_sync"
    SYSTEM_AUTO = "system_auto"


class VisitEnd(StrEnum):
    LEFT = "left"
    DAY_CLOSE = "day_close"


@dataclass(frozen=True)
class Transition:
    """In `source`, whoever has the role of `actor` moves the person to `target` by the action."""

    source: JourneyState
    action: JourneyAction
    actor: JourneyRole
    target: JourneyState


_S, _A, _R = JourneyState, JourneyAction, JourneyRole

# In the order in which they are listed and offered.
PATIENT_ACTIONS: tuple[JourneyAction, ...] = (
    _A.SCAN_NFC,
    _A.REGISTER,
    _A.CONFIRM_ARRIVAL,
    _A.ENTER_EXAM_ROOM,
    _A.COMPLETE_EXAM,
    _A.MAKE_PAYMENT,
    _A.LEAVE_HOSPITAL,
)
STAFF_ACTIONS: tuple[JourneyAction, ...] = (
    _A.CALL_PATIENT,
    _A.START_EXAM,
    _A.COMPLETE_EXAM,
    _A.MARK_NO_SHOW,
    _A.CANCEL_APPOINTMENT,
)
TRANSITIONS: tuple[Transition, ...] = (
    Transition(_S.UNREGISTERED, _A.SCAN_NFC, _R.PATIENT, _S.ARRIVED),
    Transition(_S.ARRIVED, _A.REGISTER, _R.PATIENT, _S.REGISTERED),
    Transition(_S.REGISTERED, _A.CONFIRM_ARRIVAL, _R.PATIENT, _S.WAITING),
    Transition(_S.WAITING, _A.CALL_PATIENT, _R.STAFF, _S.CALLED),
    Transition(_S.WAITING, _A.MARK_NO_SHOW, _R.STAFF, _S.WAITING),
    Transition(_S.CALLED, _A.ENTER_EXAM_ROOM, _R.PATIENT, _S.IN_PROGRESS),
    Transition(_S.CALLED, _A.START_EXAM, _R.STAFF, _S.IN_PROGRESS),
    Transition(_S.CALLED, _A.MARK_NO_SHOW, _R.STAFF, _S.WAITING),
    Transition(_S.IN_PROGRESS, _A.COMPLETE_EXAM, _R.PATIENT, _S.COMPLETED),
    Transition(_S.IN_PROGRESS, _A.COMPLETE_EXAM, _R.STAFF, _S.COMPLETED),
    Transition(_S.COMPLETED, _A.CONFIRM_ARRIVAL, _R.PATIENT, _S.WAITING),
    Transition(_S.COMPLETED, _A.MAKE_PAYMENT, _R.PATIENT, _S.PAYMENT),
    Transition(_S.PAYMENT, _A.MAKE_PAYMENT, _R.PATIENT, _S.FINISHED),
    Transition(_S.FINISHED, _A.LEAVE_HOSPITAL, _R.PATIENT, _S.UNREGISTERED),
)
# Staff's, with no row of their own: where they lead depends on what is left in the lines.
COMPUTED_ACTIONS: Mapping[JourneyAction, tuple[JourneyState, ...]] = {
    _A.CANCEL_APPOINTMENT: (_S.REGISTERED, _S.WAITING, _S.CALLED),
}
# A field that an action does not know is refused.
PAYLOAD_FIELDS: Mapping[JourneyAction, frozenset[str]] = {
    _A.SCAN_NFC: frozenset({"tag_uid", "tag_code", "tag_id", "e", "c"}),
    _A.CONFIRM_ARRIVAL: frozenset({"exam_id", "appointment_id"}),
    _A.ENTER_EXAM_ROOM: frozenset({"queue_id"}),
    _A.COMPLETE_EXAM: frozenset({"queue_id"}),
    _A.CALL_PATIENT: frozenset({"queue_id", "room_id"}),
    _A.START_EXAM: frozenset({"queue_id"}),
    _A.MARK_NO_SHOW: frozenset({"queue_id"}),
    _A.CANCEL_APPOINTMENT: frozenset({"appointment_id", "queue_id", "reason"}),
}
PHASES: Mapping[JourneyPhase, tuple[JourneyState, ...]] = {
    JourneyPhase.ARRIVAL: (_S.UNREGISTERED, _S.ARRIVED),
    JourneyPhase.RECEPTION: (_S.REGISTERED,),
    JourneyPhase.WAITING: (_S.WAITING,),
    JourneyPhase.SERVICE: (_S.CALLED, _S.IN_PROGRESS),
    JourneyPhase.CHECKOUT: (_S.COMPLETED, _S.PAYMENT, _S.FINISHED),
}
ACTIVE_STATES: tuple[QueueState, ...] = (
    QueueState.WAITING,
    QueueState.DELAYED,
    QueueState.CALLED,
    QueueState.IN_PROGRESS,
)
JOURNEY_OF_QUEUE: Mapping[QueueState, JourneyState] = {
    QueueState.WAITING: _S.WAITING,
    QueueState.DELAYED: _S.WAITING,
    QueueState.CALLED: _S.CALLED,
    QueueState.NO_SHOW: _S.WAITING,
    QueueState.IN_PROGRESS: _S.IN_PROGRESS,
    QueueState.COMPLETED: _S.COMPLETED,
    QueueState.CANCELLED: _S.COMPLETED,
}
QUEUE_OF_JOURNEY: Mapping[JourneyState, QueueState] = {
    _S.WAITING: QueueState.WAITING,
    _S.CALLED: QueueState.CALLED,
    _S.IN_PROGRESS: QueueState.IN_PROGRESS,
    _S.COMPLETED: QueueState.COMPLETED,
}
# These hold only as long as an entry of the person is active.
STATES_IN_LINE = frozenset({_S.WAITING, _S.CALLED, _S.IN_PROGRESS})
# What an action expects the entry that it is about to be in.
ENTRY_STATE_FOR: Mapping[JourneyAction, tuple[QueueState, ...]] = {
    _A.CALL_PATIENT: (QueueState.WAITING,),
    _A.ENTER_EXAM_ROOM: (QueueState.CALLED,),
    _A.START_EXAM: (QueueState.CALLED,),
    _A.COMPLETE_EXAM: (QueueState.IN_PROGRESS,),
    _A.MARK_NO_SHOW: (QueueState.CALLED, QueueState.WAITING),
}
# How often a person may step aside in one visit; staff may let them as often as they like.
OWN_DELAYS = 2
# How far an active entry has come; the most advanced one decides.
_ADVANCE = {QueueState.IN_PROGRESS: 2, QueueState.CALLED: 1}
_PHASE_OF = {state: phase for phase, states in PHASES.items() for state in states}
_BY_KEY = {(row.source, row.action, row.actor): row for row in TRANSITIONS}


class Entry(Protocol):
    """What the decisions want to know of a queue entry."""

    @property
    def state(self) -> str: ...

    @property
    def joined_at(self) -> datetime: ...


EntryT = TypeVar("EntryT", bound=Entry)


def acting_role(role: JourneyRole) -> JourneyRole:
    """As which role of the table it acts."""
    return JourneyRole.STAFF if role == JourneyRole.ADMIN else role


def actions_of(role: JourneyRole) -> tuple[JourneyAction, ...]:
    """All that the role may ever do, in their order."""
    if role == JourneyRole.PATIENT:
        return PATIENT_ACTIONS
    return STAFF_ACTIONS if acting_role(role) == JourneyRole.STAFF else ()


def find_transition(state: JourneyState, action: JourneyAction, role: JourneyRole) -> Transition | None:
    """The row for this role; None for what is not allowed now, and for computed actions."""
    return _BY_KEY.get((state, action, acting_role(role)))


def is_available(state: JourneyState, action: JourneyAction, role: JourneyRole) -> bool:
    """Whether the role may do this now."""
    if action not in actions_of(role):
        return False
    return state in COMPUTED_ACTIONS.get(action, ()) or find_transition(state, action, role) is not None


def available_actions(role: JourneyRole, state: JourneyState) -> tuple[JourneyAction, ...]:
    """What the role may do now, in their order."""
    return tuple(action for action in actions_of(role) if is_available(state, action, role))


def delays_left(counts: Iterable[int]) -> int:
    """How often the person may still step aside. `counts`: how often they did, of each entry of their visit."""
    return max(OWN_DELAYS - sum(counts), 0)


def trigger_of(action: JourneyAction, role: JourneyRole) -> TriggerType:
    """By who acts, never by the action's name alone."""
    if acting_role(role) == JourneyRole.STAFF:
        return TriggerType.STAFF_ACTION
    return TriggerType.NFC_TAG if action == JourneyAction.SCAN_NFC else TriggerType.PATIENT_ACTION


def phase_of(state: JourneyState) -> JourneyPhase:
    return _PHASE_OF[state]


def is_known_step(source: str, target: str, trigger_type: str, trigger_source: str) -> bool:
    """Whether a logged step may be: by the table, or computed from what was left in the lines."""
    if source not in set(JourneyState) or target not in set(JourneyState):
        return False
    if trigger_type in {TriggerType.QUEUE_SYNC, TriggerType.SYSTEM_AUTO} or trigger_source in set(COMPUTED_ACTIONS):
        return True
    return any((row.source, row.action, row.target) == (source, trigger_source, target) for row in TRANSITIONS)


def most_advanced(entries: Iterable[EntryT]) -> EntryT | None:
    """The active entry that decides where the person is: the most advanced, of equals the older."""
    active = [entry for entry in entries if entry.state in ACTIVE_STATES]
    return min(active, key=lambda entry: (-_ADVANCE.get(QueueState(entry.state), 0), entry.joined_at), default=None)


def expected_state(entries: Iterable[Entry]) -> JourneyState | None:
    """Where the entries of one visit say that the person is; None without any entry, when they say nothing.

    COMPLETED stands for all that may follow it (PAYMENT, FINISHED): no entry says more.
    """
    known = list(entries)
    decisive = most_advanced(known)
    if decisive is not None:
        return JOURNEY_OF_QUEUE[QueueState(decisive.state)]
    states = {entry.state for entry in known}
    if QueueState.NO_SHOW in states:
        return JOURNEY_OF_QUEUE[QueueState.NO_SHOW]
    if QueueState.COMPLETED in states:
        return JourneyState.COMPLETED
    return JourneyState.REGISTERED if states else None


def is_consistent(state: JourneyState, entries: Iterable[Entry]) -> bool:
    """Whether a person in this state may have these entries in their visit."""
    expected = expected_state(entries)
    if expected is None:
        return state not in STATES_IN_LINE
    if expected == JourneyState.COMPLETED:
        return phase_of(state) == JourneyPhase.CHECKOUT
    return state == expected
