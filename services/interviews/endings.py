"""How an interview changes its status while it is analysed, and what the project is told of it."""

from datetime import datetime

from core.logs import get_logger
from models.interviews import Insight, Interview, InterviewStatus
from services.interviews.analysis_failures import AnalysisFailure
from services.interviews.changing import note_change
from services.interviews.erasure import empty_insight, is_made_of_erased
from services.interviews.events import tell_completed, tell_failed, tell_insight, tell_status
from services.interviews.insight_results import InsightResult, save_insight
from services.interviews.results import Analysis, save_result
from services.interviews.runs import HeldRun, finish_run

log = get_logger(__name__)


def begin_analysis(held: HeldRun, now: datetime) -> None:
    """Told once per attempt, however often it is asked for."""
    analysed = held.analysed
    if analysed.status != InterviewStatus.PROCESSING:
        return
    analysed.status = InterviewStatus.ANALYZING
    note_change(analysed, now)
    held.session.flush()
    if isinstance(analysed, Insight):
        tell_insight(held.work, analysed, now)
    else:
        tell_status(held.work, analysed, InterviewStatus.PROCESSING, now)


def complete_interview(held: HeldRun, result: Analysis | InsightResult, now: datetime) -> None:
    """The result, the status and the event, all or none. The same for an insight; one whose interview was erased
    meanwhile is erased as well; its files go at the end of the run (`drop_erased`)."""
    begin_analysis(held, now)
    analysed = held.analysed
    if _is_to_be_erased(held):
        _erase_insight(held, now)
        return
    if isinstance(analysed, Insight) and isinstance(result, InsightResult):
        save_insight(held.session, analysed, result)
    elif isinstance(analysed, Interview) and isinstance(result, Analysis):
        save_result(held.session, analysed, result)
    else:
        raise TypeError("another kind of result than of run")
    analysed.status = InterviewStatus.COMPLETED
    analysed.details = analysed.details | {"processing_completed_at": now.isoformat()}
    note_change(analysed, now)
    finish_run(held.run, now)
    held.session.flush()
    if isinstance(analysed, Insight):
        tell_insight(held.work, analysed, now)
    else:
        tell_completed(held.work, analysed, _seconds_since(analysed.details.get("processing_started_at"), now), now)
    log.info("interview_completed", interview_id=str(analysed.id), attempt=analysed.attempt)


def fail_interview(held: HeldRun, failure: AnalysisFailure, now: datetime) -> None:
    """The attempt is over; a person may begin the next. The same for an insight, erased as by `complete_interview`."""
    interview = held.analysed
    if _is_to_be_erased(held):
        _erase_insight(held, now)
        return
    interview.status = InterviewStatus.FAILED
    interview.error = failure.describe()
    interview.details = interview.details | {"failed_at": now.isoformat()}
    note_change(interview, now)
    finish_run(held.run, now)
    held.session.flush()
    if isinstance(interview, Insight):
        tell_insight(held.work, interview, now)
    else:
        tell_failed(held.work, interview, now)
    log.warning(
        "interview_failed",
        interview_id=str(interview.id),
        attempt=interview.attempt,
        code=failure.code,
        response_status=failure.response_status,
        provider_code=failure.provider_code,
    )


def _is_to_be_erased(held: HeldRun) -> bool:
    return isinstance(held.analysed, Insight) and is_made_of_erased(held.session, held.analysed)


def _erase_insight(held: HeldRun, now: datetime) -> None:
    insight = held.analysed
    if not isinstance(insight, Insight):
        raise TypeError("interviews are erased by people and by age")
    empty_insight(insight, now)
    finish_run(held.run, now)
    held.session.flush()
    tell_insight(held.work, insight, now)
    log.info("insight_erased", interview_id=str(insight.id))


def _seconds_since(began: str | None, now: datetime) -> float | None:
    return round((now - datetime.fromisoformat(began)).total_seconds(), 3) if began else None
