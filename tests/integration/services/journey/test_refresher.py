"""Whoever was moved by others is told, the boards and halls are told, and nobody else."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import event, select, text, update

from core.clock import Clock, clock
from core.names import exam_subject, hall_subject, queue_subject
from models.accounts import Account
from models.journey import Exam, PatientState, QueueEntry
from services.journey.estimates import RuleBasedEstimator
from services.journey.refresher import LineRefresher, list_exams, list_lively
from services.stores import Stores
from tests.integration.services.journey.hospital import NOW, Hospital


@pytest.fixture
def stopped_clock() -> Iterator[Clock]:
    with clock.frozen(NOW) as stopped:
        yield stopped


@dataclass
class Ward:
    """A line, its refresher, and what it has told."""

    stores: Stores
    refresher: LineRefresher
    exam: Exam
    seconds: float = 1_000.0

    def change(self, change: Callable[[Hospital], Any]) -> Any:
        """In a committed transaction."""
        with self.stores.sessions.begin() as session:
            session.expire_on_commit = False
            return change(Hospital(session))

    def join(self, count: int, **changes: Any) -> list[QueueEntry]:
        first = 1 + self.change(lambda hospital: hospital.session.query(QueueEntry).count())
        places = range(first, first + count)
        return self.change(
            lambda hospital: [
                hospital.entry(self.exam, **({"queue_number": place, "place": place} | changes)) for place in places
            ]
        )

    def set_entry(self, entry: QueueEntry, **values: Any) -> None:
        change = update(QueueEntry).where(QueueEntry.queue_id == entry.queue_id).values(**values)
        self.change(lambda hospital: hospital.session.execute(change))

    def refresh(self) -> bool:
        return self.refresher.refresh(self.exam.exam_id)

    def told(self, subject: str) -> list[dict[str, Any]]:
        with self.stores.sessions() as session:
            query = "select body from welno.welno_events where subject = :subject order by seq"
            return [orjson.loads(row.body) for row in session.execute(text(query), {"subject": subject})]

    def positions(self, entry: QueueEntry) -> list[int]:
        return [event["data"]["position"] for event in self.told(queue_subject(entry.queue_id))]


@pytest.fixture
def ward(stores: Stores, stopped_clock: Clock) -> Ward:
    settings = stores.settings.journey
    refresher = LineRefresher(stores.unit_of_work, settings, stopped_clock, RuleBasedEstimator())
    with stores.sessions.begin() as session:
        exam = Hospital(session).exam()
        session.expunge(exam)
    made = Ward(stores, refresher, exam)
    refresher.monotonic = lambda: made.seconds
    return made


def test_everybody_is_told_their_place_once(ward: Ward):
    entries = ward.join(3)
    ward.refresh()
    ward.refresh()
    assert [ward.positions(entry) for entry in entries] == [[1], [2], [3]]


def test_a_line_that_grows_while_it_is_looked_at_is_told_as_it_was(ward: Ward):
    ward.join(1)
    waiting = [lambda: ward.join(1)]

    def grow(*_: Any) -> None:
        if waiting:
            waiting.pop()()

    event.listen(ward.stores.engine, "after_cursor_execute", grow)
    try:
        ward.refresh()
    finally:
        event.remove(ward.stores.engine, "after_cursor_execute", grow)
    assert [one["data"]["waiting_count"] for one in ward.told(exam_subject(ward.exam.exam_id))] == [1]
    ward.refresh()
    assert [one["data"]["waiting_count"] for one in ward.told(exam_subject(ward.exam.exam_id))] == [1, 2]


def test_a_call_moves_those_behind_and_is_told_to_them(ward: Ward):
    first, second, third = ward.join(3)
    ward.refresh()
    ward.set_entry(first, state="called", called_at=NOW)
    ward.refresh()
    assert [ward.positions(entry) for entry in (first, second, third)] == [[1], [2, 1], [3, 2]]
    with ward.stores.sessions() as session:
        kept = session.get_one(QueueEntry, second.queue_id)
        assert (kept.told_position, kept.estimated_wait_time) == (1, 5)


def test_screens_are_told_before_the_people_whom_a_call_moves(ward: Ward):
    """A line may be long: the hall does not wait until all of it has been told."""
    first, *others = ward.join(5)
    ward.refresh()
    ward.set_entry(first, state="called", called_at=NOW)
    with ward.stores.sessions.begin() as session:
        before = session.scalar(text("select clock_timestamp()"))
    ward.refresh()
    query = text("select subject from welno.welno_events where created_at > :before order by created_at, subject")
    with ward.stores.sessions() as session:
        told = list(session.scalars(query, {"before": before}))
    assert told[0] == exam_subject(ward.exam.exam_id)
    assert sorted(told[1:]) == sorted(queue_subject(entry.queue_id) for entry in others)


def test_who_was_told_that_already_hears_nothing(ward: Ward):
    [entry] = ward.join(1, told_position=1, estimated_wait_time=0)
    ward.refresh()
    assert ward.positions(entry) == []


def test_the_first_ten_are_told_at_once_and_the_rest_now_and_then(ward: Ward):
    entries = ward.join(12)
    ward.refresh()
    ward.set_entry(entries[0], state="completed")
    ward.refresh()
    assert [len(ward.positions(entry)) for entry in entries] == [1, *[2] * 10, 1]
    ward.seconds += 9
    ward.refresh()
    assert ward.positions(entries[-1]) == [12, 11]


def test_a_person_who_is_being_changed_is_left_for_the_next_time(ward: Ward):
    busy, free = ward.join(2)
    with ward.stores.sessions() as session:
        session.execute(select(PatientState).where(PatientState.user_id == busy.user_id).with_for_update())
        ward.refresh()
        assert [ward.positions(entry) for entry in (busy, free)] == [[], [2]]
    ward.refresh()
    assert [ward.positions(entry) for entry in (busy, free)] == [[1], [2]]


def test_many_people_are_told_in_several_transactions(ward: Ward):
    entries = ward.join(120)
    ward.refresh()
    with ward.stores.sessions() as session:
        query = text("select count(distinct xmin::text) from welno.queues")
        assert session.scalar(query) == 3
    assert ward.positions(entries[-1]) == [120]


def test_the_line_is_told_without_names_and_only_what_is_news(ward: Ward, stopped_clock: Clock):
    [entry] = ward.join(1)
    ward.refresh()
    stopped_clock.advance(timedelta(minutes=3))  # everybody has waited longer, which is no news
    ward.refresh()
    ward.set_entry(entry, state="called", called_at=NOW)
    ward.refresh()
    told = ward.told(exam_subject(ward.exam.exam_id))
    assert [[queue["state"] for queue in event["data"]["queues"]] for event in told] == [["waiting"], ["called"]]
    assert "시연001" not in orjson.dumps(told).decode()


def test_of_a_long_line_its_beginning_is_told(ward: Ward):
    ward.join(40)
    ward.refresh()
    [event] = ward.told(exam_subject(ward.exam.exam_id))
    assert (len(event["data"]["queues"]), event["data"]["waiting_count"]) == (30, 40)


def test_of_many_who_are_called_those_of_the_last_calls_are_told(ward: Ward):
    """Nobody starts whom they have called: by noon there are hundreds, and one frame holds no more than so many."""
    display = ward.change(lambda hospital: hospital.display("none", ward.exam, display_id="HALL-1"))
    called = ward.join(300, state="called", called_at=NOW - timedelta(minutes=5), room_id=ward.exam.room_id)
    waiting = ward.join(40)
    ward.set_entry(called[-1], called_at=NOW)
    ward.refresh()
    [event] = ward.told(exam_subject(ward.exam.exam_id))
    states = [queue["state"] for queue in event["data"]["queues"]]
    assert (states.count("called"), states.count("waiting")) == (60, 30)
    assert (event["data"]["inside_count"], event["data"]["waiting_count"]) == (300, 40)
    assert str(called[-1].queue_id) in {queue["queue_id"] for queue in event["data"]["queues"]}
    [hall] = ward.told(hall_subject(display.display_id))
    assert len(hall["data"]["rooms"][0]["calling"]) == 10
    assert ward.positions(waiting[0]) == [1]


def test_a_screen_that_cannot_be_told_keeps_nobody_else_back(ward: Ward):
    display = ward.change(lambda hospital: hospital.display("none", ward.exam, display_id="HALL-1"))
    ward.change(lambda hospital: hospital.shift(ward.exam))
    ward.change(lambda hospital: hospital.session.execute(update(Account).values(name="긴" * 30_000)))
    [entry] = ward.join(1)
    assert ward.refresh()
    assert ward.told(exam_subject(ward.exam.exam_id)) == []
    assert len(ward.told(hall_subject(display.display_id))) == 1
    assert ward.positions(entry) == [1]


def test_a_hall_is_told_of_all_its_lines(ward: Ward):
    other = ward.change(lambda hospital: hospital.exam("EX-OTHER"))
    ward.change(lambda hospital: hospital.entry(other))
    display = ward.change(lambda hospital: hospital.display("none", ward.exam, other, display_id="HALL-1"))
    ward.change(lambda hospital: hospital.display("none", other, display_id="HALL-2"))
    [entry] = ward.join(1, queue_number=77)
    ward.refresh()
    ward.set_entry(entry, state="called", called_at=NOW)
    ward.refresh()
    first, second = ward.told(hall_subject(display.display_id))
    assert [room["waiting_count"] for room in first["data"]["rooms"]] == [1, 1]
    assert [call["queue_number"] for call in second["data"]["rooms"][0]["calling"]] == [77]
    assert ward.told(hall_subject("HALL-2")) == []


def test_a_line_wants_to_be_looked_at_while_somebody_is_in_it_or_at_work(ward: Ward, stores: Stores):
    assert not ward.refresh()
    [entry] = ward.join(1)
    assert ward.refresh()
    with stores.sessions() as session:
        assert list_lively(session) == {ward.exam.exam_id}
    ward.set_entry(entry, state="completed")
    assert not ward.refresh()
    ward.change(lambda hospital: hospital.shift(ward.exam))
    assert ward.refresh()
    assert not ward.refresher.refresh("EX-GONE")
    with stores.sessions() as session:
        assert list_exams(session) == {ward.exam.exam_id}


def test_one_that_stood_still_tells_no_older_picture_after_a_newer(ward: Ward, stores: Stores):
    """It still takes itself for the leader, as it has slept over the end of its lease."""
    subject = exam_subject(ward.exam.exam_id)
    other = LineRefresher(stores.unit_of_work, stores.settings.journey, ward.refresher.clock, RuleBasedEstimator())
    counts = lambda: [one["data"]["waiting_count"] for one in ward.told(subject)]  # noqa: E731
    ward.join(1)
    ward.refresh()
    ward.join(1)
    tell_screens, waiting = ward.refresher._tell_screens, [True]

    def tell_late(*pictures: Any) -> bool:
        if waiting:
            waiting.pop()
            ward.join(1)
            other.refresh(ward.exam.exam_id)
        return tell_screens(*pictures)

    ward.refresher._tell_screens = tell_late  # type: ignore[method-assign]
    ward.refresh()
    assert counts() == [1, 3, 3]
    # And the other notices in its turn.
    ward.join(1)
    other.refresh(ward.exam.exam_id)
    assert counts() == [1, 3, 3, 4]


def test_what_another_has_told_meanwhile_is_told_over_though_the_line_is_as_it_was(ward: Ward, stores: Stores):
    """A leader that was away while its successor told of somebody who came and went: to itself nothing was news."""
    display = ward.change(lambda hospital: hospital.display("none", ward.exam, display_id="HALL-1"))
    other = LineRefresher(stores.unit_of_work, stores.settings.journey, ward.refresher.clock, RuleBasedEstimator())
    ward.join(1)
    ward.refresh()
    [guest] = ward.join(1)
    other.refresh(ward.exam.exam_id)
    ward.set_entry(guest, state="completed")
    ward.refresh()
    boards = ward.told(exam_subject(ward.exam.exam_id))
    halls = ward.told(hall_subject(display.display_id))
    assert [one["data"]["waiting_count"] for one in boards] == [1, 2, 1]
    assert [one["data"]["rooms"][0]["waiting_count"] for one in halls] == [1, 2, 1]
    ward.refresh()
    assert len(ward.told(exam_subject(ward.exam.exam_id))) == 3


def test_two_who_tell_at_once_neither_block_nor_tell_twice(ward: Ward, stores: Stores):
    """As in the moment after a leader hung."""
    entries = ward.join(60)
    settings = stores.settings.journey
    others = [LineRefresher(stores.unit_of_work, settings, stores.clock, RuleBasedEstimator()) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda other: other.refresh(ward.exam.exam_id), others))
    ward.refresh()
    assert {len(ward.positions(entry)) for entry in entries} == {1}
