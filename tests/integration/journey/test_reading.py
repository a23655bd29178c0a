"""What is read of a journey: in how many statements, by whom, and what it never holds."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text

from models.journey import JourneyAction, JourneyRole, JourneyState
from services.database import ReadOnlyDatabase
from services.delivery.idempotency import forget_keys
from services.journey.actions import perform_action
from services.journey.calling import recall, undo_call
from services.journey.errors import (
    EntryNotFound,
    ExamNotFound,
    NoShift,
    NotificationNotFound,
    PayloadInvalid,
    PersonNotFound,
    RoomTaken,
)
from services.journey.looks import read_context
from services.journey.notifications import list_notifications, read_notification
from services.journey.queueing import join_queue
from services.journey.reading import QueueFilter, list_entries, read_entry, read_history, read_snapshot
from services.journey.shifts import begin_shift, end_shift, find_shift
from services.journey.statistics import read_exam_days
from services.journey.work import JourneyWork
from tests.integration.journey.ward import BLOOD, TAG_CODE, XRAY, Patient, Ward, counted


@pytest.mark.parametrize("state", JourneyState)
def test_a_snapshot_takes_few_statements_in_every_state(ward: Ward, state: JourneyState):
    person = ward.patient(BLOOD, XRAY).comes(state)
    with counted(ward.stores.engine) as statements:
        person.snapshot()
    assert len(statements) <= 5


def test_a_list_of_many_takes_as_many_statements_as_one_of_one(ward: Ward):
    for _ in range(6):
        ward.run(join_queue, ward.patient().comes(JourneyState.WAITING).user_id, XRAY, ward.desk)
    made = []
    for limit in (1, 12):
        with counted(ward.stores.engine) as statements:
            ward.run(list_entries, QueueFilter(limit=limit))
        made.append(len(statements))
    assert made[0] == made[1] == 4


def test_a_snapshot_names_nobody(ward: Ward):
    person = ward.patient(BLOOD).comes(JourneyState.CALLED)
    [[name]] = ward.rows("select name from welno.users")
    whole = json.dumps([person.snapshot(), person.events()], ensure_ascii=False)
    assert name not in whole
    assert "0107000" not in whole


def test_a_snapshot_stands_where_the_stream_does(ward: Ward):
    person = ward.patient().comes(JourneyState.CALLED)
    snapshot = person.snapshot()
    assert snapshot["last_seq"] == person.events()[-1]["seq"]
    assert snapshot["epoch"] == ward.rows("select epoch from welno.welno_epoch")[0].epoch


def test_a_snapshot_is_of_one_moment_while_others_change_it(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    ward.patient().comes(JourneyState.WAITING)
    before = person.snapshot()

    def look(journey: JourneyWork) -> dict[str, Any]:
        with changed_after_first_statement(ward, ward.call_next):
            return read_snapshot(journey, person.user_id, JourneyRole.PATIENT)

    assert ward.stores.journeys.read(look) == before
    assert person.state == JourneyState.CALLED


def test_what_only_reads_can_write_nothing(ward: Ward):
    person = ward.patient(BLOOD)
    with pytest.raises(ReadOnlyDatabase):
        ward.stores.journeys.read(
            lambda journey: perform_action(
                journey, person.user_id, JourneyAction.SCAN_NFC, {"tag_code": TAG_CODE}, person.actor
            )
        )


@contextmanager
def changed_after_first_statement(ward: Ward, change: Callable[[], object]) -> Iterator[None]:
    waiting = [change]

    def act(*_: object) -> None:
        if waiting:
            waiting.pop()()

    event.listen(ward.stores.engine, "after_cursor_execute", act)
    yield
    event.remove(ward.stores.engine, "after_cursor_execute", act)


def test_who_was_never_here_is_unregistered_and_who_is_nobody_not_found(ward: Ward):
    person = ward.patient(BLOOD)
    snapshot = person.snapshot()
    assert (snapshot["journey_state"], snapshot["phase"], snapshot["last_seq"]) == ("UNREGISTERED", "ARRIVAL", 0)
    assert (snapshot["visit_id"], snapshot["guidance"], snapshot["queue_details"]) == (None, None, [])
    assert ward.rows("select 1 from welno.patient_states") == []
    with pytest.raises(PersonNotFound):
        ward.run(read_snapshot, uuid4(), JourneyRole.STAFF)


def test_the_way_leads_to_the_entry_else_to_what_comes_next(ward: Ward):
    person = ward.patient(XRAY, BLOOD).comes(JourneyState.REGISTERED)
    ward.has_scans_of(ward.clock.now())
    ward.advance(minutes=1)
    assert person.snapshot()["guidance"]["to"]["room_id"] == "R-102"
    assert person.snapshot()["guidance"]["from"]["title"] == "현관"
    person.act("confirm_arrival", {"exam_id": BLOOD})
    assert person.snapshot()["guidance"]["to"]["room_id"] == "R-101"
    ward.call_next()
    person.act("enter_exam_room")
    done = person.act("complete_exam")
    assert done["guidance"]["from"]["title"] == "채혈실"
    assert done["guidance"]["to"]["room_id"] == "R-102"


def test_of_two_appointments_at_one_time_the_one_that_is_told_is_the_next(ward: Ward):
    person, at = ward.patient(), ward.clock.now()
    for number, exam_id in enumerate((XRAY, BLOOD)):
        person.has_appointment(exam_id, at, appointment_id=UUID(int=number))
    told = person.comes(JourneyState.REGISTERED).snapshot()["next_appointment"]
    [entry] = person.act("confirm_arrival")["queue_details"]
    assert entry["exam_id"] == told["exam_id"]


def test_staff_see_what_staff_may_do(ward: Ward):
    person = ward.patient().comes(JourneyState.WAITING)
    assert person.snapshot(JourneyRole.STAFF)["available_actions"][0] == "call_patient"
    assert person.snapshot()["available_actions"] == []


def test_the_history_is_of_the_present_or_last_visit_or_of_one_that_is_theirs(ward: Ward):
    person, other = ward.patient().comes(JourneyState.FINISHED), ward.patient().comes(JourneyState.ARRIVED)
    visit_id = UUID(person.snapshot()["visit_id"])
    person.act("leave_hospital")
    last = ward.run(read_history, person.user_id)
    assert (last.visit_id, len(last.transitions)) == (visit_id, 9)
    assert [step.to_state for step in last.transitions][-1] == "UNREGISTERED"
    assert all(one.to_state == next_one.from_state for one, next_one in pairwise(last.transitions))
    person.comes(JourneyState.ARRIVED)
    assert len(ward.run(read_history, person.user_id).transitions) == 1
    assert len(ward.run(read_history, person.user_id, visit_id).transitions) == 9
    with pytest.raises(PersonNotFound):
        ward.run(read_history, other.user_id, visit_id)
    assert ward.run(read_history, ward.patient().user_id).transitions == []


def test_an_entry_is_shown_to_its_owner_and_to_staff(ward: Ward):
    person, stranger = ward.patient().comes(JourneyState.COMPLETED), ward.patient()
    queue_id = person.entries()[0].queue_id
    for actor in (person.actor, ward.desk):
        shown = ward.run(read_entry, queue_id, actor)
        assert (shown["state"], shown["position"], shown["estimate"]) == ("completed", None, None)
    for actor, wanted in ((stranger.actor, queue_id), (ward.desk, uuid4())):
        with pytest.raises(EntryNotFound):
            ward.run(read_entry, wanted, actor)


def test_entries_come_page_by_page(ward: Ward):
    people = [ward.patient().comes(JourneyState.WAITING) for _ in range(5)]
    seen, after = [], None
    while True:
        page, after = ward.run(list_entries, QueueFilter(exam_id=BLOOD, state="waiting", after=after, limit=2))
        seen += [one["queue_id"] for one in page]
        if after is None:
            break
    assert sorted(seen) == sorted(str(person.entries()[0].queue_id) for person in people)
    mine, _ = ward.run(list_entries, QueueFilter(user_id=people[0].user_id))
    assert [one["user_id"] for one in mine] == [str(people[0].user_id)]
    assert ward.run(list_entries, QueueFilter(state="no_show")) == ([], None)


def test_who_was_never_here_has_no_history_also_where_others_have_steps_without_a_visit(ward: Ward):
    ward.patient().comes(JourneyState.ARRIVED)
    with ward.stores.sessions.begin() as session:
        session.execute(text("update welno.state_transitions set visit_id = null"))
    history = ward.run(read_history, ward.patient().user_id)
    assert (history.visit_id, history.transitions) == (None, [])


def test_a_call_that_was_read_is_seen_by_the_desk(ward: Ward):
    person, stranger = ward.patient().comes(JourneyState.CALLED), ward.patient()
    [told] = ward.run(list_notifications, person.user_id)
    assert (told.kind, told.body, told.read_at) == ("patient_called", "진료 순서가 되었어요.", None)
    with pytest.raises(NotificationNotFound):
        ward.run(read_notification, stranger.user_id, told.id)
    ward.advance(seconds=3)
    assert ward.run(read_notification, person.user_id, told.id).read_at == ward.clock.now()
    seen_at = ward.clock.now()
    ward.advance(seconds=3)
    ward.run(read_notification, person.user_id, told.id)
    assert person.entries()[0].call_seen_at == seen_at


def test_who_has_read_an_earlier_call_has_not_seen_its_repetition(ward: Ward):
    person = ward.patient().comes(JourneyState.CALLED)
    [first] = ward.run(list_notifications, person.user_id)
    ward.run(read_notification, person.user_id, first.id)
    ward.advance(seconds=30)
    ward.run(recall, person.entries()[0].queue_id, ward.desk)
    ward.run(read_notification, person.user_id, first.id)
    assert person.entries()[0].call_seen_at is None
    again, _ = ward.run(list_notifications, person.user_id)
    ward.run(read_notification, person.user_id, again.id)
    assert person.entries()[0].call_seen_at == ward.clock.now()


def test_calls_that_nobody_answered_are_counted_also_when_they_are_over(ward: Ward):
    person = ward.patient().comes(JourneyState.CALLED)
    person.act("mark_no_show", by=ward.desk)
    ward.call_next()
    ward.run(undo_call, person.entries()[0].queue_id, ward.desk)
    ward.call_next()
    ward.run(read_notification, person.user_id, ward.run(list_notifications, person.user_id)[0].id)
    ward.advance(seconds=30)
    ward.run(recall, person.entries()[0].queue_id, ward.desk)
    day = ward.run(read_exam_days)[BLOOD]
    assert (day.calls_seen, day.calls_unseen, day.no_shows) == (1, 3, 1)


def test_what_is_read_after_the_call_is_over_marks_nothing(ward: Ward):
    person = ward.patient().comes(JourneyState.IN_PROGRESS)
    [told] = ward.run(list_notifications, person.user_id)
    ward.run(read_notification, person.user_id, told.id)
    assert person.entries()[0].call_seen_at is None


def test_a_shift_has_a_room_of_its_own(ward: Ward):
    first, second = ward.desks
    ward.run(begin_shift, first, exam_id=BLOOD, room_id="R-101")
    with pytest.raises(RoomTaken):
        ward.run(begin_shift, second, exam_id=BLOOD, room_id="R-101")
    ward.run(begin_shift, first, exam_id=XRAY, room_id="R-102")
    assert ward.run(begin_shift, second, exam_id=BLOOD, room_id="R-101").exam_id == BLOOD
    assert len(ward.rows("select 1 from welno.shifts where ended_at is null")) == 2
    ward.run(end_shift, first)
    assert ward.run(find_shift, first) is None
    with pytest.raises(NoShift):
        ward.run(end_shift, first)


def test_a_shift_is_in_a_room_and_for_an_exam_that_there_is(ward: Ward):
    with pytest.raises(ExamNotFound):
        ward.run(begin_shift, ward.desk, exam_id="EX-NONE", room_id="R-101")
    with pytest.raises(PayloadInvalid):
        ward.run(begin_shift, ward.desk, exam_id=BLOOD, room_id="R-999")


def test_keys_that_hold_no_longer_are_forgotten(ward: Ward):
    person = ward.patient().comes(JourneyState.ARRIVED)
    person.act("register", key="k")
    assert ward.run(lambda journey: forget_keys(journey.session, journey.now)) == 0
    ward.advance(hours=25)
    assert ward.run(lambda journey: forget_keys(journey.session, journey.now)) == 1


def at_ten_to_midnight(ward: Ward) -> tuple[Patient, Patient]:
    """Somebody who waits, and somebody who is called."""
    ward.advance(hours=14, minutes=50)
    return ward.patient().comes(JourneyState.WAITING), ward.patient().comes(JourneyState.CALLED)


def test_who_waits_over_midnight_is_counted_as_waiting_still(ward: Ward):
    waiting, called = at_ten_to_midnight(ward)
    ward.run(begin_shift, ward.desk, exam_id=BLOOD, room_id="R-101")
    before = ward.run(read_exam_days)[BLOOD]
    assert (before.waiting, before.calls_unseen) == (1, 1)
    ward.advance(minutes=20)
    after = ward.run(read_exam_days)[BLOOD]
    assert (after.waiting, after.calls_unseen, after.wait_median, after.errors.calls) == (1, 0, None, 0)
    for person in (waiting, called):
        assert ward.run(read_context, ward.desk.principal_id, person.user_id).is_in_line


def test_what_happens_after_midnight_is_of_that_day(ward: Ward):
    waiting, _ = at_ten_to_midnight(ward)
    ward.advance(minutes=20)
    ward.call_next()
    day = ward.run(read_exam_days)[BLOOD]
    assert (day.waiting, day.calls_unseen, day.wait_median, day.errors.calls) == (0, 1, 20.0, 1)
    waiting.act("mark_no_show", by=ward.desk)
    day = ward.run(read_exam_days)[BLOOD]
    assert (day.waiting, day.no_shows, day.calls_unseen) == (1, 1, 1)
    ward.advance(days=1)
    assert ward.run(read_exam_days)[BLOOD].no_shows == 0
