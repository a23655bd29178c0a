"""Lines: who is called next, who steps aside, who is moved, and what each is told."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from models.journey import JourneyState
from services.journey.boards import HospitalMoment, board_body, read_board
from services.journey.calling import recall, undo_call
from services.journey.day_close import close_day
from services.journey.errors import (
    AlreadyQueued,
    EntryNotFound,
    ExamNotFound,
    ForbiddenAction,
    ForbiddenPerson,
    InvalidAction,
    PayloadInvalid,
    QueueEmpty,
    RecallTooSoon,
    StateConflict,
)
from services.journey.line_rates import read_line_rates
from services.journey.queueing import delay_entry, join_queue, prioritize_entry, transfer_entry
from services.journey.shifts import begin_shift
from services.journey.syncing import sync_from_queue_update
from services.journey.wait_errors import read_wait_errors
from services.journey.work import JourneyWork
from tests.integration.journey.ward import BLOOD, XRAY, Patient, Ward


def id_of(person: Patient) -> UUID:
    return UUID(person.queue["queue_id"])


def join(ward: Ward, number: int, exam_id: str = BLOOD) -> list[Patient]:
    people = []
    for _ in range(number):
        people.append(ward.patient().comes(JourneyState.WAITING, exam_id))
        ward.advance(seconds=1)
    return people


def call_times(ward: Ward) -> tuple[datetime | None, datetime | None]:
    """Of the first on the board: of the call, and of its last repetition."""

    def read(journey: JourneyWork) -> tuple[datetime | None, datetime | None]:
        moment = HospitalMoment.of(journey.settings, journey.now)
        board = read_board(journey.session, BLOOD, journey.estimator, moment)
        assert board is not None
        entry = board_body(board)["queues"][0]
        return entry["called_at"], entry["last_called_at"]

    return ward.stores.journeys.read(read)


def called(ward: Ward, exam_id: str = BLOOD) -> str:
    user_id: str = ward.call_next(exam_id).body["patient"]["user_id"]
    return user_id


def test_the_next_is_by_place_and_priorities_come_before(ward: Ward):
    first, second, third, fourth = join(ward, 4)
    ward.run(prioritize_entry, id_of(third), ward.desk, priority=1, reason="elderly")
    ward.run(prioritize_entry, id_of(fourth), ward.desk, priority=3, reason="urgent")
    assert [called(ward) for _ in range(4)] == [str(one.user_id) for one in (fourth, third, first, second)]
    with pytest.raises(QueueEmpty):
        ward.call_next()


def test_who_was_overtaken_five_times_comes_before_a_priority_but_not_before_an_emergency(ward: Ward):
    patient, *others = join(ward, 8)
    for other in others[:6]:
        ward.run(prioritize_entry, id_of(other), ward.desk, priority=2, reason="disabled")
    for _ in range(5):
        called(ward)
    ward.run(prioritize_entry, id_of(others[6]), ward.desk, priority=3, reason="urgent")
    assert called(ward) == str(others[6].user_id)
    assert called(ward) == str(patient.user_id)


def test_who_is_left_from_an_earlier_day_comes_first(ward: Ward):
    yesterday = join(ward, 1)[0]
    ward.advance(days=1)
    today = join(ward, 1)[0]
    ward.run(prioritize_entry, id_of(today), ward.desk, priority=3, reason="urgent")
    assert called(ward) == str(yesterday.user_id)


def test_who_steps_aside_is_passed_over_and_keeps_the_place(ward: Ward):
    first, second = join(ward, 2)
    ward.run(delay_entry, id_of(first), first.actor, is_delayed=True)
    assert (first.queue["state"], first.queue["position"], second.queue["position"]) == ("delayed", 1, 1)
    assert first.state == JourneyState.WAITING
    assert called(ward) == str(second.user_id)
    ward.run(delay_entry, id_of(first), first.actor, is_delayed=False)
    assert called(ward) == str(first.user_id)
    assert first.logs()[1:3] == [("waiting", "delayed", None), ("delayed", "waiting", None)]


def test_a_person_may_step_aside_twice_a_visit_and_staff_as_often_as_they_like(ward: Ward):
    [person] = join(ward, 1)
    for actor, times in ((person.actor, 2), (ward.desk, 2)):
        for _ in range(times):
            ward.run(delay_entry, id_of(person), actor, is_delayed=True)
            ward.run(delay_entry, id_of(person), actor, is_delayed=False)
    with pytest.raises(StateConflict):
        ward.run(delay_entry, id_of(person), person.actor, is_delayed=True)


def test_a_snapshot_says_how_often_its_person_may_still_step_aside(ward: Ward):
    [person] = join(ward, 1)
    queue_id = id_of(person)
    left = [person.snapshot()["delays_left"]]
    for actor in (ward.desk, person.actor, person.actor):
        told = ward.run(delay_entry, queue_id, actor, is_delayed=True)["journey"]
        left.append(told["delays_left"])
        ward.run(delay_entry, queue_id, actor, is_delayed=False)
    ward.run(transfer_entry, queue_id, ward.desk, exam_id=XRAY, reason="x")
    assert [*left, person.snapshot()["delays_left"]] == [2, 2, 1, 0, 0]
    ward.advance(hours=16)
    close_day(ward.stores.journeys)
    assert person.snapshot()["delays_left"] == 2


def test_who_is_as_wanted_already_stays_so_and_who_is_called_cannot_step_aside(ward: Ward):
    [person] = join(ward, 1)
    ward.run(delay_entry, id_of(person), ward.desk, is_delayed=False)
    before = ward.everything()
    again = ward.run(delay_entry, id_of(person), person.actor, is_delayed=False)
    assert (again["queue"]["state"], again["journey"]["journey_state"]) == ("waiting", "WAITING")
    assert ward.everything() == before
    assert person.logs() == [(None, "waiting", None)]
    ward.call_next()
    with pytest.raises(StateConflict):
        ward.run(delay_entry, id_of(person), person.actor, is_delayed=True)


def test_anothers_entry_looks_like_an_unknown_one(ward: Ward):
    [person] = join(ward, 1)
    stranger = ward.patient()
    for queue_id in (id_of(person), uuid4()):
        with pytest.raises(EntryNotFound):
            ward.run(delay_entry, queue_id, stranger.actor, is_delayed=True)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"priority": 4, "reason": "urgent"}, {"priority"}),
        ({"priority": -1, "reason": "gold"}, {"priority", "reason"}),
        ({"priority": 1, "reason": "other", "note": " "}, {"note"}),
    ],
)
def test_a_priority_needs_a_reason_that_is_listed(ward: Ward, wrong: dict, named: set[str]):
    [person] = join(ward, 1)
    with pytest.raises(PayloadInvalid) as refused:
        ward.run(prioritize_entry, id_of(person), ward.desk, **wrong)
    assert set(refused.value.details or {}) == named


def test_a_priority_is_staffs_and_of_who_still_waits(ward: Ward):
    [person] = join(ward, 1)
    with pytest.raises(ForbiddenAction):
        ward.run(prioritize_entry, id_of(person), person.actor, priority=3, reason="urgent")
    queue_id = id_of(person)
    person.act("cancel_appointment", {"queue_id": str(queue_id), "reason": "요청"}, by=ward.desk)
    with pytest.raises(StateConflict):
        ward.run(prioritize_entry, queue_id, ward.desk, priority=3, reason="urgent")


def test_a_priority_is_told_and_logged(ward: Ward):
    first, second = join(ward, 2)
    body = ward.run(prioritize_entry, id_of(second), ward.desk, priority=2, reason="other", note="보호자 없음")
    assert (body["queue"]["priority"], body["queue"]["position"]) == (2, 1)
    assert second.logs()[-1] == ("waiting", "waiting", "priority")
    told = second.events()[-1]["payload"]
    assert (told["action"], told["trigger_type"]) == ("priority", "staff_action")
    assert first.queue["position"] == 2


def test_a_transfer_gives_a_number_of_the_other_line_and_tells_it(ward: Ward):
    join(ward, 1, XRAY)
    person = ward.patient(BLOOD).comes(JourneyState.CALLED)
    before = id_of(person)
    ward.run(prioritize_entry, before, ward.desk, priority=2, reason="disabled")
    answer = ward.run(transfer_entry, before, ward.desk, exam_id=XRAY, reason="장비 점검", key="t-1").body
    assert (answer["journey"]["journey_state"], answer["queue"]["queue_number"]) == ("WAITING", 2)
    ended, moved = person.entries()
    assert (ended.state, moved.state, moved.transferred_from) == ("cancelled", "waiting", before)
    assert moved.appointment_id == ended.appointment_id is not None
    assert (moved.priority, moved.priority_reason) == (2, "disabled")
    assert person.logs()[-2:] == [("called", "cancelled", "transferred"), (None, "waiting", None)]
    assert person.steps()[-1] == ("CALLED", "WAITING", "queue_sync", "transfer")
    [[body]] = ward.rows("select body from welno.notifications where kind = 'moved'")
    assert "2번" in body
    again = ward.run(transfer_entry, before, ward.desk, exam_id=XRAY, reason="장비 점검", key="t-1")
    assert (again.is_replayed, again.body) == (True, answer)


def test_a_transfer_takes_the_other_lines_own_appointment_and_opens_the_old_one_again(ward: Ward):
    person = ward.patient(BLOOD, XRAY).comes(JourneyState.WAITING)
    ward.run(transfer_entry, id_of(person), ward.desk, exam_id=XRAY, reason="순서")
    assert [one["status"] for one in person.snapshot()["appointments"]] == ["scheduled", "checked_in"]


def test_a_transfer_into_a_line_where_they_are_already_ends_nothing(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    ward.run(join_queue, person.user_id, XRAY, ward.desk)
    before = ward.everything()
    with pytest.raises(AlreadyQueued) as refused:
        ward.run(transfer_entry, id_of(person), ward.desk, exam_id=XRAY, reason="순서")
    assert refused.value.details is not None
    assert refused.value.details["queue"]["exam_id"] == XRAY
    assert ward.everything() == before


def test_who_is_inside_is_not_transferred_and_no_patient_transfers(ward: Ward):
    person = ward.patient().comes(JourneyState.IN_PROGRESS)
    with pytest.raises(StateConflict):
        ward.run(transfer_entry, id_of(person), ward.desk, exam_id=XRAY, reason="순서")
    with pytest.raises(ForbiddenAction):
        ward.run(transfer_entry, id_of(person), person.actor, exam_id=XRAY, reason="순서")
    with pytest.raises(ExamNotFound):
        ward.run(transfer_entry, id_of(person), ward.desk, exam_id="EX-NONE", reason="순서")


def test_a_call_is_repeated_after_twenty_seconds(ward: Ward):
    person = ward.patient().comes(JourneyState.CALLED)
    ward.advance(seconds=19)
    with pytest.raises(RecallTooSoon):
        ward.run(recall, id_of(person), ward.desk)
    ward.advance(seconds=2)
    assert ward.run(recall, id_of(person), ward.desk).body["queue"]["call_count"] == 2
    assert [event["type"] for event in person.events()[-2:]] == ["state_update", "patient_called"]
    assert person.events()[-1]["data"]["call_count"] == 2
    with pytest.raises(RecallTooSoon):
        ward.run(recall, id_of(person), ward.desk)


def test_a_board_tells_when_a_call_was_made_first_and_when_it_was_repeated_last(ward: Ward):
    person = ward.patient().comes(JourneyState.CALLED)
    first = ward.clock.now()
    assert call_times(ward) == (first, first)
    ward.advance(seconds=21)
    ward.run(recall, id_of(person), ward.desk)
    assert call_times(ward) == (first, ward.clock.now())
    person.act("start_exam", by=ward.desk)
    assert call_times(ward) == (first, None)


def test_a_call_that_was_taken_back_is_no_repetition_of_the_next(ward: Ward):
    person = ward.patient().comes(JourneyState.CALLED)
    ward.run(undo_call, id_of(person), ward.desk)
    assert call_times(ward) == (None, None)
    ward.advance(seconds=5)
    ward.call_next()
    assert call_times(ward) == (ward.clock.now(), ward.clock.now())


def test_a_mistaken_call_is_taken_back_within_a_minute_to_the_old_place(ward: Ward):
    first, second = join(ward, 2)
    ward.call_next()
    ward.advance(seconds=59)
    body = ward.run(undo_call, id_of(first), ward.desk)
    assert (body["journey"]["journey_state"], body["queue"]["position"]) == ("WAITING", 1)
    assert first.steps()[-1] == ("CALLED", "WAITING", "queue_sync", "undo_call")
    assert [event["type"] for event in first.events()[-2:]] == ["state_update", "call_withdrawn"]
    types = [event["type"] for event in first.queue_events(id_of(first))]
    assert types[-2:] == ["call_withdrawn", "queue.update"]
    assert called(ward) == str(first.user_id)
    ward.advance(seconds=61)
    with pytest.raises(StateConflict):
        ward.run(undo_call, id_of(first), ward.desk)
    with pytest.raises(StateConflict):
        ward.run(undo_call, id_of(second), ward.desk)


def test_who_is_not_called_is_not_called_again(ward: Ward):
    [person] = join(ward, 1)
    with pytest.raises(StateConflict):
        ward.run(recall, id_of(person), ward.desk)


def test_a_call_by_name_of_who_waits_no_more_is_a_conflict_and_of_nobody_not_found(ward: Ward):
    person = ward.patient().comes(JourneyState.COMPLETED)
    [entry] = person.entries()
    with pytest.raises(StateConflict) as refused:
        ward.call(str(entry.queue_id))
    assert refused.value.details == {"state": "completed", "room": "R-101"}
    with pytest.raises(EntryNotFound):
        ward.call(str(uuid4()))


def test_an_entry_of_an_earlier_visit_is_a_conflict(ward: Ward):
    person = ward.patient().comes(JourneyState.FINISHED)
    [entry] = person.entries()
    person.act("leave_hospital")
    with pytest.raises(StateConflict):
        ward.call(str(entry.queue_id))


def test_who_is_elsewhere_is_passed_over_and_not_called_by_name(ward: Ward):
    [busy] = join(ward, 1)
    ward.run(join_queue, busy.user_id, XRAY, ward.desk)
    [other] = join(ward, 1, XRAY)
    ward.call_next(BLOOD)
    second = next(str(entry.queue_id) for entry in busy.entries() if entry.exam_id == XRAY)
    with pytest.raises(StateConflict) as refused:
        ward.call(second)
    assert refused.value.details == {"state": "called", "room": "R-101"}
    assert called(ward, XRAY) == str(other.user_id)
    with pytest.raises(QueueEmpty):
        ward.call_next(XRAY)


def test_a_call_leads_to_the_named_room_else_to_the_shifts_else_to_the_exams(ward: Ward):
    people = join(ward, 3)
    assert ward.call_next().body["queue"]["room"]["room_id"] == "R-101"
    ward.run(begin_shift, ward.desk, exam_id=BLOOD, room_id="R-102")
    assert ward.call_next().body["queue"]["room"]["room_id"] == "R-102"
    with pytest.raises(PayloadInvalid):
        ward.call_next(room_id="R-999")
    assert ward.call_next(room_id="R-101").body["queue"]["room"]["room_id"] == "R-101"
    assert people[1].queue["room"]["room_id"] == "R-102"
    with pytest.raises(ExamNotFound):
        ward.call_next("EX-NONE")


def test_staff_may_have_somebody_wait_in_a_second_line(ward: Ward):
    person = ward.patient(XRAY).comes(JourneyState.WAITING)
    steps = len(person.steps())
    answer = ward.run(join_queue, person.user_id, XRAY, ward.desk, key="j-1")
    assert (answer.body["queue"]["exam_id"], answer.body["journey"]["journey_state"]) == (XRAY, "WAITING")
    assert len(person.steps()) == steps
    assert ward.run(join_queue, person.user_id, XRAY, ward.desk, key="j-1").is_replayed
    with pytest.raises(AlreadyQueued):
        ward.run(join_queue, person.user_id, XRAY, ward.desk)


def test_a_patient_joins_as_they_confirm_their_arrival(ward: Ward):
    person = ward.patient().comes(JourneyState.REGISTERED)
    assert ward.run(join_queue, person.user_id, BLOOD, person.actor).body["journey"]["journey_state"] == "WAITING"
    assert person.steps()[-1] == ("REGISTERED", "WAITING", "patient_action", "confirm_arrival")
    with pytest.raises(AlreadyQueued):
        ward.run(join_queue, person.user_id, BLOOD, person.actor)
    with pytest.raises(InvalidAction):
        ward.run(join_queue, person.user_id, XRAY, person.actor)
    with pytest.raises(ForbiddenPerson):
        ward.run(join_queue, ward.patient().user_id, BLOOD, person.actor)
    with pytest.raises(ExamNotFound):
        ward.run(join_queue, person.user_id, "EX-NONE", person.actor)


def test_an_appointment_that_is_named_must_be_theirs_and_of_today(ward: Ward):
    person = ward.patient(BLOOD).comes(JourneyState.REGISTERED)
    later = person.has_appointment(BLOOD, ward.clock.now() + timedelta(days=1))
    with pytest.raises(ExamNotFound):
        ward.run(join_queue, person.user_id, BLOOD, person.actor, appointment_id=later)
    [own] = [one["appointment_id"] for one in person.snapshot()["appointments"]]
    joined = ward.run(join_queue, person.user_id, BLOOD, person.actor, appointment_id=UUID(own))
    assert joined.body["journey"]["appointments"][0]["status"] == "checked_in"


def test_who_comes_with_a_cancelled_appointment_only_joins_as_without_one(ward: Ward):
    person = ward.patient().comes(JourneyState.REGISTERED)
    person.has_appointment(BLOOD, ward.clock.now(), status="cancelled")
    person.act("confirm_arrival", {"exam_id": BLOOD})
    assert person.entries()[0].appointment_id is None


def test_without_an_exam_and_without_an_appointment_nobody_knows_where_to(ward: Ward):
    person = ward.patient().comes(JourneyState.REGISTERED)
    with pytest.raises(PayloadInvalid) as refused:
        person.act("confirm_arrival")
    assert list(refused.value.details or {}) == ["payload.exam_id"]


def test_what_was_told_at_joining_is_kept(ward: Ward):
    join(ward, 2)
    person = join(ward, 1)[0]
    [entry] = person.entries()
    assert (entry.predicted_wait_minutes, entry.predicted_low_minutes, entry.predicted_high_minutes) == (10, 5, 15)
    assert (entry.told_position, entry.estimated_wait_time) == (3, 10)
    assert person.queue["estimate"] == {"minutes": 10, "low": 5, "high": 15, "basis": "fixed"}


def step_aside(ward: Ward, person: Patient, by: str) -> None:
    if by == "import":
        for state in ("delayed", "waiting"):
            ward.run(sync_from_queue_update, person.entries()[0].queue_id, state, source="import")
        return
    for is_delayed in (True, False):
        ward.run(delay_entry, id_of(person), ward.desk if by == "staff" else person.actor, is_delayed=is_delayed)


@pytest.mark.parametrize("by", ["owner", "staff", "import"])
def test_a_place_that_was_kept_aside_says_nothing_of_how_waits_are_told(ward: Ward, by: str):
    """By whomever. The owner's own delays are counted as ever."""
    join(ward, 1)
    patient = join(ward, 1)[0]
    ward.call_next()
    step_aside(ward, patient, by)
    ward.advance(hours=1)
    ward.call_next()

    def compared(journey: JourneyWork) -> tuple[int, int]:
        rates = read_line_rates(journey.session, [BLOOD], journey.day_begins)[BLOOD]
        return rates.call_count, read_wait_errors(journey.session, [BLOOD], journey.day_begins)[BLOOD].calls

    assert patient.state == JourneyState.CALLED
    # The first one was told no wait, and so has an error and no ratio.
    assert ward.run(compared) == (0, 1)
    assert patient.entries()[0].delay_count == (by == "owner")
