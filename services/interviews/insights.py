"""Themes of a project and personas of chosen interviews: started by members, made by the run of the interviews."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.interviews import (
    Insight,
    InsightKind,
    Interview,
    InterviewRun,
    InterviewRunState,
    InterviewStatus,
    InterviewStep,
    Project,
    ProjectRole,
)
from services.interviews.bodies import Body
from services.interviews.budgets import reserve_budget
from services.interviews.errors import InsightUnderWay, InterviewNotFound, NoInterviews
from services.interviews.events import tell_insight
from services.interviews.insight_inputs import usable_interviews
from services.interviews.membership import require_project
from services.interviews.row_security import MemberWork
from services.interviews.runs import send_run

_MOST_LISTED = 20


def start_themes(member: MemberWork, project_id: UUID, *, max_characters: int) -> Body:
    """Of all completed interviews, of which MISO is told no more than that. Raises ProjectNotFound, RoleTooSmall,
    BudgetSpent, NoInterviews, InsightUnderWay."""
    return _start(member, project_id, InsightKind.THEMES, [], max_characters)


def start_persona(member: MemberWork, project_id: UUID, interview_ids: Sequence[UUID], *, max_characters: int) -> Body:
    """Of these, likewise. Raises ProjectNotFound, RoleTooSmall, BudgetSpent, and InterviewNotFound for one that is not
    completed or not the project's."""
    return _start(member, project_id, InsightKind.PERSONA, list(dict.fromkeys(interview_ids)), max_characters)


def _start(member: MemberWork, project_id: UUID, kind: InsightKind, chosen: list[UUID], max_characters: int) -> Body:
    project = require_project(member, project_id, ProjectRole.EDITOR).project
    # How much they say, their run knows when it begins.
    reserved = reserve_budget(member.session, project, member.now, characters=max_characters)
    usable = usable_interviews(project_id, chosen or None).with_only_columns(Interview.id)
    found = list(member.session.scalars(usable.limit(max(len(chosen), 1))))
    if len(found) < len(chosen):
        raise InterviewNotFound
    if not found:
        raise NoInterviews
    insight = _add_insight(member, project, kind, chosen, reserved)
    tell_insight(member.work, insight, member.now)
    return describe_insight(insight, frozenset())


def _add_insight(
    member: MemberWork, project: Project, kind: InsightKind, chosen: list[UUID], reserved_tokens: int
) -> Insight:
    """Raises InsightUnderWay."""
    row = {
        "id": uuid4(),
        "company_id": project.company_id,
        "project_id": project.id,
        "kind": kind,
        "status": InterviewStatus.PROCESSING,
        "interview_ids": [str(one) for one in chosen],
        "created_by": member.account_id,
        "created_at": member.now,
        "updated_at": member.now,
    }
    added = insert(Insight).values(row).on_conflict_do_nothing().returning(Insight)
    insight = member.session.scalar(added)
    if insight is None:
        raise InsightUnderWay
    run = {"step": InterviewStep.ANALYSE, "state": InterviewRunState.READY, "request_id": member.request_id}
    when = {"due_at": member.now, "sends": 1, "sent_at": member.now, "reserved_tokens": reserved_tokens}
    member.session.add(InterviewRun(interview_id=insight.id, project_id=project.id, **run, **when))
    member.session.flush()
    send_run(member.work, insight.id, member.request_id)
    return insight


def list_insights(member: MemberWork, project_id: UUID, kind: InsightKind) -> list[Body]:
    """The newest ones. Raises ProjectNotFound."""
    require_project(member, project_id)
    query = (
        select(Insight)
        .where(Insight.project_id == project_id, Insight.kind == kind, Insight.erased_at.is_(None))
        .order_by(Insight.created_at.desc(), Insight.id.desc())
        .limit(_MOST_LISTED)
    )
    insights = member.session.scalars(query).all()
    deleted = _find_deleted(member.session, project_id)
    return [describe_insight(insight, deleted) for insight in insights]


def _find_deleted(session: Session, project_id: UUID) -> frozenset[str]:
    deleted = select(Interview.id).where(Interview.project_id == project_id, Interview.deleted_at.is_not(None))
    return frozenset(map(str, session.scalars(deleted)))


def describe_insight(insight: Insight, deleted: frozenset[str]) -> Body:
    """Nothing is shown of what was said in interviews that are deleted, and they support nothing."""
    result = _without_deleted(insight.result, deleted)
    themes = (result or {}).get("themes")
    if themes is not None:
        result = {**(result or {}), "themes": [theme | _count_support(theme["evidence"]) for theme in themes]}
    return {
        "id": str(insight.id),
        "project_id": str(insight.project_id),
        "kind": insight.kind,
        "status": insight.status,
        "attempt": insight.attempt,
        "revision": insight.revision,
        "created_by": str(insight.created_by),
        "created_at": insight.created_at.isoformat(),
        "updated_at": insight.updated_at.isoformat(),
        "interview_ids": [one for one in insight.interview_ids if one not in deleted],
        "persona_combination_id": insight.persona_combination_id and str(insight.persona_combination_id),
        "error": insight.error,
        "result": result,
    }


def _count_support(evidence: Sequence[Body]) -> Body:
    """By how many interviews and quotes a theme is borne out."""
    verified = [one for one in evidence if one["verified"]]
    return {"interviews": len({one["interview_id"] for one in verified}), "quotes": len(verified)}


def _without_deleted(value: Any, deleted: frozenset[str]) -> Any:
    """Without evidence from these interviews, wherever it stands."""
    if isinstance(value, dict):
        return {name: _without_deleted(one, deleted) for name, one in value.items()}
    if isinstance(value, list):
        kept = (one for one in value if not (isinstance(one, dict) and one.get("interview_id") in deleted))
        return [_without_deleted(one, deleted) for one in kept]
    return value
