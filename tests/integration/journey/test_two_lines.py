"""Who waits in two lines, who does not come, whose place is cancelled: where they are follows from what is left."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from core.names import exam_subject
from models.journey import JourneyState
from services.journey.boards import Board, HospitalMoment, board_body, read_board
from services.journey.calling import call_by_id
from services.journey.errors import EntryNotFound, ExamNotFound, PayloadInvalid, QueueEmpty, StateConflict
from services.journey.notifications import list_notifications
from services.journey.queueing import delay_entry, join_queue
from services.journey.work import JourneyWork
from tests.integration.journey.ward import BLOOD, XRAY, Patient, Ward


def in_two_lines(ward: Ward) -> Patient:
    person = ward.patient(BLOOD, XRAY).comes(JourneyState.WAITING)
    ward.run(join_queue, person.user_id, XRAY, ward.desk)
    return person


def ids(person: Patient) -> list[str]:
    """In the order of joining."""
    return [str(entry.queue_id) for entry in person.entries()]


def states(person: Patient) -> list[str]:
    return [entry.state for entry in person.entries()]


def test_after_an_exam_they_wait_in_the_other_line_by_a_second_step(ward: Ward):
    person = in_two_lines(ward)
    ward.call(ids(person)[0])
    person.act("enter_exam_room")
    answer = person.act("complete_exam", by=ward.desk)
    assert answer["journey_state"] == "WAITING"
    assert person.steps()[-2:] == [
        ("IN_PROGRESS", "COMPLETED", "staff_action", "complete_exam"),
        ("COMPLETED", "WAITING", "queue_sync", "complete_exam"),
    ]
    told = [event["payload"] for event in person.events()[-2:]]
    assert [(one["journey_state"], one["trigger_type"]) for one in told] == [
        ("COMPLETED", "staff_action"),
        ("WAITING", "queue_sync"),
    ]
    assert told[1]["last_seq"] == person.events()[-1]["seq"] == answer["last_seq"]


def test_a_no_show_of_one_line_leaves_them_where_the_other_says(ward: Ward):
    person = in_two_lines(ward)
    first, second = ids(person)
    ward.call(second)
    answer = person.act("mark_no_show", {"queue_id": first}, by=ward.desk)
    assert answer["journey_state"] == "CALLED"
    assert person.steps()[-2:] == [
        ("CALLED", "WAITING", "staff_action", "mark_no_show"),
        ("WAITING", "CALLED", "queue_sync", "mark_no_show"),
    ]


def test_the_board_of_the_other_line_says_that_they_are_elsewhere(ward: Ward):
    person = in_two_lines(ward)
    first, second = ids(person)

    def call(journey: JourneyWork) -> tuple[Board | None, set[str]]:
        call_by_id(journey, UUID(first), ward.desk)
        moment = HospitalMoment.of(journey.settings, journey.now)
        return read_board(journey.session, XRAY, journey.estimator, moment), set(journey.work.woken)

    board, woken = ward.run(call)
    assert woken == {exam_subject(BLOOD), exam_subject(XRAY)}
    assert board is not None
    [told] = board_body(board)["queues"]
    assert (str(told["queue_id"]), told["state"], told["journey_state"]) == (second, "waiting", "CALLED")


def test_a_no_show_goes_to_the_tail_and_keeps_the_number(ward: Ward):
    person, other = ward.patient().comes(JourneyState.CALLED), ward.patient().comes(JourneyState.WAITING)
    person.act("mark_no_show", by=ward.desk)
    assert (person.queue["queue_number"], person.queue["position"], other.queue["position"]) == (1, 2, 1)
    assert person.entries()[0].place == 3
    assert person.logs()[-2:] == [("called", "no_show", None), ("no_show", "waiting", "no_show")]
    assert person.queue["called_at"] is None
    third = ward.patient().comes(JourneyState.WAITING)
    assert third.queue["queue_number"] == 3


def test_the_third_no_show_ends_the_entry(ward: Ward):
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    for _ in range(2):
        assert person.act("mark_no_show", by=ward.desk)["journey_state"] == "WAITING"
    answer = person.act("mark_no_show", by=ward.desk)
    assert (answer["journey_state"], answer["appointments"][0]["status"]) == ("REGISTERED", "no_show")
    assert person.logs()[-2:] == [("waiting", "no_show", None), ("no_show", "cancelled", "no_show")]
    assert person.steps()[-2:] == [
        ("WAITING", "WAITING", "staff_action", "mark_no_show"),
        ("WAITING", "REGISTERED", "queue_sync", "mark_no_show"),
    ]


def test_the_third_no_show_after_an_exam_leads_to_the_end(ward: Ward):
    person = ward.patient().comes(JourneyState.COMPLETED)
    person.act("confirm_arrival", {"exam_id": XRAY})
    for _ in range(3):
        answer = person.act("mark_no_show", by=ward.desk)
    assert answer["journey_state"] == "COMPLETED"


@pytest.mark.parametrize(
    ("before", "after"), [(JourneyState.REGISTERED, "REGISTERED"), (JourneyState.CALLED, "REGISTERED")]
)
def test_a_cancelled_appointment_takes_its_entry_with_it(ward: Ward, before: JourneyState, after: str):
    person = ward.patient(BLOOD).comes(before)
    [appointment] = person.snapshot()["appointments"]
    payload = {"appointment_id": appointment["appointment_id"], "reason": "장비 고장"}
    answer = person.act("cancel_appointment", payload, by=ward.desk)
    assert (answer["journey_state"], answer["appointments"][0]["status"]) == (after, "cancelled")
    assert person.steps()[-1] == (before, after, "staff_action", "cancel_appointment")
    assert set(states(person)) <= {"cancelled"}
    told = ward.run(list_notifications, person.user_id)[0].body
    assert told == ("예약이 취소됐어요." if before == JourneyState.REGISTERED else "대기가 취소됐어요.")


def test_cancelled_with_another_line_left_they_are_where_that_says(ward: Ward):
    person = in_two_lines(ward)
    first, second = ids(person)
    ward.call(first)
    answer = person.act("cancel_appointment", {"queue_id": first, "reason": "요청"}, by=ward.desk)
    assert (answer["journey_state"], answer["queue_details"][0]["queue_id"]) == ("WAITING", second)
    kept = answer["queue_details"][0]["exam_id"]
    status_of = {one["exam_id"]: one["status"] for one in answer["appointments"]}
    assert status_of == {BLOOD: "cancelled", XRAY: "cancelled"} | {kept: "checked_in"}


def test_cancelled_after_an_exam_they_are_done(ward: Ward):
    person = ward.patient().comes(JourneyState.COMPLETED)
    person.act("confirm_arrival", {"exam_id": XRAY})
    payload = {"queue_id": person.queue["queue_id"], "reason": "요청"}
    assert person.act("cancel_appointment", payload, by=ward.desk)["journey_state"] == "COMPLETED"


def test_a_cancellation_names_one_thing_and_a_reason(ward: Ward):
    person = ward.patient(BLOOD).comes(JourneyState.WAITING)
    queue_id, appointment_id = ids(person)[0], person.snapshot()["appointments"][0]["appointment_id"]
    for payload, field in (
        ({"queue_id": queue_id}, "payload.reason"),
        ({"queue_id": queue_id, "reason": "x" * 201}, "payload.reason"),
        ({"queue_id": queue_id, "reason": "a\0b"}, "payload.reason"),
        ({"reason": "요청"}, "payload.appointment_id"),
        ({"reason": "요청", "queue_id": queue_id, "appointment_id": appointment_id}, "payload.appointment_id"),
        ({"reason": "요청", "appointment_id": "x"}, "payload.appointment_id"),
        ({"reason": "요청", "appointment_id": 5}, "payload.appointment_id"),
    ):
        with pytest.raises(PayloadInvalid) as refused:
            person.act("cancel_appointment", payload, by=ward.desk)
        assert list(refused.value.details or {}) == [field]


def test_anothers_appointment_and_one_that_is_over_are_not_cancelled(ward: Ward):
    person, other = ward.patient(BLOOD).comes(JourneyState.WAITING), ward.patient(BLOOD)
    theirs = other.snapshot()["appointments"][0]["appointment_id"]
    for unknown in (theirs, str(uuid4())):
        with pytest.raises(ExamNotFound):
            person.act("cancel_appointment", {"appointment_id": unknown, "reason": "요청"}, by=ward.desk)
    over = person.has_appointment(XRAY, ward.clock.now(), status="completed")
    with pytest.raises(StateConflict):
        person.act("cancel_appointment", {"appointment_id": str(over), "reason": "요청"}, by=ward.desk)


@pytest.mark.parametrize("wrong", ["no uuid", "another's", "not active", "number"])
def test_an_entry_that_is_not_theirs_and_active_is_not_found(ward: Ward, wrong: str):
    person, other = ward.patient().comes(JourneyState.COMPLETED), ward.patient().comes(JourneyState.WAITING)
    [ended] = ids(person)
    person.act("confirm_arrival", {"exam_id": XRAY})
    named = {"no uuid": "x", "another's": ids(other)[0], "not active": ended, "number": 5}[wrong]
    with pytest.raises(EntryNotFound):
        person.act("mark_no_show", {"queue_id": named}, by=ward.desk)


def test_an_entry_in_another_state_than_the_action_wants_is_a_conflict(ward: Ward):
    person = in_two_lines(ward)
    first, second = ids(person)
    ward.call(first)
    with pytest.raises(StateConflict) as refused:
        person.act("start_exam", {"queue_id": second}, by=ward.desk)
    assert refused.value.details == {"state": "waiting", "room": "R-102"}


def test_who_only_stepped_aside_is_not_called_by_the_action(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    ward.run(delay_entry, UUID(ids(person)[0]), ward.desk, is_delayed=True)
    with pytest.raises(StateConflict) as refused:
        person.act("call_patient", by=ward.desk)
    assert refused.value.details == {"state": "delayed", "room": "R-101"}


def test_who_waits_without_an_entry_can_be_called_by_nobody(ward: Ward):
    """An orphan, which the checker finds."""
    person = ward.patient().comes(JourneyState.REGISTERED)
    with ward.stores.sessions.begin() as session:
        session.execute(text("update welno.patient_states set current_state = 'WAITING'"))
    with pytest.raises(EntryNotFound):
        person.act("call_patient", by=ward.desk)
    with pytest.raises(QueueEmpty):
        ward.call_next()
