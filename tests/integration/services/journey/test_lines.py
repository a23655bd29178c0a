"""In which order people are called, and what each is told of it."""

from datetime import timedelta

from models.journey import Exam, QueueEntry
from services.journey.estimates import Estimate, EstimateBasis
from services.journey.line_events import queue_update_body
from services.journey.lines import LineEntry, read_lines
from tests.integration.services.journey.hospital import NOW, TODAY, Hospital, minutes

LIMIT = 5


def line_of(hospital: Hospital, exam: Exam) -> list[LineEntry]:
    return read_lines(hospital.session, [exam.exam_id], LIMIT)[exam.exam_id]


def order(hospital: Hospital, exam: Exam) -> list[int]:
    return [entry.queue_number for entry in line_of(hospital, exam)]


def numbers(*entries: QueueEntry) -> list[int]:
    return [entry.queue_number for entry in entries]


def overtake(hospital: Hospital, exam: Exam, times: int) -> None:
    """So many people of greater places are called, and done."""
    for _ in range(times):
        hospital.entry(exam, state="completed", called_at=NOW + minutes(1))


def test_a_line_is_in_the_order_of_places(hospital: Hospital):
    exam = hospital.exam()
    entries = [hospital.entry(exam) for _ in range(3)]
    tail = hospital.entry(exam, place=1_000)
    later = hospital.entry(exam)
    assert order(hospital, exam) == numbers(*entries, later, tail)


def test_priority_comes_before_place_and_an_earlier_day_before_both(hospital: Hospital):
    exam = hospital.exam()
    plain = hospital.entry(exam)
    old = hospital.entry(exam, priority=1)
    urgent = hospital.entry(exam, priority=3)
    yesterday = hospital.entry(exam, service_date=TODAY - timedelta(days=1))
    assert order(hospital, exam) == numbers(yesterday, urgent, old, plain)


def test_who_was_overtaken_five_times_waits_no_longer_than_for_emergencies(hospital: Hospital):
    exam = hospital.exam()
    patient = hospital.entry(exam)
    overtake(hospital, exam, LIMIT - 1)
    urgent, old = hospital.entry(exam, priority=3), hospital.entry(exam, priority=2)
    assert order(hospital, exam) == numbers(urgent, old, patient)
    overtake(hospital, exam, 1)
    assert order(hospital, exam) == numbers(urgent, patient, old)


def test_calls_of_before_a_place_was_taken_overtook_nobody(hospital: Hospital):
    exam = hospital.exam()
    tail = hospital.entry(exam, place_since=NOW + minutes(2))
    overtake(hospital, exam, LIMIT)
    old = hospital.entry(exam, priority=1)
    assert order(hospital, exam) == numbers(old, tail)


def test_a_call_at_an_earlier_place_of_its_own_overtook_nobody(hospital: Hospital):
    exam = hospital.exam()
    patient = hospital.entry(exam)
    for _ in range(LIMIT):  # called, not there, and at the tail since
        hospital.entry(exam, state="cancelled", called_at=NOW + minutes(1), place_since=NOW + minutes(2))
    old = hospital.entry(exam, priority=1)
    assert order(hospital, exam) == numbers(old, patient)


def test_some_of_a_line_have_their_places_among_all(hospital: Hospital):
    exam = hospital.exam()
    entries = [hospital.entry(exam) for _ in range(3)]
    some = read_lines(hospital.session, [exam.exam_id], LIMIT, only=[entries[2].queue_id])
    assert [entry.position for entry in some[exam.exam_id]] == [3]
    assert read_lines(hospital.session, [exam.exam_id], LIMIT, only=[]) == {exam.exam_id: []}


def test_positions_count_who_waits_and_nobody_who_is_delayed(hospital: Hospital):
    exam = hospital.exam()
    for state in ("waiting", "delayed", "waiting", "called", "in_progress", "completed", "no_show"):
        hospital.entry(exam, state=state)
    assert [(entry.state, entry.position, entry.ahead) for entry in line_of(hospital, exam)] == [
        ("in_progress", 0, 0),
        ("called", 0, 0),
        ("waiting", 1, 0),
        ("delayed", 2, 1),
        ("waiting", 2, 1),
    ]


def test_many_lines_are_read_at_once(hospital: Hospital):
    first, second = hospital.exam("EX-A"), hospital.exam("EX-B")
    entries = [hospital.entry(exam) for exam in (first, second, first)]
    hospital.exam("EX-C")
    lines = read_lines(hospital.session, ["EX-A", "EX-B", "EX-C"], LIMIT)
    assert {exam_id: [entry.queue_number for entry in line] for exam_id, line in lines.items()} == {
        "EX-A": numbers(entries[0], entries[2]),
        "EX-B": numbers(entries[1]),
        "EX-C": [],
    }


def test_an_update_tells_place_and_wait_and_nothing_of_the_person(hospital: Hospital):
    exam = hospital.exam()
    hospital.entry(exam)
    row = hospital.entry(exam)
    entry = line_of(hospital, exam)[1]
    assert queue_update_body(entry, Estimate(10, 5, 15, EstimateBasis.FIXED), NOW)["data"] == {
        "queue_id": str(row.queue_id),
        "state": "waiting",
        "queue_number": row.queue_number,
        "position": 2,
        "ahead": 1,
        "estimated_wait_time": 10,
        "estimate": {"minutes": 10, "low": 5, "high": 15, "basis": "fixed"},
        "updated_at": NOW.isoformat(),
    }
