"""The status machine of an interview, as one table."""

from collections.abc import Mapping

from models.interviews.interviews import InterviewStatus

STATUS_CHANGES: Mapping[InterviewStatus, frozenset[InterviewStatus]] = {
    InterviewStatus.PROCESSING: frozenset({InterviewStatus.ANALYZING, InterviewStatus.FAILED}),
    InterviewStatus.ANALYZING: frozenset({InterviewStatus.COMPLETED, InterviewStatus.FAILED}),
    InterviewStatus.FAILED: frozenset({InterviewStatus.PROCESSING}),
    InterviewStatus.COMPLETED: frozenset(),
}


def may_change(before: InterviewStatus, after: InterviewStatus) -> bool:
    """`completed` is final."""
    return after in STATUS_CHANGES[before]
