"""The patient's journey: its one table of states and actions, the people, the hospital, the lines."""

from models.journey.appointments import Appointment
from models.journey.notifications import (
    CALL_KINDS,
    EmrEntity,
    EmrStatus,
    EmrSync,
    Notification,
    NotificationKind,
    WebPushSubscription,
)
from models.journey.patient_states import PatientState, StateTransition, Visit
from models.journey.people import JourneyUser, ScanToken
from models.journey.places import Display, Exam, HospitalRoom, Shift
from models.journey.queues import PRIORITY_REASONS, QueueCounter, QueueEntry, QueueStatusLog
from models.journey.states import (
    AppointmentStatus,
    JourneyAction,
    JourneyPhase,
    JourneyRole,
    JourneyState,
    QueueState,
    TriggerType,
    VisitEnd,
)
from models.journey.tags import NfcTag, RetiredTagCode, TagAction, TagLog

__all__ = [
    "CALL_KINDS",
    "PRIORITY_REASONS",
    "Appointment",
    "AppointmentStatus",
    "Display",
    "EmrEntity",
    "EmrStatus",
    "EmrSync",
    "Exam",
    "HospitalRoom",
    "JourneyAction",
    "JourneyPhase",
    "JourneyRole",
    "JourneyState",
    "JourneyUser",
    "NfcTag",
    "Notification",
    "NotificationKind",
    "PatientState",
    "QueueCounter",
    "QueueEntry",
    "QueueState",
    "QueueStatusLog",
    "RetiredTagCode",
    "ScanToken",
    "Shift",
    "StateTransition",
    "TagAction",
    "TagLog",
    "TriggerType",
    "Visit",
    "VisitEnd",
    "WebPushSubscription",
]
