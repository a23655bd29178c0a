"""The events of a project: their shapes. Each is told in the transaction that makes it true."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from core.names import InterviewEvent, project_subject
from models.interviews import Insight, Interview
from services.delivery.unit_of_work import Work
from services.interviews.bodies import Body, describe_interview

_TAKEAWAYS, _TAKEAWAY_CHARACTERS = 10, 300


class ProjectPart(StrEnum):
    """Of a project, beside its interviews and insights; what it says is fetched by who may."""

    MEMBERS = "members"
    COSTS = "costs"
    ORIGINAL_READS = "original_reads"


def tell_added(work: Work, interview: Interview, now: datetime) -> None:
    """New, or restored."""
    _tell(work, interview, InterviewEvent.ADDED, {"interview": describe_interview(interview)}, now)


def tell_status(work: Work, interview: Interview, previous: str, now: datetime) -> None:
    data = {"status": interview.status, "previous": previous, "attempt": interview.attempt}
    _tell(work, interview, InterviewEvent.STATUS_CHANGED, _of(interview, **data), now)


def tell_failed(work: Work, interview: Interview, now: datetime) -> None:
    error = {name: (interview.error or {}).get(name) for name in ("code", "message")}
    _tell(work, interview, InterviewEvent.FAILED, _of(interview, attempt=interview.attempt, error=error), now)


def tell_completed(work: Work, interview: Interview, seconds: float | None, now: datetime) -> None:
    """What fits; the whole is fetched."""
    takeaways = [str(text)[:_TAKEAWAY_CHARACTERS] for text in (interview.key_takeaways or [])[:_TAKEAWAYS]]
    counted = ("cleaned_script", "key_takeaways", "primary_pain_points", "primary_needs", "script_sections")
    persona = interview.persona_combination_id
    result = {
        "counts": {name: len(getattr(interview, name) or ()) for name in counted},
        "key_takeaways": takeaways,
        "persona_combination_id": persona and str(persona),
        "processing_seconds": seconds,
    }
    _tell(work, interview, InterviewEvent.COMPLETED, _of(interview, attempt=interview.attempt, result=result), now)


def tell_deleted(work: Work, interview: Interview, now: datetime) -> None:
    _tell(work, interview, InterviewEvent.DELETED, _of(interview), now)


def tell_highlighted(
    work: Work, interview: Interview, highlight_id: UUID, highlight: Body | None, now: datetime
) -> None:
    """Made, changed, or removed where it is None. Without its note, which the log would keep longer than its table."""
    said = highlight and {name: value for name, value in highlight.items() if name != "note"}
    data = _of(interview, highlightId=str(highlight_id), highlight=said)
    _tell(work, interview, InterviewEvent.HIGHLIGHTED, data, now)


def tell_changed(work: Work, interview: Interview, now: datetime) -> None:
    """What members add to it, and no event of its own tells: the names of its speakers. They are fetched."""
    _tell(work, interview, InterviewEvent.CHANGED, _of(interview), now)


def tell_insight(work: Work, insight: Insight, now: datetime) -> None:
    """Each change of its status; what it says is fetched."""
    error = insight.error and {name: insight.error.get(name) for name in ("code", "message")}
    data = {"insightId": str(insight.id), "kind": insight.kind, "status": insight.status, "error": error}
    _tell(work, insight, InterviewEvent.INSIGHT_CHANGED, data | {"revision": insight.revision}, now)


def tell_project(work: Work, project_id: UUID, part: ProjectPart, now: datetime) -> None:
    """To viewers too: so not who, and not what."""
    _emit(work, project_id, InterviewEvent.PROJECT_CHANGED, {"part": part.value}, now)


def _of(interview: Interview, **more: Any) -> dict[str, Any]:
    return {"interviewId": str(interview.id), **more, "revision": interview.revision}


def _tell(work: Work, about: Interview | Insight, type_: InterviewEvent, data: dict[str, Any], now: datetime) -> None:
    _emit(work, about.project_id, type_, data, now)


def _emit(work: Work, project_id: UUID, type_: InterviewEvent, data: dict[str, Any], now: datetime) -> None:
    body = {"type": type_.value, "data": data, "timestamp": now.isoformat(timespec="milliseconds")}
    work.emit(project_subject(project_id), body)
