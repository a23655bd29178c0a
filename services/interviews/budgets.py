"""A project's tokens of a month: what is spent, what is reserved for attempts under way, whether one more may begin.

An attempt reserves its estimate when it begins, until it has ended and MISO has told what it has used: so those that
begin at the same moment see each other. One that is let in may pass the limit; those after it are not let in.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.interviews import Interview, InterviewRun, InterviewRunState, MisoCost, Project, UnsettledCall
from services.advisory_locks import lock_name
from services.interviews.errors import BudgetSpent
from services.interviews.extraction.kinds import FileKind, kind_of
from services.interviews.months import month_bounds, month_of

# A token for each letter of Korean, read and written; besides what the app's own prompts take, until a project has
# figures of its own.
_TOKENS_PER_CHARACTER, _TOKENS_BESIDES = 1, 1_000
_LATEST = 20
# Of these a file of a few bytes may hold much text.
_PACKED = frozenset({FileKind.DOCX, FileKind.XLSX, FileKind.PDF})


def most_characters(file_name: str, size: int, max_characters: int) -> int:
    """That a file of so many bytes may have, where an interview has no more than `max_characters`; of others than
    packed ones no more than bytes."""
    return max_characters if kind_of(file_name) in _PACKED else min(size, max_characters)


def require_budget(session: Session, project: Project, now: datetime) -> None:
    """A look ahead, as what is found here may have changed when it counts. Raises BudgetSpent."""
    limit = project.monthly_token_limit
    if limit is not None and _tokens_gone(session, project.id, now) >= limit:
        raise BudgetSpent


def reserve_budget(session: Session, project: Project, now: datetime, *, characters: int) -> int:
    """The tokens to note in the run, in this transaction; others that want some wait for its end. Of a run that is
    begun anew nothing is reserved: it has ended. Raises BudgetSpent."""
    limit = project.monthly_token_limit
    if limit is not None:
        lock_name(session, f"welno.budget:{project.id}")
        if _tokens_gone(session, project.id, now) >= limit:
            raise BudgetSpent
    return estimate_tokens(session, project.id, characters)


def estimate_tokens(session: Session, project_id: UUID, characters: int) -> int:
    """Of a call whose text has so many; by what the project's latest analyses have used."""
    latest = (
        select(MisoCost.tokens, func.length(Interview.masked_text).label("characters"))
        .join(Interview, Interview.id == MisoCost.interview_id)
        .where(MisoCost.project_id == project_id, MisoCost.tokens > 0, Interview.masked_text.is_not(None))
        .order_by(MisoCost.called_at.desc())
        .limit(_LATEST)
        .subquery()
    )
    besides = select(func.avg(latest.c.tokens - latest.c.characters * _TOKENS_PER_CHARACTER))
    found = session.execute(besides).scalar_one()
    return characters * _TOKENS_PER_CHARACTER + max(1, round(_TOKENS_BESIDES if found is None else found))


def reserved_tokens(session: Session, project_id: UUID, now: datetime) -> int:
    """For attempts under way, and for calls of this month whose end MISO has not told."""
    return int(session.execute(select(_reserved(project_id, now))).scalar_one())


def _tokens_gone(session: Session, project_id: UUID, now: datetime) -> int:
    """In one statement, which sees one moment: a run that ends is counted as reserved, or as spent."""
    began, _ = month_bounds(month_of(now))
    spent = (
        select(func.coalesce(func.sum(MisoCost.tokens), 0))
        .where(MisoCost.project_id == project_id, MisoCost.called_at >= began)
        .scalar_subquery()
    )
    return int(session.execute(select(spent + _reserved(project_id, now))).scalar_one())


def _reserved(project_id: UUID, now: datetime) -> ColumnElement[Any]:
    began, _ = month_bounds(month_of(now))
    runs = select(func.coalesce(func.sum(InterviewRun.reserved_tokens), 0)).where(
        InterviewRun.project_id == project_id, InterviewRun.state != InterviewRunState.ENDED
    )
    calls = select(func.coalesce(func.sum(UnsettledCall.reserved_tokens), 0)).where(
        UnsettledCall.project_id == project_id, UnsettledCall.noted_at >= began
    )
    return runs.scalar_subquery() + calls.scalar_subquery()
