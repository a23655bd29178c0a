"""The checker finds what disagrees, names it, and mends it."""

from typing import Any
from uuid import UUID

import pytest

from models.journey import JourneyState
from services.journey.day_close import close_day
from services.journey.health import HealthReport, check_health, health_body, realign, run_health_check
from tests.integration.journey.ward import BLOOD, XRAY, Ward


def look(ward: Ward) -> HealthReport:
    report: HealthReport = ward.run(check_health)
    return report


def set_state(ward: Ward, user_id: UUID, state: str) -> None:
    ward.rows("select 1")
    with ward.stores.engine.begin() as connection:
        connection.exec_driver_sql(
            "update welno.patient_states set current_state = %s where user_id = %s", (state, user_id)
        )


def execute(ward: Ward, statement: str, *values: Any) -> None:
    with ward.stores.engine.begin() as connection:
        connection.exec_driver_sql(statement, values)


@pytest.mark.parametrize("state", list(JourneyState))
def test_whoever_came_by_actions_is_healthy(ward: Ward, state: JourneyState):
    ward.patient().comes(state)
    report = look(ward)
    assert report.is_healthy
    assert report.state_distribution[state] == 1
    assert set(report.state_distribution) == set(JourneyState)


def test_a_whole_visit_with_a_no_show_and_a_cancelled_exam_is_healthy(ward: Ward):
    patient = ward.patient(XRAY).comes(JourneyState.CALLED)
    patient.act("mark_no_show", by=ward.desk)
    ward.call_next()
    patient.act("cancel_appointment", {"queue_id": patient.queue["queue_id"], "reason": "x"}, by=ward.desk)
    patient.act("confirm_arrival", {"exam_id": XRAY})
    assert look(ward).is_healthy
    ward.advance(hours=20)
    close_day(ward.stores.journeys)
    report = look(ward)
    assert (report.is_healthy, report.active_queues, report.total_patients) == (True, 0, 1)


def test_a_person_elsewhere_than_their_entry_is_found_and_brought_back(ward: Ward):
    patient = ward.patient().comes(JourneyState.CALLED)
    set_state(ward, patient.user_id, "WAITING")
    body = health_body(look(ward))
    assert body["healthy"] is False
    assert body["inconsistencies"]["count"] == 1
    assert body["inconsistencies"]["items"] == [
        {
            "user_id": str(patient.user_id),
            "journey_state": "WAITING",
            "queue_states": ["called"],
            "expected": "CALLED",
        }
    ]
    _, is_healthy = run_health_check(ward.stores.journeys, fix=True)
    assert patient.state == JourneyState.CALLED
    assert patient.steps()[-1] == ("WAITING", "CALLED", "system_auto", "health_check")
    # The chain keeps the gap of the state that was set by hand: nobody may hide it.
    assert not is_healthy


def test_who_was_erased_between_the_look_and_its_mending_is_passed_over(ward: Ward):
    gone, stays = (ward.patient().comes(JourneyState.REGISTERED) for _ in range(2))
    for patient in (gone, stays):
        set_state(ward, patient.user_id, "WAITING")
    report = look(ward)
    assert len(report.inconsistent) == 2
    for table in ("state_transitions", "patient_states", "notifications", "visits", "users"):
        execute(ward, f"delete from welno.{table} where user_id = %s", gone.user_id)
    assert realign(ward.stores.journeys, report) == 1
    assert stays.state == JourneyState.REGISTERED


def test_whoever_waits_without_an_entry_is_an_orphan(ward: Ward):
    patient = ward.patient().comes(JourneyState.REGISTERED)
    set_state(ward, patient.user_id, "WAITING")
    report = look(ward)
    assert (report.orphans, len(report.inconsistent)) == (1, 1)


def test_whoever_waits_without_an_entry_is_led_out_of_the_line(ward: Ward):
    patient = ward.patient().comes(JourneyState.REGISTERED)
    set_state(ward, patient.user_id, "WAITING")
    run_health_check(ward.stores.journeys, fix=True)
    assert patient.state == JourneyState.REGISTERED
    report = look(ward)
    assert (report.orphans, report.inconsistent) == (0, [])


def test_an_entry_that_outlived_its_visit_is_found_and_ended(ward: Ward):
    """It stood before everybody, was passed over by each call, and kept its person from joining that line again."""
    patient = ward.patient(BLOOD).comes(JourneyState.WAITING)
    execute(ward, "update welno.patient_states set current_state = 'UNREGISTERED', visit_id = null")
    execute(ward, "update welno.visits set ended_at = now(), ended_by = 'left'")
    report = look(ward)
    assert [(one.journey_state, one.queue_states, one.expected) for one in report.inconsistent] == [
        ("UNREGISTERED", ("waiting",), None)
    ]
    run_health_check(ward.stores.journeys, fix=True)
    assert look(ward).inconsistent == []
    assert patient.logs()[-1] == ("waiting", "cancelled", "health_check")
    [appointment] = ward.rows("select status, cancelled_reason from welno.appointments")
    assert tuple(appointment) == ("cancelled", "health_check")
    assert patient.comes(JourneyState.WAITING).queue["queue_number"] == 2


def test_whoever_is_in_a_line_without_a_visit_is_led_into_one_that_goes_on(ward: Ward):
    """As data of an earlier system may be."""
    patient = ward.patient(BLOOD)
    patient.snapshot()
    execute(ward, "insert into welno.patient_states (user_id, current_state) values (%s, 'WAITING')", patient.user_id)
    run_health_check(ward.stores.journeys, fix=True)
    assert patient.state == JourneyState.REGISTERED
    assert patient.act("confirm_arrival", {"exam_id": BLOOD})["journey_state"] == "WAITING"
    assert look(ward).inconsistent == []


@pytest.mark.parametrize("end", ["leave_hospital", "day_close"])
def test_whoever_has_no_visit_may_leave(ward: Ward, end: str):
    patient = ward.patient()
    columns = "insert into welno.patient_states (user_id, current_state, updated_at) values (%s, 'FINISHED', %s)"
    execute(ward, columns, patient.user_id, ward.clock.now())
    if end == "leave_hospital":
        patient.act("leave_hospital")
    else:
        ward.advance(hours=20)
        close_day(ward.stores.journeys)
    assert patient.state == JourneyState.UNREGISTERED


@pytest.mark.parametrize(
    "change",
    [
        "update welno.state_transitions set to_state = 'PAYMENT' where to_state = 'CALLED'",
        "update welno.state_transitions set trigger_source = 'fly' where to_state = 'CALLED'",
        "delete from welno.state_transitions where to_state = 'REGISTERED'",
        "delete from welno.state_transitions where to_state = 'CALLED'",
    ],
)
def test_a_step_that_cannot_be_or_is_missing_is_found(ward: Ward, change: str):
    ward.patient().comes(JourneyState.CALLED)
    execute(ward, change)
    report = look(ward)
    assert report.invalid_steps > 0
    assert not report.is_healthy


def test_an_exam_that_was_never_completed_is_listed(ward: Ward):
    patient = ward.patient().comes(JourneyState.IN_PROGRESS, BLOOD)
    assert look(ward).is_healthy
    ward.advance(hours=20)
    close_day(ward.stores.journeys)
    report = look(ward)
    assert [str(queue_id) for queue_id in report.left_open] == [patient.queue["queue_id"]]
    assert run_health_check(ward.stores.journeys, fix=False)[1] is False


def test_ten_are_listed_and_all_are_counted(ward: Ward):
    for _ in range(12):
        set_state(ward, ward.patient().comes(JourneyState.WAITING).user_id, "CALLED")
    body = health_body(look(ward))
    assert (body["inconsistencies"]["count"], len(body["inconsistencies"]["items"])) == (12, 10)
