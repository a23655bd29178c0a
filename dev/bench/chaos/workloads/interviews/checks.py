"""What must hold of interviews, whatever was killed: each ends, is paid once, and is told of as it happened."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from dev.bench.chaos.checker import Violation, check_answers, doubled, left_over, lost
from dev.bench.chaos.workloads.interviews.interview_history import InterviewHistory, RowStatus
from models.interviews import InterviewStatus
from models.interviews.status_changes import may_change

# What an answer may be: done, refused by the rules, or taken by another meanwhile. Nothing else, whatever was killed.
_EXPECTED = frozenset({200, 202, 204, 404, 409})
_OF_INTERVIEW = "interview:"
_ENDS = frozenset({InterviewStatus.COMPLETED, InterviewStatus.FAILED})


def check_interviews(history: InterviewHistory) -> list[Violation]:
    checks = (
        _check_uploads,
        _check_ends,
        _check_statuses,
        _check_bills,
        _check_log,
        _check_readers,
        _check_told,
        _check_members,
    )
    return [violation for check in checks for violation in check(history)]


def _check_uploads(history: InterviewHistory) -> Iterator[Violation]:
    for interview_id in history.accepted.keys() - history.stored.keys():
        yield lost(f"{interview_id} was accepted and is unknown")
    for interview_id in history.stored.keys() - history.accepted.keys():
        yield doubled(f"{interview_id} is there, and nobody was told so")
    for interview_id, project_id in history.accepted.items():
        if history.stored.get(interview_id, project_id) != project_id:
            yield doubled(f"{interview_id} is in another project than it was uploaded to")


def _check_ends(history: InterviewHistory) -> Iterator[Violation]:
    for interview_id in history.stored:
        last = history.statuses[interview_id][-1]
        if last.status not in _ENDS and not last.is_deleted:
            yield lost(f"{interview_id} stands at {last.status} in attempt {last.attempt}")
    yield from map(left_over, history.open_runs)


def _check_statuses(history: InterviewHistory) -> Iterator[Violation]:
    """By the rows themselves: a change that is not allowed, above all of what was completed."""
    for interview_id, statuses in history.statuses.items():
        for before, after in pairwise(statuses):
            if not _is_allowed(before, after):
                yield doubled(f"{interview_id} went from {tuple(before)} to {tuple(after)}")


def _is_allowed(before: RowStatus, after: RowStatus) -> bool:
    if before.status == after.status:
        return before.attempt == after.attempt
    # One that was under way when it was deleted comes back as failed.
    if before.is_deleted and not after.is_deleted:
        return after.status == InterviewStatus.FAILED and before.status not in _ENDS
    return may_change(InterviewStatus(before.status), InterviewStatus(after.status)) and not before.is_deleted


def _check_bills(history: InterviewHistory) -> Iterator[Violation]:
    for attempt, times in history.billed.items():
        if times > 1:
            yield doubled(f"{attempt.interview_id}: attempt {attempt.number} was billed {times} times")
        if attempt.number > history.statuses[attempt.interview_id][-1].attempt:
            yield doubled(f"{attempt.interview_id}: attempt {attempt.number} was billed and never began")


def _check_log(history: InterviewHistory) -> Iterator[Violation]:
    for project_id, last in history.ends.items():
        numbers = [seq for seq, _ in history.committed.get(project_id, ())]
        if numbers != list(range(1, last + 1)):
            yield lost(f"{project_id}: the log is not the numbers up to {last}")
    for subject in history.behind:
        yield lost(f"{subject}: its stream is behind the log")


def _check_readers(history: InterviewHistory) -> Iterator[Violation]:
    """Each event once, in order, as it is in the log."""
    for project_id, committed in history.committed.items():
        read = [(seq, event["type"], event["data"]) for seq, event in history.read.get(project_id, ())]
        logged = [(seq, body["type"], body["data"]) for seq, body in committed]
        if read != logged:
            at = next(
                (n for n, (one, other) in enumerate(zip(read, logged, strict=False)) if one != other), len(logged)
            )
            numbers = [seq for seq, *_ in read[max(at - 2, 0) : at + 3]]
            yield lost(
                f"{project_id}: its reader had {len(read)} of {len(logged)} events, around the first odd: {numbers}"
            )


def _check_told(history: InterviewHistory) -> Iterator[Violation]:
    """The events of an interview are the visible changes of its row: the same, each once, in the same order."""
    told: dict[str, list[RowStatus]] = {}
    for project_id, events in history.committed.items():
        for _, body in events:
            if not body["type"].startswith(_OF_INTERVIEW):
                continue
            interview_id = _interview_of(body)
            told.setdefault(interview_id, []).append(_status_of(body, told.get(interview_id, [])))
            if history.stored.get(interview_id) != project_id:
                yield doubled(f"{project_id} was told of {interview_id}, which is not in it")
    for interview_id, statuses in history.statuses.items():
        if told.get(interview_id, []) != (changes := _visible(list(statuses))):
            yield lost(f"{interview_id}: its events are not the changes of its row: {changes[-3:]}")


def _interview_of(body: dict[str, Any]) -> str:
    data = body["data"]
    return str(data["interview"]["id"] if "interview" in data else data["interviewId"])


def _status_of(body: dict[str, Any], before: list[RowStatus]) -> RowStatus:
    """As a browser would take it: of what an event does not say, the one before has told."""
    data, kind = body["data"], body["type"].removeprefix(_OF_INTERVIEW)
    if kind == "added":
        data = data["interview"]
        return RowStatus(data["workflow_status"], data["attempt"], data["revision"], is_deleted=False)
    if kind == "deleted":
        return RowStatus(before[-1].status, before[-1].attempt, data["revision"], is_deleted=True)
    status = data["status"] if kind == "status_changed" else kind
    return RowStatus(status, data["attempt"], data["revision"], is_deleted=False)


def _visible(statuses: list[RowStatus]) -> list[RowStatus]:
    """The revision counts what members see, and a transaction that raises it does so at its last write of the row.
    What was written after the last of them would be a change that nobody was told of."""
    first = {one.revision: one for one in reversed(statuses)}
    return [*reversed(list(first.values())[1:]), statuses[-1]]


def _check_members(history: InterviewHistory) -> Iterator[Violation]:
    yield from (doubled(sentence) for sentence in (*history.trespasses, *history.oddities))
    yield from check_answers(history.answers, history.unanswered, _EXPECTED)
