"""What MISO is told of many interviews at once: their results as text, as much of each as fits."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, load_only

from models.interviews import Insight, InsightKind, Interview, InterviewStatus
from services.interviews.analysis_inputs import describe_project_to_miso
from services.interviews.masking.placeholders import qualify

_PREPROCESS_TYPES = {InsightKind.THEMES: "insight_summary", InsightKind.PERSONA: "persona"}
# The newest count. Of each there must be enough left to say anything.
_MOST_INTERVIEWS, _LEAST_CHARACTERS = 200, 400
# Not their scripts and texts: hundreds take seconds to read.
_TOLD_OF_EACH = load_only(
    Interview.evidence, Interview.key_takeaways, Interview.primary_pain_points, Interview.primary_needs
)
_POINTS = (("불편", "primary_pain_points"), ("필요", "primary_needs"))


def build_insight_inputs(session: Session, insight: Insight, most_characters: int) -> dict[str, str]:
    """Under row-level security. Notes in the insight which interviews have found a place; where none is left, `context`
    is empty."""
    is_of_all = insight.kind == InsightKind.THEMES and not insight.interview_ids
    usable = usable_interviews(insight.project_id, None if is_of_all else insight.interview_ids)
    interviews = list(session.scalars(usable.options(_TOLD_OF_EACH).limit(_MOST_INTERVIEWS)))
    share = max(_LEAST_CHARACTERS, most_characters // max(len(interviews), 1) - 1)
    parts = [cut_at_line(_describe(number, one), share) for number, one in enumerate(interviews, start=1)]
    fitting = sum(length <= most_characters for length in accumulate(len(part) + 1 for part in parts))
    insight.interview_ids = [str(one.id) for one in interviews[:fitting]]
    return describe_project_to_miso(session, insight.project_id) | {
        "context": "\n".join(parts[:fitting]),
        "preprocess_type": _PREPROCESS_TYPES[InsightKind(insight.kind)],
    }


def usable_interviews(project_id: UUID, chosen: Sequence[Any] | None) -> Select[Interview]:
    """Completed ones, the newest first; `chosen` None: all of the project."""
    query = select(Interview).where(
        Interview.project_id == project_id,
        Interview.status == InterviewStatus.COMPLETED,
        Interview.deleted_at.is_(None),
    )
    if chosen is not None:
        query = query.where(Interview.id.in_([UUID(str(one)) for one in chosen]))
    return query.order_by(Interview.created_at.desc(), Interview.id.desc())


def _describe(number: int, interview: Interview) -> str:
    """The same placeholder means another one in each: it tells of which it is, also in what MISO quotes again."""
    return "\n".join([f"### 인터뷰 {number}", *(qualify(line, number) for line in _lines_of(interview))])


def _lines_of(interview: Interview) -> Iterator[str]:
    """Quotes stand first, on lines of their own, as MISO is to quote them again; invented ones are left out."""
    evidence = interview.evidence or {}
    items = (one for _, column in _POINTS for item in evidence.get(column, ()) for one in item)
    yield from dict.fromkeys(f"인용: {one['quote']}" for one in items if one["verified"])
    yield from (f"핵심: {text}" for text in interview.key_takeaways or ())
    for label, column in _POINTS:
        yield from (f"{label}: {point['description']}" for point in getattr(interview, column) or ())


def cut_at_line(text: str, most: int) -> str:
    """At the end of a line, where it is too long."""
    return text if len(text) <= most else text[:most].rpartition("\n")[0] or text[:most]
