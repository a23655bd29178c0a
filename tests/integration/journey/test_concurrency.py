"""Many at once: numbers without holes, nobody called twice, one change per click, and no deadlock."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from models.journey import JourneyState
from services.delivery.idempotency import KeyOfAnotherCall
from services.journey.actors import JourneyActor
from services.journey.errors import JourneyError, QueueEmpty, RoomTaken, StateConflict
from services.journey.estimates import RuleBasedEstimator
from services.journey.queueing import join_queue
from services.journey.refresher import LineRefresher
from services.journey.shifts import begin_shift
from tests.integration.journey.ward import BLOOD, XRAY, Patient, Ward
from tests.waiting import wait_until


def deadlocks(ward: Ward) -> int:
    [[number]] = ward.rows("select deadlocks from pg_stat_database where datname = current_database()")
    return int(number)


def joined(ward: Ward, number: int, exam_id: str = BLOOD) -> list[Patient]:
    return [ward.patient().comes(JourneyState.WAITING, exam_id) for _ in range(number)]


def test_fifty_at_once_in_one_line_get_the_numbers_one_to_fifty(ward: Ward):
    people = [ward.patient().comes(JourneyState.REGISTERED) for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda person: person.act("confirm_arrival", {"exam_id": BLOOD}), people))
    numbers = sorted(answer["queue_details"][0]["queue_number"] for answer in answers)
    places = sorted(row.place for row in ward.rows("select place from welno.queues"))
    assert numbers == places == list(range(1, 51))
    assert {answer["journey_state"] for answer in answers} == {"WAITING"}


def test_two_desks_call_two_hundred_times_and_nobody_twice(ward: Ward):
    waiting = {str(person.user_id) for person in joined(ward, 60)}
    before = deadlocks(ward)

    def call(number: int) -> str | None:
        try:
            return ward.call_next(actor=ward.desks[number % 2]).body["patient"]["user_id"]
        except QueueEmpty:
            return None

    with ThreadPoolExecutor(20) as pool:
        called = [one for one in pool.map(call, range(200)) if one]
    assert len(called) == len(set(called)) == 60
    assert set(called) == waiting
    assert deadlocks(ward) == before


def test_people_in_two_lines_are_called_by_both_desks_without_a_deadlock(ward: Ward):
    people = joined(ward, 15)
    for person in people:
        ward.run(join_queue, person.user_id, XRAY, ward.desk)
    before = deadlocks(ward)

    def call(number: int) -> str | None:
        try:
            return ward.call_next((BLOOD, XRAY)[number % 2], ward.desks[number % 2]).body["patient"]["user_id"]
        except QueueEmpty:
            return None

    with ThreadPoolExecutor(12) as pool:
        called = Counter(filter(None, pool.map(call, range(40))))
    assert set(called.values()) == {1}
    assert len(called) == 15
    assert deadlocks(ward) == before
    assert all(person.state == JourneyState.CALLED for person in people)


def test_two_desks_that_change_rooms_with_each_other_at_once_do_not_wait_for_ever(ward: Ward):
    rooms = dict(zip(ward.desks, ("R-101", "R-102"), strict=True))
    for desk, room_id in rooms.items():
        ward.run(begin_shift, desk, exam_id=BLOOD, room_id=room_id)
    before, both = deadlocks(ward), Barrier(2)

    def meet(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "insert into welno.shifts" in statement:
            with suppress(BrokenBarrierError):
                both.wait(1)

    def change(desk: JourneyActor) -> str:
        try:
            other = next(room_id for room_id in rooms.values() if room_id != rooms[desk])
            ward.run(begin_shift, desk, exam_id=XRAY, room_id=other)
        except RoomTaken:
            return "taken"
        return "done"

    event.listen(ward.stores.engine, "before_cursor_execute", meet)
    try:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(change, ward.desks)) == ["taken", "taken"]
    finally:
        event.remove(ward.stores.engine, "before_cursor_execute", meet)
    assert deadlocks(ward) == before


def test_one_person_called_by_name_by_two_desks_is_called_once(ward: Ward):
    queue_id = ward.patient().comes(JourneyState.WAITING).queue["queue_id"]

    def call(desk: JourneyActor) -> str:
        try:
            ward.call(queue_id, desk)
        except StateConflict as conflict:
            return str(conflict.details and conflict.details["state"])
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(call, ward.desks)) == ["called", "done"]


def test_the_last_one_waiting_is_not_missed_because_somebody_else_holds_them(ward: Ward):
    """A desk that finds everybody locked waits for the first of them."""
    person = ward.patient().comes(JourneyState.WAITING)
    blocked = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    with ThreadPoolExecutor(1) as pool:
        with ward.stores.sessions.begin() as session:
            session.execute(text("select 1 from welno.patient_states for update"))
            call = pool.submit(ward.call_next)
            wait_until(lambda: ward.rows(blocked))
        assert call.result(10).body["patient"]["user_id"] == str(person.user_id)


def hold(session: Session, people: list[Patient]) -> None:
    ids = [person.user_id for person in people]
    session.execute(text("select 1 from welno.patient_states where user_id = any(:ids) for update"), {"ids": ids})


def test_who_is_held_for_a_moment_is_not_overtaken(ward: Ward):
    """By whoever tells people their new places, all of the first ten at once."""
    people = joined(ward, 12)
    blocked = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    with ThreadPoolExecutor(1) as pool:
        with ward.stores.sessions.begin() as session:
            hold(session, people[:10])
            call = pool.submit(ward.call_next)
            wait_until(lambda: call.done() or ward.rows(blocked))
        assert call.result(10).body["queue"]["queue_number"] == 1


def test_who_is_held_for_long_keeps_nobody_else_waiting(ward: Ward):
    people = joined(ward, 12)
    with ward.stores.sessions.begin() as session:
        hold(session, people[:10])
        assert ward.call_next().body["queue"]["queue_number"] == 11


def test_two_desks_call_a_long_line_in_its_order_while_it_is_told(ward: Ward):
    people = joined(ward, 200)
    before = deadlocks(ward)
    refresher = LineRefresher(ward.stores.unit_of_work, ward.stores.settings.journey, ward.clock, RuleBasedEstimator())
    ended = Event()

    def tell() -> None:
        while not ended.is_set():
            refresher.refresh(BLOOD)

    def call(desk: JourneyActor) -> list[int]:
        return [ward.call_next(actor=desk).body["queue"]["queue_number"] for _ in range(100)]

    with ThreadPoolExecutor(3) as pool:
        telling = pool.submit(tell)
        try:
            first, second = pool.map(call, ward.desks)
        finally:
            ended.set()
        telling.result(60)
    assert sorted(first + second) == list(range(1, len(people) + 1))
    assert (first, second) == (sorted(first), sorted(second))
    assert deadlocks(ward) == before


@pytest.mark.parametrize("number", [2, 10])
def test_clicks_with_the_same_key_are_one(ward: Ward, number: int):
    person = ward.patient().comes(JourneyState.COMPLETED)
    with ThreadPoolExecutor(number) as pool:
        answers = list(pool.map(lambda _: person.act("make_payment", key="pay-1"), range(number)))
    assert answers == [answers[0]] * number
    assert person.state == JourneyState.PAYMENT


def test_two_clicks_without_key_or_state_are_one(ward: Ward):
    person = ward.patient().comes(JourneyState.COMPLETED)

    def pay(_: int) -> str:
        try:
            return person.act("make_payment")["journey_state"]
        except StateConflict as conflict:
            return str(conflict.details)

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(pay, range(2)))
    assert answers == ["PAYMENT", "{'journey_state': 'PAYMENT'}"]
    ward.advance(seconds=3)
    assert person.act("make_payment")["journey_state"] == "FINISHED"


def test_two_clicks_of_two_logins_are_two(ward: Ward):
    person = ward.patient().comes(JourneyState.COMPLETED)
    person.act("make_payment")
    other = JourneyActor(person.actor.role, person.user_id, uuid4())
    assert person.act("make_payment", by=other)["journey_state"] == "FINISHED"


def test_two_calls_of_the_next_with_one_key_call_one(ward: Ward):
    joined(ward, 2)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: ward.call_next(key="next-1"), range(2))
    assert first.body == second.body
    assert sorted([first.is_replayed, second.is_replayed]) == [False, True]
    assert len(ward.rows("select 1 from welno.queues where state = 'called'")) == 1


def test_a_key_is_of_one_call_alone_and_of_one_actor(ward: Ward):
    person = ward.patient().comes(JourneyState.COMPLETED)
    person.act("make_payment", key="k-1")
    with pytest.raises(KeyOfAnotherCall):
        person.act("leave_hospital", key="k-1")
    other = ward.patient().comes(JourneyState.COMPLETED)
    assert other.act("make_payment", key="k-1")["journey_state"] == "PAYMENT"


def test_a_refusal_is_not_stored(ward: Ward):
    person = ward.patient().comes(JourneyState.REGISTERED)
    with pytest.raises(JourneyError):
        person.act("make_payment", key="k-1")
    assert ward.rows("select 1 from welno.idempotency_keys") == []


def test_a_key_holds_for_a_day(ward: Ward):
    person = ward.patient().comes(JourneyState.COMPLETED)
    person.act("make_payment", key="k-1")
    ward.advance(hours=23)
    assert person.act("make_payment", key="k-1")["journey_state"] == "PAYMENT"
    ward.advance(hours=2)
    assert person.act("make_payment", key="k-1")["journey_state"] == "FINISHED"


def test_joins_and_calls_of_everybody_at_once_leave_no_deadlock(ward: Ward):
    before = deadlocks(ward)
    people = [ward.patient().comes(JourneyState.REGISTERED) for _ in range(20)]

    def walk(person: Patient) -> None:
        person.act("confirm_arrival", {"exam_id": BLOOD})
        ward.run(join_queue, person.user_id, XRAY, ward.desk)

    def call(number: int) -> None:
        try:
            found = ward.call_next((BLOOD, XRAY)[number % 2], ward.desks[number % 2]).body
        except QueueEmpty:
            return
        person = Patient(ward, UUID(found["patient"]["user_id"]))
        person.act("mark_no_show", by=ward.desk)

    with ThreadPoolExecutor(16) as pool:
        walking = [pool.submit(walk, person) for person in people]
        calling = [pool.submit(call, number) for number in range(40)]
        for done in (*walking, *calling):
            done.result(60)
    assert deadlocks(ward) == before
    numbers = [row.queue_number for row in ward.rows("select * from welno.queues where exam_id = :e", e=BLOOD)]
    assert sorted(numbers) == list(range(1, 21))
