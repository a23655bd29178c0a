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
class StartedExam:
    """One of the visit that was begun. `started_at` is None where an import named its end alone, `ended_at` as long as
    it goes on; `room_id` is None where it needs no room."""

    room_id: str | None
    started_at: datetime | None
    ended_at: datetime | None


def encounter_resource(visit: Visit, transitions: Sequence[StateTransition], exams: Sequence[StartedExam]) -> Resource:
    """`transitions` are those of the visit, oldest first."""
    statuses = _statuses(visit, transitions, exams)
    changed_at = max((visit.updated_at, *(step.created_at for step in transitions)))
    found = resource("Encounter", visit.visit_id, changed_at, PROFILE)
    found |= {
        "status": statuses[-1][0],
        "statusHistory": _history(statuses, visit.ended_at),
        "class": _CLASS,
        "subject": reference("Patient", visit.user_id),
        "period": period(visit.began_at, visit.ended_at),
    }
    if locations := [_location(exam, exam.room_id) for exam in exams if exam.room_id is not None]:
        found["location"] = locations
    return found


def _statuses(
    visit: Visit, transitions: Sequence[StateTransition], exams: Sequence[StartedExam]
) -> list[tuple[str, datetime]]:
    """Each status and since when, the present one last."""
    statuses = [(ARRIVED, visit.began_at)]
    begins = [step.created_at for step in transitions if step.to_state == JourneyState.IN_PROGRESS]
    # By their moments: an import may end an exam that nobody has seen begin.
    begins += [moment for exam in exams if (moment := exam.started_at or exam.ended_at) is not None]
    begun = min(begins, default=None)
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


def _location(exam: StartedExam, room_id: str) -> Resource:
    return {
        "location": room_reference(room_id),
        "status": "active" if exam.ended_at is None else "completed",
        "period": period(exam.started_at, exam.ended_at),
    }
