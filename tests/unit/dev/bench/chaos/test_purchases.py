"""Why records were bought twice: a holder that was killed or cut off, a cut answer, or a lost disk excuses it."""

import pytest

from dev.bench.chaos.faults import FaultKind, Harm, Injection
from dev.bench.chaos.history import WorkChange, WorkState
from dev.bench.chaos.workloads.collection.collection_history import BilledCall, CollectionHistory
from dev.bench.chaos.workloads.collection.purchases import RepeatReason, explain_repeats

SESSION, HOLDER, OTHER = "session", 7, 8


def bought_at(*moments: float, delivered: bool = True) -> CollectionHistory:
    """By the same process, which held the session all the time."""
    calls = [BilledCall(SESSION, "checkups", moment, was_delivered=delivered) for moment in moments]
    return CollectionHistory(billed=calls, work={SESSION: [WorkChange(1, WorkState.RUNNING, HOLDER, 1)]})


def reasons_of(history: CollectionHistory) -> list[RepeatReason]:
    return [repeat.reason for repeat in explain_repeats(history)]


def test_a_single_purchase_needs_no_reason():
    assert explain_repeats(bought_at(10)) == []


def test_a_call_after_the_answer_was_on_disk_is_never_excused():
    history = bought_at(10, 12)
    history.arrived = {(SESSION, "checkups"): [11.0]}
    history.injections = [Injection(FaultKind.WORKER, 10.5, "worker1", frozenset({HOLDER}))]
    [repeat] = explain_repeats(history)
    assert (repeat.reason, repeat.seconds, repeat.is_violation) == (RepeatReason.ON_DISK_ALREADY, 2, True)


@pytest.mark.parametrize(
    ("harm", "at", "over_at", "pid", "expected"),
    [
        (Harm.KILLED, 10.5, None, HOLDER, RepeatReason.HOLDER_KILLED),
        (Harm.KILLED, 10.5, None, OTHER, RepeatReason.UNEXPLAINED),
        (Harm.KILLED, 8.0, None, HOLDER, RepeatReason.UNEXPLAINED),
        (Harm.KILLED, 9.9, None, HOLDER, RepeatReason.HOLDER_KILLED),  # its request was on its way
        (Harm.KILLED, 12.5, None, HOLDER, RepeatReason.UNEXPLAINED),
        (Harm.PAUSED, 9.0, 15.0, HOLDER, RepeatReason.HOLDER_PAUSED),
        (Harm.CUT_OFF, 9.0, 15.0, HOLDER, RepeatReason.HOLDER_CUT_OFF),
        (Harm.HINDERED, 10.5, 11.0, HOLDER, RepeatReason.HOLDER_CUT_OFF),
        (Harm.CUT_OFF, 5.0, 9.5, HOLDER, RepeatReason.UNEXPLAINED),
        (Harm.CUT_OFF, 9.0, 15.0, OTHER, RepeatReason.UNEXPLAINED),
    ],
)
def test_the_fault_that_hit_the_holder_in_between_is_the_reason(
    harm: Harm, at: float, over_at: float | None, pid: int, expected: RepeatReason
):
    history = bought_at(10, 12)
    history.injections = [Injection(FaultKind.WORKER, at, "worker1", frozenset({pid}), over_at, harm=harm)]
    [repeat] = explain_repeats(history)
    assert repeat.reason == expected
    assert repeat.is_violation == (expected in {RepeatReason.UNEXPLAINED, RepeatReason.HOLDER_PAUSED})


@pytest.mark.parametrize(
    ("arrived", "lost_at", "expected"),
    [
        ([11.0], 11.5, RepeatReason.FILES_LOST),
        ([11.0], 10.9, RepeatReason.ON_DISK_ALREADY),
        ([11.0], 12.5, RepeatReason.ON_DISK_ALREADY),
        ([10.5, 11.6], 11.5, RepeatReason.ON_DISK_ALREADY),
    ],
)
def test_an_answer_that_was_lost_with_its_disk_may_be_bought_again(
    arrived: list[float], lost_at: float, expected: RepeatReason
):
    history = bought_at(10, 12)
    history.arrived = {(SESSION, "checkups"): arrived}
    history.injections = [Injection("objects_killed", lost_at, "objects-1", lost_files=True)]
    assert reasons_of(history) == [expected]


def test_an_answer_that_was_cut_has_to_be_bought_again():
    assert reasons_of(bought_at(10, 12, delivered=False)) == [RepeatReason.ANSWER_CUT]


def test_a_cut_answer_needs_no_holder_that_hung_to_explain_it():
    history = bought_at(10, 12, delivered=False)
    history.injections = [
        Injection(FaultKind.WORKER_PAUSED, 9.0, "worker1", frozenset({HOLDER}), 11.0, harm=Harm.PAUSED)
    ]
    assert reasons_of(history) == [RepeatReason.ANSWER_CUT]


def test_each_purchase_beyond_the_first_has_a_reason_of_its_own():
    history = bought_at(10, 12, 14)
    history.injections = [Injection(FaultKind.WORKER, 13, "worker1", frozenset({HOLDER}))]
    assert reasons_of(history) == [RepeatReason.UNEXPLAINED, RepeatReason.HOLDER_KILLED]


def test_a_holder_that_hung_for_less_than_its_call_may_take_excuses_nothing():
    history = bought_at(10, 12)
    history.injections = [
        Injection(FaultKind.WORKER_PAUSED, 9.0, "worker1", frozenset({HOLDER}), 15.0, harm=Harm.PAUSED)
    ]
    [repeat] = explain_repeats(history)
    assert repeat.is_violation
