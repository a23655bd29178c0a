"""The checker of interviews: each way to lose, double or leak something is seen, and a good history has none."""

from dataclasses import replace
from typing import Any

import pytest

from dev.bench.chaos.checker import ViolationKind
from dev.bench.chaos.workloads.interviews.checks import check_interviews
from dev.bench.chaos.workloads.interviews.interview_history import Attempt, InterviewHistory, RowStatus

LOST, DOUBLED, LEFT_OVER = ViolationKind.LOST, ViolationKind.DOUBLED, ViolationKind.LEFT_OVER
INTERVIEW, PROJECT, OTHER = "7f3b9c52", "0d2c4f6e", "1e3d5f70"
ADDED = {"interview": {"id": INTERVIEW, "workflow_status": "processing", "attempt": 1, "revision": 1}}
ANALYZING = {"interviewId": INTERVIEW, "status": "analyzing", "attempt": 1, "revision": 2}
COMPLETED = {"interviewId": INTERVIEW, "attempt": 1, "revision": 3}
EVENTS = [
    (1, {"type": "interview:added", "data": ADDED}),
    (2, {"type": "interview:status_changed", "data": ANALYZING}),
    (3, {"type": "interview:completed", "data": COMPLETED}),
]
STATUSES = [
    RowStatus("processing", 1, 1, is_deleted=False),
    RowStatus("analyzing", 1, 2, is_deleted=False),
    RowStatus("completed", 1, 3, is_deleted=False),
]
RETRIED = RowStatus("processing", 2, 4, is_deleted=False)


def good_history() -> InterviewHistory:
    """One interview that was analysed, told of to its project's reader, and paid for once."""
    return InterviewHistory(
        accepted={INTERVIEW: PROJECT},
        stored={INTERVIEW: PROJECT},
        statuses={INTERVIEW: STATUSES},
        committed={PROJECT: EVENTS},
        read={PROJECT: EVENTS},
        ends={PROJECT: 3},
        billed={Attempt(INTERVIEW, 1): 1},
        answers={200: 1, 404: 1},
    )


def kinds_of(history: InterviewHistory) -> set[ViolationKind]:
    return {violation.kind for violation in check_interviews(history)}


def test_a_good_history_has_no_violation():
    assert check_interviews(good_history()) == []


def test_what_a_project_is_told_of_itself_is_no_interview():
    costs = (4, {"type": "project:changed", "data": {"part": "costs"}})
    told = {PROJECT: [*EVENTS, costs]}
    assert check_interviews(replace(good_history(), committed=told, read=told, ends={PROJECT: 4})) == []


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("accepted", {INTERVIEW: PROJECT, "another": PROJECT}, LOST),
        ("accepted", {}, DOUBLED),
        ("accepted", {INTERVIEW: OTHER}, DOUBLED),
        ("statuses", {INTERVIEW: STATUSES[:2]}, LOST),
        ("statuses", {INTERVIEW: [*STATUSES, RETRIED]}, DOUBLED),
        ("committed", {PROJECT: EVENTS[1:]}, LOST),
        ("committed", {PROJECT: [*EVENTS, EVENTS[2]]}, LOST),
        ("read", {PROJECT: EVENTS[:2]}, LOST),
        ("read", {PROJECT: [*EVENTS, EVENTS[2]]}, LOST),
        ("read", {PROJECT: [EVENTS[1], EVENTS[0], EVENTS[2]]}, LOST),
        ("behind", ["project:1"], LOST),
        ("billed", {Attempt(INTERVIEW, 1): 2}, DOUBLED),
        ("billed", {Attempt(INTERVIEW, 2): 1}, DOUBLED),
        ("open_runs", ["a run"], LEFT_OVER),
        ("trespasses", ["seen"], DOUBLED),
        ("oddities", ["resync"], DOUBLED),
        ("unanswered", 1, LOST),
        ("answers", {500: 1}, DOUBLED),
    ],
)
def test_each_violation_is_seen(field: str, value: Any, kind: ViolationKind):
    assert kind in kinds_of(replace(good_history(), **{field: value}))


def test_an_event_of_another_project_is_seen():
    history = replace(good_history(), stored={INTERVIEW: OTHER}, accepted={INTERVIEW: OTHER})
    assert kinds_of(history) == {DOUBLED}


def test_a_deletion_and_a_restoring_during_the_analysis_are_no_violation():
    """The row is written twice before the revision is raised: marked as deleted, and only then counted."""
    deleted, restored = {"interviewId": INTERVIEW, "revision": 3}, {"id": INTERVIEW, "workflow_status": "failed"}
    told = {"interview": restored | {"attempt": 1, "revision": 4}}
    events = [
        *EVENTS[:2],
        (3, {"type": "interview:deleted", "data": deleted}),
        (4, {"type": "interview:added", "data": told}),
    ]
    statuses = [
        *STATUSES[:2],
        RowStatus("analyzing", 1, 2, is_deleted=True),
        RowStatus("analyzing", 1, 3, is_deleted=True),
        RowStatus("failed", 1, 3, is_deleted=False),
        RowStatus("failed", 1, 4, is_deleted=False),
    ]
    history = replace(good_history(), statuses={INTERVIEW: statuses}, committed={PROJECT: events}, ends={PROJECT: 4})
    assert check_interviews(replace(history, read={PROJECT: events})) == []


def test_a_status_that_nobody_was_told_of_is_seen():
    statuses = [*STATUSES[:2], RowStatus("failed", 1, 2, is_deleted=False)]
    history = replace(
        good_history(), statuses={INTERVIEW: statuses}, committed={PROJECT: EVENTS[:2]}, ends={PROJECT: 2}
    )
    assert kinds_of(replace(history, read={PROJECT: EVENTS[:2]})) == {LOST}
