"""What is done in few rounds only: due at once, late again after it was done, sooner after it failed."""

from tasks.processes.round_schedule import RoundSchedule


def rounds_due(schedule: RoundSchedule, rounds: int, *, done: bool) -> list[int]:
    due = []
    for number in range(rounds):
        if schedule.is_due():
            due.append(number)
            if done:
                schedule.note_done()
    return due


def test_what_is_done_is_due_in_the_first_round_and_after_so_many():
    assert rounds_due(RoundSchedule(every=10, retry_after=3), 25, done=True) == [0, 10, 20]


def test_what_fails_is_due_sooner_and_not_in_the_next_round():
    assert rounds_due(RoundSchedule(every=10, retry_after=3), 8, done=False) == [0, 3, 6]


def test_what_succeeds_after_a_failure_is_late_again():
    schedule = RoundSchedule(every=10, retry_after=3)
    assert rounds_due(schedule, 1, done=False) == [0]
    assert rounds_due(schedule, 15, done=True) == [2, 12]
