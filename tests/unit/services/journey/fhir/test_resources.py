"""What our rows are in FHIR, and that three judges take it for that."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.journey import (
    Appointment,
    AppointmentStatus,
    Exam,
    HospitalRoom,
    JourneyState,
    QueueEntry,
    QueueState,
    StateTransition,
    Visit,
)
from services.journey.fhir.appointments import appointment_resource
from services.journey.fhir.documents import capability_statement, operation_outcome, searchset
from services.journey.fhir.encounters import StartedExam, encounter_resource
from services.journey.fhir.locations import floor_resource, room_resource
from services.journey.fhir.tasks import task_resource
from tests.unit.services.journey.fhir.validators import find_faults

NOW = datetime(2026, 11, 26, 0, 30, 15, 123456, tzinfo=UTC)
USER, VISIT = UUID(int=1), UUID(int=2)
EXAM = Exam(exam_id="EX-BLOOD", title="채혈", display_title="검사 1", room_id="R-101", avg_minutes=5)
NOWHERE = Exam(exam_id="EX-HOME", title="상담", display_title="검사 9", room_id=None, avg_minutes=5)
BASE = "https://welno.example/api/v1/fhir"


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


def appointment(status: str, **changes: Any) -> Appointment:
    row = {"appointment_id": uuid4(), "user_id": USER, "exam_id": EXAM.exam_id, "scheduled_at": NOW}
    return Appointment(**row, status=status, updated_at=NOW, **changes)


def entry(state: str, **changes: Any) -> QueueEntry:
    row: dict[str, Any] = {
        "queue_id": uuid4(),
        "user_id": USER,
        "visit_id": VISIT,
        "exam_id": EXAM.exam_id,
        "room_id": "R-101",
        "appointment_id": None,
        "service_date": date(2026, 11, 26),
        "queue_number": 1,
        "place": 1,
        "priority": 0,
        "joined_at": NOW,
        "updated_at": minutes(9),
    }
    return QueueEntry(**(row | {"state": state} | changes))


def visit(ended_at: datetime | None = None) -> Visit:
    return Visit(visit_id=VISIT, user_id=USER, began_at=NOW, ended_at=ended_at, updated_at=NOW)


def step(to_state: str, at: datetime) -> StateTransition:
    return StateTransition(to_state=to_state, created_at=at)


BEGUN = [step(JourneyState.ARRIVED, NOW), step(JourneyState.IN_PROGRESS, minutes(10))]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("scheduled", "booked"),
        ("checked_in", "checked-in"),
        ("in_progress", "fulfilled"),
        ("completed", "fulfilled"),
        ("cancelled", "cancelled"),
        ("no_show", "noshow"),
    ],
)
def test_an_appointment_has_its_status_and_both_ends(status: str, told: str):
    found = appointment_resource(appointment(status), EXAM)
    assert (found["status"], found["start"], found["end"]) == (
        told,
        "2026-11-26T00:30:15.123Z",
        "2026-11-26T00:35:15.123Z",
    )
    assert ("cancelationReason" in found) == (status == "cancelled")
    assert [one["actor"]["reference"] for one in found["participant"]] == [f"Patient/{USER}", "Location/R-101"]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("waiting", "ready"),
        ("delayed", "on-hold"),
        ("called", "accepted"),
        ("no_show", "failed"),
        ("in_progress", "in-progress"),
        ("completed", "completed"),
        ("cancelled", "cancelled"),
    ],
)
def test_a_queue_entry_is_a_task(state: str, told: str):
    found = task_resource(entry(state), EXAM, "transferred")
    assert (found["status"], found["businessStatus"]["text"], found["intent"]) == (told, state, "order")
    assert found.get("statusReason") == ({"text": "transferred"} if state == "cancelled" else None)


def test_an_exam_without_a_room_has_no_location():
    told = appointment_resource(appointment("scheduled"), NOWHERE)
    assert [one["actor"]["reference"] for one in told["participant"]] == [f"Patient/{USER}"]
    assert "location" not in task_resource(entry("waiting", room_id=None), NOWHERE, None)
    assert find_faults([told, task_resource(entry("waiting", room_id=None), NOWHERE, None)]) == []


@pytest.mark.parametrize(("priority", "told"), [(0, "routine"), (1, "urgent"), (2, "asap"), (3, "stat")])
def test_a_task_has_the_priority_of_its_entry(priority: int, told: str):
    assert task_resource(entry("waiting", priority=priority), EXAM, None)["priority"] == told


@pytest.mark.parametrize(
    ("ended_at", "steps", "statuses"),
    [
        (None, BEGUN[:1], ["arrived"]),
        (None, BEGUN, ["arrived", "in-progress"]),
        (minutes(60), BEGUN, ["arrived", "in-progress", "finished"]),
        (minutes(60), BEGUN[:1], ["arrived", "cancelled"]),
    ],
)
def test_a_visit_is_an_encounter_with_its_history(
    ended_at: datetime | None, steps: list[StateTransition], statuses: list[str]
):
    found = encounter_resource(visit(ended_at), steps, [])
    assert [one["status"] for one in found["statusHistory"]] == statuses
    assert (found["status"], found["class"]["code"]) == (statuses[-1], "AMB")


def test_an_encounter_was_where_exams_were_begun():
    rooms = [StartedExam("R-101", minutes(10), minutes(20)), StartedExam("R-102", minutes(30), None)]
    found = encounter_resource(visit(), BEGUN, rooms)
    assert [(one["status"], "end" in one["period"]) for one in found["location"]] == [
        ("completed", True),
        ("active", False),
    ]


def test_a_room_is_part_of_its_floor():
    room = HospitalRoom(room_id="R-101", title="채혈실", floor=1, x=0, y=0)
    assert room_resource(room)["partOf"]["reference"] == f"Location/{floor_resource(1)['id']}"


def test_every_resource_is_valid_by_three_judges():
    resources = [
        *(appointment_resource(appointment(status, cancelled_reason="감기"), EXAM) for status in AppointmentStatus),
        *(task_resource(entry(state, appointment_id=uuid4(), started_at=NOW), EXAM, "x") for state in QueueState),
        task_resource(entry("completed", room_id=None, started_at=NOW, completed_at=minutes(5)), EXAM, None),
        *(encounter_resource(visit(end), steps, []) for end in (None, minutes(60)) for steps in (BEGUN, BEGUN[:1])),
        encounter_resource(visit(), BEGUN, [StartedExam("R-101", NOW, minutes(20))]),
        room_resource(HospitalRoom(room_id="R-101", title="채혈실", floor=-1, x=0, y=0)),
        floor_resource(-1),
    ]
    links = {"self": f"{BASE}/Task?_count=1", "next": f"{BASE}/Task?_count=1&_offset=1"}
    documents = [
        searchset(BASE, resources[:7], 9, links),
        searchset(BASE, [], 0, {"self": f"{BASE}/Task"}),
        *(
            operation_outcome(status, "SOME_CODE", "까닭", "무엇")
            for status in (400, 401, 403, 404, 405, 429, 500, 503)
        ),
        capability_statement(BASE, NOW),
    ]
    assert find_faults([*resources, *documents]) == []


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Appointment", {"status": "no-such-status"}),
        ("Appointment", {"start": None}),
        ("Appointment", {"participant": []}),
        ("Task", {"lastModified": "2020-01-01T00:00:00.000Z"}),
        ("Task", {"intent": "wish"}),
        ("Task", {"surprise": 1}),
    ],
)
def test_the_judges_see_what_is_wrong(kind: str, change: dict[str, Any]):
    valid = {
        "Appointment": appointment_resource(appointment("scheduled"), EXAM),
        "Task": task_resource(entry("waiting"), EXAM, None),
    }[kind]
    assert find_faults([{name: value for name, value in (valid | change).items() if value is not None}])
