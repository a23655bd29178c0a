"""How an interview changes its status while it is analysed, and what the project is told of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.logs import get_logger
from models.interviews import InterviewStatus
from services.interviews.analysis_failures import AnalysisFailure
from services.interviews.changing import note_change
from services.interviews.events import tell_completed, tell_failed, tell_status
from services.interviews.results import save_result
from services.interviews.runs import HeldRun, finish_run

log = get_logger(__name__)


def begin_analysis(held: HeldRun, now: datetime) -> None:
    """Told once per attempt, however often it is asked for."""
    interview = held.interview
    if interview.status != InterviewStatus.PROCESSING:
        return
    interview.status = InterviewStatus.ANALYZING
    note_change(interview, now)
    held.session.flush()
    tell_status(held.work, interview, InterviewStatus.PROCESSING, now)


def complete_interview(held: HeldRun, outputs: Mapping[str, Any], now: datetime) -> None:
    """The result, the status and the event, all or none."""
    begin_analysis(held, now)
    interview = held.interview
    save_result(held.session, interview, outputs)
    interview.status = InterviewStatus.COMPLETED
    interview.details = interview.details | {"processing_completed_at": now.isoformat()}
    note_change(interview, now)
    finish_run(held.run, now)
    held.session.flush()
    tell_completed(held.work, interview, _seconds_since(interview.details.get("processing_started_at"), now), now)
    log.info("interview_completed", interview_id=str(interview.id), attempt=interview.attempt)


def fail_interview(held: HeldRun, failure: AnalysisFailure, now: datetime) -> None:
    """The attempt is over; a person may begin the next."""
    interview = held.interview
    interview.status = InterviewStatus.FAILED
    interview.error = failure.describe()
    interview.details = interview.details | {"failed_at": now.isoformat()}
    note_change(interview, now)
    finish_run(held.run, now)
    held.session.flush()
    tell_failed(held.work, interview, now)
    log.warning(
        "interview_failed",
        interview_id=str(interview.id),
        attempt=interview.attempt,
        code=failure.code,
        response_status=failure.response_status,
        provider_code=failure.provider_code,
    )


def _seconds_since(began: str | None, now: datetime) -> float | None:
    return round((now - datetime.fromisoformat(began)).total_seconds(), 3) if began else None
