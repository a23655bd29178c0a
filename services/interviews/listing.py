"""What members read: their projects, a project's interviews and personas."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.orm import defer

from models.accounts import Company
from models.interviews import (
    RESULT_COLUMNS,
    Interview,
    InterviewStatus,
    PersonaCombination,
    Project,
    ProjectMember,
)
from services.interviews.bodies import Body, describe_interview, describe_project
from services.interviews.errors import InterviewNotFound
from services.interviews.membership import require_project
from services.interviews.personas import is_known_in
from services.interviews.row_security import MemberWork


def list_projects(member: MemberWork) -> list[Body]:
    rows = member.session.execute(
        select(Project, ProjectMember.role, Company.name)
        .join(ProjectMember, ProjectMember.project_id == Project.id)
        .join(Company, Company.id == Project.company_id)
        .where(ProjectMember.account_id == member.account_id)
        .order_by(Project.name, Project.id)
    )
    return [describe_project(*row) for row in rows]


def show_project(member: MemberWork, project_id: UUID) -> Body:
    """Raises ProjectNotFound."""
    found = require_project(member, project_id)
    company = member.session.get_one(Company, found.project.company_id)
    return describe_project(found.project, found.role, company.name)


@dataclass(frozen=True)
class ListWish:
    """`before` is the last interview of the page before. `is_deleted`: the deleted ones instead."""

    limit: int = 50
    before: UUID | None = None
    status: InterviewStatus | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class InterviewPage:
    """`event_seq` was read before the interviews: whoever subscribes after it misses nothing."""

    interviews: list[Body]
    next: str | None
    event_seq: int


def list_interviews(member: MemberWork, project_id: UUID, wish: ListWish) -> InterviewPage:
    """Newest first. Raises ProjectNotFound, and InterviewNotFound for another's `before`."""
    event_seq = require_project(member, project_id).project.event_seq
    # None of the columns of texts and results, which may be megabytes.
    query = select(Interview).options(defer(Interview.masked_text), *_WITHOUT_RESULTS)
    query = query.where(Interview.project_id == project_id, Interview.erased_at.is_(None))
    query = query.where(Interview.deleted_at.is_not(None) if wish.is_deleted else Interview.deleted_at.is_(None))
    if wish.status is not None:
        query = query.where(Interview.status == wish.status)
    if wish.before is not None:
        query = query.where(tuple_(Interview.created_at, Interview.id) < _place_of(member, project_id, wish.before))
    query = query.order_by(Interview.created_at.desc(), Interview.id.desc()).limit(wish.limit + 1)
    found = list(member.session.scalars(query))
    page = found[: wish.limit]
    has_more = len(found) > wish.limit
    return InterviewPage([describe_interview(one) for one in page], str(page[-1].id) if has_more else None, event_seq)


def _place_of(member: MemberWork, project_id: UUID, interview_id: UUID) -> Any:
    """Raises InterviewNotFound."""
    asked = select(Interview.created_at).where(Interview.id == interview_id, Interview.project_id == project_id)
    created_at = member.session.scalar(asked)
    if created_at is None:
        raise InterviewNotFound
    return tuple_(literal(created_at), literal(interview_id))


_WITHOUT_RESULTS = tuple(defer(getattr(Interview, name)) for name in RESULT_COLUMNS)


def list_personas(member: MemberWork, project_id: UUID) -> list[dict[str, Any]]:
    """Those of the project's company and its own, each with how many of the project's interviews match it. Raises
    ProjectNotFound."""
    project = require_project(member, project_id).project
    matching = (
        select(Interview.persona_combination_id.label("id"), func.count().label("interviews"))
        .where(
            Interview.project_id == project_id,
            Interview.status == InterviewStatus.COMPLETED,
            Interview.deleted_at.is_(None),
        )
        .group_by(Interview.persona_combination_id)
        .subquery()
    )
    rows = member.session.execute(
        select(PersonaCombination, func.coalesce(matching.c.interviews, 0))
        .outerjoin(matching, matching.c.id == PersonaCombination.id)
        .where(is_known_in(project.company_id, project.id))
        .order_by(PersonaCombination.persona_code)
    )
    return [
        {
            "id": str(one.id),
            "persona_code": one.persona_code,
            "title": one.title,
            "description": one.description,
            "interviews": count,
        }
        for one, count in rows
    ]
