"""What the journey exports of a patient: their visits, appointments, places in lines, and what they were told."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import Login, Scope
from models.journey import (
    Appointment,
    JourneyUser,
    Notification,
    QueueEntry,
    StateTransition,
    TagLog,
    Visit,
    WebPushSubscription,
)
from models.patients import Patient
from services.journey.people import NewUser, UserDirectory
from services.patients.exports import Exporter, Rows

_ENTRY = ("queue_id", "exam_id", "service_date", "queue_number", "state", "priority", "priority_reason")
_ENTRY_TIMES = ("joined_at", "called_at", "started_at", "completed_at", "no_show_count")
_OF_USER: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "journey_scans": (TagLog, ("tag_id", "action", "created_at")),
    "journey_visits": (Visit, ("visit_id", "began_at", "ended_at", "ended_by", "is_unpaid")),
    "journey_appointments": (Appointment, ("appointment_id", "exam_id", "scheduled_at", "status", "cancelled_reason")),
    "journey_entries": (QueueEntry, (*_ENTRY, *_ENTRY_TIMES)),
    "journey_steps": (StateTransition, ("from_state", "to_state", "trigger_type", "trigger_source", "created_at")),
    "journey_notifications": (Notification, ("kind", "body", "created_at", "read_at")),
    "journey_web_push": (WebPushSubscription, ("created_at",)),
}

_LOGIN = ("platform", "created_at", "last_seen_at", "revoked_at")
_TABLES = frozenset(model.__tablename__ for model in (JourneyUser, Login, *(model for model, _ in _OF_USER.values())))


def journey_exporter(people: UserDirectory) -> Exporter:
    def read(session: Session, patient_uuid: UUID) -> Mapping[str, Rows]:
        patient = session.get_one(Patient, patient_uuid)
        user_ids = people.find_same(session, NewUser(patient.name, patient.phone, patient.birth_date))
        users = session.scalars(select(JourneyUser).where(JourneyUser.user_id.in_(user_ids)))
        found: dict[str, Rows] = {"journey_people": [_describe(user, people) for user in users]}
        for name, (model, columns) in _OF_USER.items():
            query = select(*(model.__table__.c[column] for column in columns)).where(model.user_id.in_(user_ids))
            found[name] = [dict(row) for row in session.execute(query).mappings()]
        logins = select(*(Login.__table__.c[name] for name in _LOGIN))
        theirs = logins.where(Login.scope == Scope.JOURNEY, Login.principal_id.in_(user_ids))
        found["journey_logins"] = [dict(row) for row in session.execute(theirs).mappings()]
        return found

    return Exporter(_TABLES, read)


def _describe(user: JourneyUser, people: UserDirectory) -> Mapping[str, Any]:
    return {"user_id": user.user_id, "created_at": user.created_at, **asdict(people.open(user))}
