"""A visit as FHIR's Encounter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.journey import JourneyState, StateTransition, Visit
from services.journey.fhir.elements import Resource, period, reference, resource
from services.journey.fhir.locations import room_reference

# Of the resources that we serve, the only one that KR Core has a profile for.
PROFILE = "http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition/krcore-encounter"
_CLASS = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "code": "AMB",
    "display": "ambulatory",
}
ARRIVED, IN_PROGRESS, FINISHED, CANCELLED = "arrived", "in-progress", "finished", "cancelled"


@dataclass(frozen=True)
class ExaminedIn:
    """A room in which an exam of the visit was begun."""

    room_id: str
    started_at: datetime
    completed_at: datetime | None


def encounter_resource(visit: Visit, transitions: Sequence[StateTransition], rooms: Sequence[ExaminedIn]) -> Resource:
    """`transitions` are those of the visit, oldest first."""
    statuses = _statuses(visit, transitions)
    changed_at = max((visit.updated_at, *(step.created_at for step in transitions)))
    found = resource("Encounter", visit.visit_id, changed_at, PROFILE)
    found |= {
        "status": statuses[-1][0],
        "statusHistory": _history(statuses, visit.ended_at),
        "class": _CLASS,
        "subject": reference("Patient", visit.user_id),
        "period": period(visit.began_at, visit.ended_at),
    }
    if rooms:
        found["location"] = [_location(room) for room in rooms]
    return found


def _statuses(visit: Visit, transitions: Sequence[StateTransition]) -> list[tuple[str, datetime]]:
    """Each status and since when, the present one last."""
    statuses = [(ARRIVED, visit.began_at)]
    begun = next((step.created_at for step in transitions if step.to_state == JourneyState.IN_PROGRESS), None)
    if begun is not None:
        statuses.append((IN_PROGRESS, begun))
    if visit.ended_at is not None:
        statuses.append((CANCELLED if begun is None else FINISHED, visit.ended_at))
    return statuses


def _history(statuses: Sequence[tuple[str, datetime]], ended_at: datetime | None) -> list[Resource]:
    ends = [since for _, since in statuses[1:]] + [ended_at]
    return [
        {"status": status, "period": period(since, until)}
        for (status, since), until in zip(statuses, ends, strict=True)
    ]


def _location(room: ExaminedIn) -> Resource:
    return {
        "location": room_reference(room.room_id),
        "status": "active" if room.completed_at is None else "completed",
        "period": period(room.started_at, room.completed_at),
    }
