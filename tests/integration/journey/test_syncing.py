"""Changes that are no action: imports, the checker, the day's close, tools that change many rows."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from models.journey import JourneyState, TriggerType
from services.journey.change import JourneyChange
from services.journey.concluding import conclude
from services.journey.day_close import close_day
from services.journey.errors import EntryNotFound, StateConflict
from services.journey.health import check_health
from services.journey.locking import lock_journey
from services.journey.queueing import join_queue, transfer_entry
from services.journey.shifts import begin_shift
from services.journey.syncing import realign_journey, sync_from_patient_state, sync_from_queue_update
from services.journey.work import JourneyWork
from tests.integration.journey.ward import BLOOD, MORNING, XRAY, Patient, Ward


def entry_id(person: Patient) -> UUID:
    queue_id: UUID = person.entries()[-1].queue_id
    return queue_id


def appointments_of(person: Patient) -> list[tuple[str, str | None]]:
    """The status of each and why it was cancelled, in the order of the day."""
    query = "select status, cancelled_reason from welno.appointments where user_id = :id order by scheduled_at"
    return [tuple(row) for row in person.ward.rows(query, id=person.user_id)]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("delayed", "WAITING"),
        ("called", "CALLED"),
        ("in_progress", "IN_PROGRESS"),
        ("completed", "COMPLETED"),
        ("cancelled", "REGISTERED"),
        ("no_show", "WAITING"),
    ],
)
def test_the_journey_follows_an_imported_state(ward: Ward, state: str, expected: str):
    person = ward.patient().comes(JourneyState.WAITING)
    assert ward.run(sync_from_queue_update, entry_id(person), state, source="import")
    assert person.state == expected
    if expected != "WAITING":
        assert person.steps()[-1] == ("WAITING", expected, "queue_sync", "import")


def test_the_same_state_again_changes_and_logs_nothing(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    ward.run(sync_from_queue_update, entry_id(person), "called", source="import")
    before = ward.everything()
    assert not ward.run(sync_from_queue_update, entry_id(person), "called", source="import")
    assert ward.everything() == before


@pytest.mark.parametrize("unknown", ["ongoing", "CALLED", ""])
def test_a_state_that_nobody_knows_is_ignored(ward: Ward, unknown: str):
    person = ward.patient().comes(JourneyState.WAITING)
    before = ward.everything()
    assert not ward.run(sync_from_queue_update, entry_id(person), unknown, source="import")
    assert not ward.run(sync_from_patient_state, person.user_id, "ONGOING", source="import")
    assert ward.everything() == before


def test_a_payment_is_no_contradiction_to_a_completed_exam(ward: Ward):
    person = ward.patient().comes(JourneyState.PAYMENT)
    assert not ward.run(realign_journey, person.user_id, source="checker")
    assert person.state == JourneyState.PAYMENT


def test_the_entry_follows_an_imported_journey_and_a_delayed_one_stays_so(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    ward.run(sync_from_patient_state, person.user_id, "CALLED", source="import")
    assert (person.state, person.queue["state"]) == ("CALLED", "called")
    ward.run(sync_from_queue_update, entry_id(person), "delayed", source="import")
    assert not ward.run(sync_from_patient_state, person.user_id, "WAITING", source="import")
    assert person.queue["state"] == "delayed"


@pytest.mark.parametrize(
    ("calls", "state", "ended"),
    [
        (0, "UNREGISTERED", ["cancelled", "cancelled"]),
        (0, "REGISTERED", ["cancelled", "cancelled"]),
        (1, "REGISTERED", ["cancelled", "cancelled"]),
        (1, "PAYMENT", ["completed", "cancelled"]),
        (1, "FINISHED", ["completed", "cancelled"]),
    ],
)
def test_an_import_out_of_the_lines_ends_the_entries_and_their_appointments(
    ward: Ward, calls: int, state: str, ended: list[str]
):
    person = ward.patient(BLOOD, XRAY).comes(JourneyState.WAITING)
    ward.advance(seconds=1)  # of equals the older decides
    ward.run(join_queue, person.user_id, XRAY, ward.desk)
    for _ in range(calls):
        ward.call_next()
    assert ward.run(sync_from_patient_state, person.user_id, state, source="import")
    assert (person.state, [entry.state for entry in person.entries()]) == (state, ended)
    assert appointments_of(person) == [(one, "import" if one == "cancelled" else None) for one in ended]
    assert ward.run(check_health).inconsistent == []
    assert not ward.run(sync_from_patient_state, person.user_id, state, source="import")


def test_an_imported_call_start_and_end_have_their_moments(ward: Ward):
    """A hall tells one call from another by them: without one, a second call of the same number was none."""
    person = ward.patient().comes(JourneyState.WAITING)
    moments = []
    for state in ("called", "waiting", "called", "in_progress", "completed"):
        ward.advance(minutes=1)
        ward.run(sync_from_queue_update, entry_id(person), state, source="import")
        [entry] = person.entries()
        moments.append(
            (
                entry.call_count,
                *(
                    at and (at - MORNING).seconds // 60
                    for at in (entry.called_at, entry.started_at, entry.completed_at)
                ),
            )
        )
    assert moments == [(1, 1, None, None), (0, None, None, None), (1, 3, None, None), (1, 3, 4, None), (1, 3, 4, 5)]


@pytest.mark.parametrize("entry_state", ["waiting", "delayed", "no_show"])
@pytest.mark.parametrize("state", ["COMPLETED", "PAYMENT", "FINISHED"])
def test_an_imported_state_completes_nobody_who_only_waits(ward: Ward, state: str, entry_state: str):
    """It may be of another exam, or of a day before: who loses their place is called by nobody any more."""
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    ward.run(sync_from_queue_update, entry_id(person), entry_state, source="import")
    before = ward.everything()
    assert not ward.run(sync_from_patient_state, person.user_id, state, source="import")
    assert ward.everything() == before


def test_who_has_had_one_exam_may_pay_while_they_wait_for_another_which_is_not_completed(ward: Ward):
    person = ward.patient(BLOOD, XRAY).comes(JourneyState.COMPLETED)
    person.act("confirm_arrival", {"exam_id": XRAY})
    assert not ward.run(sync_from_patient_state, person.user_id, "COMPLETED", source="import")
    assert ward.run(sync_from_patient_state, person.user_id, "PAYMENT", source="import")
    assert person.state == JourneyState.PAYMENT
    assert [entry.state for entry in person.entries()] == ["completed", "cancelled"]
    assert appointments_of(person) == [("completed", None), ("cancelled", "import")]
    assert ward.run(check_health).is_healthy


@pytest.mark.parametrize("state", ["REGISTERED", "COMPLETED", "PAYMENT", "FINISHED"])
def test_the_checker_completes_nobody_who_only_waits(ward: Ward, state: str):
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    with ward.stores.sessions.begin() as session:
        session.execute(text("update welno.patient_states set current_state = :state"), {"state": state})
    assert ward.run(realign_journey, person.user_id, source="checker")
    assert (person.state, person.queue["state"], appointments_of(person)) == (
        "WAITING",
        "waiting",
        [("checked_in", None)],
    )


@pytest.mark.parametrize("left", ["delete from welno.queues", "update welno.queues set state = 'cancelled'"])
def test_the_checker_takes_a_missing_entry_for_no_completed_exam(ward: Ward, left: str):
    person = ward.patient().comes(JourneyState.WAITING)
    with ward.stores.sessions.begin() as session:
        session.execute(text(left))
    assert ward.run(realign_journey, person.user_id, source="checker")
    assert person.state == JourneyState.REGISTERED


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("delayed", "checked_in"),
        ("called", "checked_in"),
        ("in_progress", "in_progress"),
        ("completed", "completed"),
        ("cancelled", "cancelled"),
        ("no_show", "no_show"),
    ],
)
def test_the_appointment_follows_an_imported_entry(ward: Ward, state: str, status: str):
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    ward.run(sync_from_queue_update, entry_id(person), state, source="import")
    assert appointments_of(person) == [(status, "import" if status == "cancelled" else None)]
    ward.run(sync_from_queue_update, entry_id(person), "waiting", source="import")
    assert appointments_of(person) == [("checked_in", None)]


def test_the_appointment_follows_an_imported_journey(ward: Ward):
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    for state, status in (("CALLED", "checked_in"), ("IN_PROGRESS", "in_progress"), ("COMPLETED", "completed")):
        ward.run(sync_from_patient_state, person.user_id, state, source="import")
        assert appointments_of(person) == [(status, None)]


def test_an_appointment_that_went_along_into_another_line_follows_the_entry_there(ward: Ward):
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    left = entry_id(person)
    ward.run(transfer_entry, left, ward.desk, exam_id=XRAY, reason="기계 고장")
    ward.run(sync_from_queue_update, left, "completed", source="import")
    assert appointments_of(person) == [("checked_in", None)]


@pytest.mark.parametrize("state", ["completed", "in_progress", "cancelled"])
def test_an_appointment_that_was_kept_in_another_line_stays_so(ward: Ward, state: str):
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    left = entry_id(person)
    ward.run(transfer_entry, left, ward.desk, exam_id=XRAY, reason="기계 고장")
    [moved] = [one.queue_id for one in person.entries() if one.queue_id != left]
    ward.run(sync_from_queue_update, moved, "completed", source="import")
    ward.run(sync_from_queue_update, left, "waiting", source="import")
    ward.run(sync_from_queue_update, left, state, source="import")
    assert appointments_of(person) == [("completed", None)]


@pytest.mark.parametrize(
    ("state", "has_called", "has_started"),
    [
        ("waiting", False, False),
        ("delayed", False, False),
        ("no_show", False, False),
        ("called", True, False),
        ("in_progress", True, True),
    ],
)
def test_an_entry_that_is_set_back_has_no_moments_of_what_is_to_come(
    ward: Ward, state: str, has_called: bool, has_started: bool
):
    person = ward.patient().comes(JourneyState.WAITING)
    for one in ("called", "in_progress", "completed", state):
        ward.advance(minutes=1)
        ward.run(sync_from_queue_update, entry_id(person), one, source="import")
    [entry] = person.entries()
    known = [at is not None for at in (entry.called_at, entry.started_at, entry.completed_at)]
    assert known == [has_called, has_started, False]


def test_who_is_imported_as_completed_is_in_the_line_that_is_left(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    ward.advance(seconds=1)
    ward.run(join_queue, person.user_id, XRAY, ward.desk)
    ward.call_next()
    ward.run(sync_from_patient_state, person.user_id, "COMPLETED", source="import")
    assert person.steps()[-2:] == [
        ("CALLED", "COMPLETED", "system_auto", "import"),
        ("COMPLETED", "WAITING", "queue_sync", "import"),
    ]
    assert [entry.state for entry in person.entries()] == ["completed", "waiting"]
    assert ward.run(check_health).is_healthy


def test_an_imported_state_without_an_entry_moves_the_person_alone(ward: Ward):
    person = ward.patient().comes(JourneyState.ARRIVED)
    assert ward.run(sync_from_patient_state, person.user_id, "REGISTERED", source="import")
    assert person.steps()[-1] == ("ARRIVED", "REGISTERED", "system_auto", "import")


def test_the_checker_puts_a_person_where_the_entries_say(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    with ward.stores.sessions.begin() as session:
        session.execute(text("update welno.patient_states set current_state = 'FINISHED'"))
    assert ward.run(realign_journey, person.user_id, source="checker")
    assert person.steps()[-1] == ("FINISHED", "WAITING", "system_auto", "checker")


def test_the_hospital_is_told_again_of_what_changes_again(ward: Ward):
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    with ward.stores.sessions.begin() as session:
        session.execute(text("update welno.emr_sync_status set status = 'synced', attempts = 1"))
    ward.call_next()
    pending = ward.rows("select entity, attempts from welno.emr_sync_status where status = 'pending' order by entity")
    assert [tuple(row) for row in pending] == [("queue", 0), ("visit", 0)]
    assert person.state == JourneyState.CALLED


def test_the_day_is_closed_for_who_came_before(ward: Ward):
    waiting = ward.patient(BLOOD).comes(JourneyState.WAITING)
    unpaid = ward.patient().comes(JourneyState.PAYMENT)
    inside = ward.patient().comes(JourneyState.IN_PROGRESS)
    ward.run(join_queue, ward.patient().comes(JourneyState.WAITING).user_id, XRAY, ward.desk)
    missing = ward.patient(XRAY)
    ward.run(begin_shift, ward.desk, exam_id=BLOOD, room_id="R-101")
    ward.clock.advance(datetime(2026, 11, 26, 14, 30, tzinfo=UTC) - ward.clock.now())  # 23:30 in Seoul
    late = ward.patient().comes(JourneyState.WAITING)
    ward.advance(hours=1)
    closed = close_day(ward.stores.journeys)
    assert (closed.people, closed.shifts) == (4, 1)
    assert [one.state for one in (waiting, unpaid, inside, late)] == [
        "UNREGISTERED",
        "UNREGISTERED",
        "IN_PROGRESS",
        "WAITING",
    ]
    assert waiting.logs()[-1] == ("waiting", "cancelled", "day_closed")
    assert waiting.steps()[-1] == ("WAITING", "UNREGISTERED", "system_auto", "day_close")
    visits = ward.rows("select ended_by, is_unpaid from welno.visits where ended_at is not null order by is_unpaid")
    assert [tuple(row) for row in visits] == [("day_close", False), ("day_close", False), ("day_close", True)]
    [[status]] = ward.rows("select status from welno.appointments where user_id = :id", id=missing.user_id)
    assert status == "no_show"
    told = ward.rows(
        "select 1 from welno.notifications where kind = 'day_closed' and user_id = :id", id=waiting.user_id
    )
    assert len(told) == 1
    before = ward.everything()
    assert close_day(ward.stores.journeys).people == 0
    assert ward.everything() == before


def test_before_closing_time_the_last_days_close_is_meant(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    ward.advance(hours=13, minutes=59)  # 22:59
    assert close_day(ward.stores.journeys).people == 0
    ward.advance(minutes=1)
    assert close_day(ward.stores.journeys).people == 1
    assert person.state == JourneyState.UNREGISTERED


def test_who_comes_again_begins_a_visit_that_inherits_nothing(ward: Ward):
    person = ward.patient().comes(JourneyState.FINISHED)
    person.act("leave_hospital")
    person.comes(JourneyState.WAITING)
    payload = {"queue_id": str(entry_id(person)), "reason": "요청"}
    assert person.act("cancel_appointment", payload, by=ward.desk)["journey_state"] == "REGISTERED"
    visits = ward.rows("select ended_by from welno.visits where user_id = :id order by began_at", id=person.user_id)
    assert [row.ended_by for row in visits] == ["left", None]


@pytest.mark.parametrize(("minute", "day"), [(-1, 26), (1, 27)])
def test_the_day_of_a_line_is_the_hospitals(ward: Ward, minute: int, day: int):
    ward.clock.advance(datetime(2026, 11, 26, 15, 0, tzinfo=UTC) - ward.clock.now())  # midnight in Seoul
    ward.advance(minutes=minute)
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    [entry] = person.entries()
    assert (entry.service_date.day, entry.queue_number) == (day, 1)
    assert len(person.snapshot()["appointments"]) == 1
    ward.advance(minutes=-2 * minute if minute < 0 else 0)
    assert len(person.snapshot()["appointments"]) == (0 if minute < 0 else 1)


@pytest.mark.parametrize(("strikes", "is_survived"), [(1, True), (2, False)])
def test_a_tool_that_changes_rows_without_their_lock_is_noticed(ward: Ward, strikes: int, is_survived: bool):
    person = ward.patient().comes(JourneyState.ARRIVED)
    left = [text("update welno.patient_states set version = version + 1")] * strikes

    def register(journey: JourneyWork) -> None:
        change = JourneyChange(journey, lock_journey(journey, person.user_id), "register", person.actor)
        if left:
            journey.session.execute(left.pop())
        change.move(JourneyState.REGISTERED, TriggerType.PATIENT_ACTION)
        conclude(change)

    if is_survived:
        ward.stores.journeys.run(register)
    else:
        with pytest.raises(StateConflict):
            ward.stores.journeys.run(register)
    assert (person.state == JourneyState.REGISTERED) is is_survived


def test_an_entry_that_nobody_has_cannot_be_imported(ward: Ward):
    with pytest.raises(EntryNotFound):
        ward.run(sync_from_queue_update, UUID(int=1), "called", source="import")
