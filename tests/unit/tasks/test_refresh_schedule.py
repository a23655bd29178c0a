"""When a line is looked at."""

from tasks.processes.refresh_schedule import RefreshSchedule


def looked(schedule: RefreshSchedule, exam_id: str, at: float, *, is_lively: bool = True) -> None:
    schedule.note_looked(exam_id, at, is_lively=is_lively)


def test_a_woken_line_is_looked_at_at_once_and_once():
    schedule = RefreshSchedule()
    schedule.wake("EX-A")
    assert schedule.take_due(100, is_alone=False) == ["EX-A"]
    looked(schedule, "EX-A", 100)
    assert schedule.take_due(101, is_alone=False) == []


def test_a_line_is_looked_at_no_more_than_five_times_a_second():
    schedule = RefreshSchedule()
    looked(schedule, "EX-A", 100)
    schedule.wake("EX-A")
    assert schedule.take_due(100.1, is_alone=False) == []
    assert schedule.pause_seconds(100.1, 1.0) < 0.11
    assert schedule.take_due(100.21, is_alone=False) == ["EX-A"]


def test_the_clock_looks_after_lines_with_people_only():
    schedule = RefreshSchedule()
    schedule.note_lively({"EX-A", "EX-B"})
    for exam_id in schedule.take_due(100, is_alone=False):
        looked(schedule, exam_id, 100, is_lively=exam_id == "EX-A")
    assert schedule.take_due(104, is_alone=False) == []
    assert schedule.take_due(105, is_alone=False) == ["EX-A"]


def test_without_wakes_the_clock_looks_every_second():
    schedule = RefreshSchedule()
    looked(schedule, "EX-A", 100)
    assert schedule.take_due(101, is_alone=True) == ["EX-A"]


def test_what_was_not_looked_at_stays_due_and_the_longest_unseen_comes_first():
    schedule = RefreshSchedule()
    looked(schedule, "EX-A", 100)
    looked(schedule, "EX-B", 99)
    assert schedule.take_due(110, is_alone=False) == schedule.take_due(111, is_alone=False) == ["EX-B", "EX-A"]


def test_a_woken_line_comes_before_all_that_the_clock_has_found():
    schedule = RefreshSchedule()
    for exam_id, at in (("EX-A", 90), ("EX-B", 91), ("EX-C", 92)):
        looked(schedule, exam_id, at)
    schedule.wake("EX-C")
    taken = []
    while due := schedule.take_due(100, is_alone=False, most=1):
        assert schedule.pause_seconds(100, 1.0) == 0
        taken += due
        looked(schedule, due[0], 100)
    assert taken == ["EX-C", "EX-A", "EX-B"]
    assert schedule.pause_seconds(100, 1.0) == 1.0


def test_nothing_to_do_is_waited_for_no_longer_than_wanted():
    assert RefreshSchedule().pause_seconds(100, 1.0) == 1.0
