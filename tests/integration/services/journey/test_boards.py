"""What staff see of a line, and what a hall's screen shows of it."""

from typing import Any

import orjson
from sqlalchemy import event
from sqlalchemy.orm import Session

from models.journey import Exam, JourneyState
from services.journey.boards import Board, HospitalMoment, board_body, read_board, read_boards, read_names
from services.journey.estimates import RuleBasedEstimator
from services.journey.halls import hall_rows, list_displays, read_hall
from services.journey.wait_errors import WaitErrors
from tests.integration.services.journey.hospital import DAY_BEGINS, NOW, Hospital, minutes

MOMENT = HospitalMoment(NOW, DAY_BEGINS, 5)
ESTIMATOR = RuleBasedEstimator()


def board_of(hospital: Hospital, exam: Exam) -> Board:
    board = read_board(hospital.session, exam.exam_id, ESTIMATOR, MOMENT)
    assert board is not None
    return board


def statements_of(session: Session, exam_ids: list[str]) -> int:
    counted: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        counted.append(statement)

    session.flush()
    session.expunge_all()
    event.listen(session.connection(), "before_cursor_execute", count)
    read_boards(session, exam_ids, ESTIMATOR, MOMENT)
    event.remove(session.connection(), "before_cursor_execute", count)
    return len(counted)


def test_a_board_shows_who_is_inside_then_called_then_waiting(hospital: Hospital):
    exam = hospital.exam()
    states = ("waiting", "called", "in_progress", "delayed")
    entries = {state: hospital.entry(exam, state=state) for state in states}
    body = board_body(board_of(hospital, exam))
    assert [queue["queue_id"] for queue in body["queues"]] == [
        entries[state].queue_id for state in ("in_progress", "called", "waiting", "delayed")
    ]
    assert [queue["estimate"] is None for queue in body["queues"]] == [True, True, False, False]


def test_an_entry_says_how_long_it_waited_and_why_it_comes_first(hospital: Hospital):
    exam = hospital.exam()
    times = {"joined_at": NOW - minutes(7.5), "priority": 1, "priority_reason": "elderly"}
    hospital.entry(exam, hospital.visitor(name="김하늘"), **times)
    board = board_of(hospital, exam)
    [queue] = board_body(board, read_names(hospital.session, board))["queues"]
    assert (queue["waited_minutes"], queue["priority"], queue["priority_reason"]) == (7, 1, "elderly")
    assert queue["patient"]["name"] == "김하늘"


def test_without_names_a_board_says_nothing_of_who_they_are(hospital: Hospital):
    exam = hospital.exam()
    person = hospital.visitor(name="김하늘")
    hospital.entry(exam, person)
    text = orjson.dumps(board_body(board_of(hospital, exam))).decode()
    assert "김하늘" not in text
    assert str(person.user_id) not in text


def test_open_shifts_are_shown_with_their_rooms(hospital: Hospital):
    exam, other = hospital.exam("EX-A"), hospital.exam("EX-B")
    shift = hospital.shift(exam)
    hospital.shift(exam, other.room_id, ended_at=NOW)
    [shown] = board_body(board_of(hospital, exam))["shifts"]
    assert (shown["shift_id"], shown["staff"]["name"], shown["room"]["room_id"]) == (
        shift.shift_id,
        "김간호",
        exam.room_id,
    )


def test_what_people_were_told_is_judged_by_the_day(hospital: Hospital):
    exam = hospital.exam()
    for waited in (6, 10, 20):
        told = {"predicted_wait_minutes": 10, "predicted_low_minutes": 5, "predicted_high_minutes": 15}
        hospital.entry(exam, state="completed", joined_at=NOW - minutes(waited), called_at=NOW, **told)
    assert board_of(hospital, exam).errors == WaitErrors(calls=3, median_error=4.0, bias=-2.0, coverage=0.67)


def test_long_and_many_lines_take_as_many_statements_as_one_person(hospital: Hospital):
    short, long = hospital.exam("EX-A"), hospital.exam("EX-B")
    hospital.entry(short)
    for _ in range(60):
        hospital.entry(long)
    hospital.shift(long)
    exam_ids = [short.exam_id, long.exam_id]
    assert statements_of(hospital.session, exam_ids[:1]) == statements_of(hospital.session, exam_ids) == 5


def test_an_unknown_exam_has_no_board(hospital: Hospital):
    assert read_board(hospital.session, "EX-GONE", ESTIMATOR, MOMENT) is None


def test_a_hall_shows_numbers_and_nothing_of_whom_or_what_for(hospital: Hospital):
    exam = hospital.exam(title="대장 내시경", display_title="검사 4")
    person = hospital.visitor(name="김하늘")
    called = hospital.entry(exam, person, state="called", called_at=NOW, call_count=2, priority_reason="infection")
    waiting = [hospital.entry(exam) for _ in range(7)]
    hospital.entry(exam, state="delayed")
    display = hospital.display("none", exam)
    hall = read_hall(hospital.session, display, ESTIMATOR, MOMENT)
    assert hall == {
        "rooms": [
            {
                "exam_id": exam.exam_id,
                "display_title": "검사 4",
                "room": {"room_id": exam.room_id, "title": "EX-BLOOD실", "floor": 1},
                "calling": [{"queue_number": called.queue_number, "since": NOW, "call_count": 2}],
                "next": [entry.queue_number for entry in waiting[:5]],
                "waiting_count": 7,
                "estimated_wait_time": 75,
            }
        ],
        "updated_at": NOW,
    }
    text = orjson.dumps(hall).decode()
    assert not [word for word in ("김하늘", "내시경", "infection", str(person.user_id)) if word in text]


def test_who_is_called_elsewhere_is_not_among_the_next(hospital: Hospital):
    exam = hospital.exam()
    for state in (JourneyState.CALLED, JourneyState.IN_PROGRESS):
        hospital.entry(exam, hospital.visitor(state))
    here = hospital.entry(exam)
    [row] = hall_rows(board_of(hospital, exam))
    assert (row["next"], row["waiting_count"]) == ([here.queue_number], 3)


def test_each_room_that_is_worked_in_has_a_row_with_its_calls(hospital: Hospital):
    exam, other = hospital.exam("EX-A"), hospital.exam("EX-B")
    hospital.shift(exam)
    hospital.shift(exam, other.room_id)
    older = hospital.entry(exam, state="called", room_id=other.room_id, called_at=NOW - minutes(1))
    newer = hospital.entry(exam, state="called", room_id=other.room_id, called_at=NOW)
    unknown = hospital.entry(exam, state="called", called_at=NOW)
    rows = hall_rows(board_of(hospital, exam))
    assert [[call["queue_number"] for call in row["calling"]] for row in rows] == [
        [unknown.queue_number],
        [newer.queue_number, older.queue_number],
    ]
    assert [row["room"]["room_id"] for row in rows] == [exam.room_id, other.room_id]


def test_who_was_called_without_a_room_is_expected_in_the_exams(hospital: Hospital):
    """As their phone says: by an admin without a shift, while another room is worked in."""
    exam, other = hospital.exam("EX-A"), hospital.exam("EX-B")
    hospital.shift(exam, other.room_id)
    elsewhere = hospital.exam("EX-C").room_id
    by_default = hospital.entry(exam, state="called", called_at=NOW)
    hospital.entry(exam, state="called", called_at=NOW, room_id=elsewhere)
    hospital.entry(exam)
    board = board_of(hospital, exam)
    assert [queue["room_id"] for queue in board_body(board)["queues"]] == [exam.room_id, elsewhere, exam.room_id]
    shown = {row["room"]["room_id"]: [call["queue_number"] for call in row["calling"]] for row in hall_rows(board)}
    assert shown == {
        other.room_id: [],
        exam.room_id: [by_default.queue_number],
        elsewhere: [by_default.queue_number + 1],
    }


def test_an_exam_without_a_room_shows_its_calls_all_the_same(hospital: Hospital):
    exam = hospital.exam(room_id=None)
    called = hospital.entry(exam, state="called", called_at=NOW)
    board = board_of(hospital, exam)
    [row] = hall_rows(board)
    assert (row["room"], row["calling"][0]["queue_number"]) == (None, called.queue_number)
    assert board_body(board)["queues"][0]["room_id"] is None


def test_a_repeated_call_is_shown_before_those_made_since(hospital: Hospital):
    exam = hospital.exam()
    repeated = hospital.entry(exam, state="called", called_at=NOW - minutes(3), call_count=2)
    hospital.notification(repeated, "call_repeated", created_at=NOW)
    newer = hospital.entry(exam, state="called", called_at=NOW - minutes(1))
    [row] = hall_rows(board_of(hospital, exam))
    assert [call["queue_number"] for call in row["calling"]] == [repeated.queue_number, newer.queue_number]


def test_screens_are_found_by_what_they_show(hospital: Hospital):
    first, second = hospital.exam("EX-A"), hospital.exam("EX-B")
    both = hospital.display("none", first, second)
    hospital.display("none", second, revoked_at=NOW)
    only = hospital.display("none", second)
    assert list_displays(hospital.session, ["EX-A"]) == [both]
    assert {one.display_id for one in list_displays(hospital.session, ["EX-B"])} == {both.display_id, only.display_id}
