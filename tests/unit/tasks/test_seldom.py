"""What is done in few rounds only: due at once, late again after it was done, sooner after it failed."""

from tasks.processes.seldom import Seldom


def rounds_due(seldom: Seldom, rounds: int, *, done: bool) -> list[int]:
    due = []
    for number in range(rounds):
        if seldom.is_due():
            due.append(number)
            if done:
                seldom.note_done()
    return due


def test_what_is_done_is_due_in_the_first_round_and_after_so_many():
    assert rounds_due(Seldom(every=10, again_after=3), 25, done=True) == [0, 10, 20]


def test_what_fails_is_due_sooner_and_not_in_the_next_round():
    assert rounds_due(Seldom(every=10, again_after=3), 8, done=False) == [0, 3, 6]


def test_what_succeeds_after_a_failure_is_late_again():
    seldom = Seldom(every=10, again_after=3)
    assert rounds_due(seldom, 1, done=False) == [0]
    assert rounds_due(seldom, 15, done=True) == [2, 12]
