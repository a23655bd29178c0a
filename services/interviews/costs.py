"""What analyses cost at MISO: noted by the run, by attempt; shown to admins, beside what is reserved."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.interviews import Insight, Interview, MisoCost, ProjectRole
from services.interviews.bodies import Body
from services.interviews.budgets import reserved_tokens
from services.interviews.membership import require_project
from services.interviews.months import KOREA, month_bounds, month_of
from services.interviews.row_security import MemberWork

_SUMS = (
    func.coalesce(func.sum(MisoCost.calls), 0).label("calls"),
    func.coalesce(func.sum(MisoCost.tokens), 0).label("tokens"),
    func.coalesce(func.sum(MisoCost.seconds), 0).label("seconds"),
)
_MONTHS_SHOWN = 12


def note_cost(
    session: Session,
    analysed: Interview | Insight,
    now: datetime,
    *,
    calls: int = 0,
    tokens: int = 0,
    seconds: float = 0,
    attempt: int | None = None,
) -> int:
    """Of the present attempt, or of an earlier one. Calls are added; tokens and seconds are those of an attempt's one
    answer, which may be read more than once. How many of the tokens are news, under the lock of the run."""
    whose = {"interview_id": analysed.id, "attempt": attempt or analysed.attempt}
    known = session.scalar(select(MisoCost.tokens).filter_by(**whose)) or 0
    row = insert(MisoCost).values(
        **whose, project_id=analysed.project_id, called_at=now, calls=calls, tokens=tokens, seconds=seconds
    )
    noted = {
        "calls": MisoCost.calls + row.excluded.calls,
        "tokens": func.greatest(MisoCost.tokens, row.excluded.tokens),
        "seconds": func.greatest(MisoCost.seconds, row.excluded.seconds),
    }
    session.execute(row.on_conflict_do_update(constraint="pk_miso_costs", set_=noted))
    return max(tokens - known, 0)


def show_costs(member: MemberWork, project_id: UUID, month: date | None) -> Body:
    """Of the month that begins on this day, or the present one; with the months before, each in all. Raises
    ProjectNotFound, RoleTooSmall."""
    project = require_project(member, project_id, ProjectRole.ADMIN).project
    month = month or month_of(member.now)
    began, ended = month_bounds(month)
    theirs = MisoCost.project_id == project_id
    within = theirs, MisoCost.called_at >= began, MisoCost.called_at < ended
    by_interview = (
        select(Interview.id, Interview.title, *_SUMS)
        .join(Interview, Interview.id == MisoCost.interview_id)
        .where(*within)
        .group_by(Interview.id)
        .order_by(_SUMS[1].desc(), Interview.id)
    )
    by_insight = (
        select(Insight.id, Insight.kind, *_SUMS)
        .join(Insight, Insight.id == MisoCost.interview_id)
        .where(*within)
        .group_by(Insight.id)
        .order_by(_SUMS[1].desc(), Insight.id)
    )
    named = func.to_char(func.timezone(cast(str(KOREA), Text), MisoCost.called_at), "YYYY-MM").label("month")
    by_month = select(named, *_SUMS).where(theirs).group_by(named).order_by(named.desc()).limit(_MONTHS_SHOWN)
    session = member.session
    return {
        "month": f"{month:%Y-%m}",
        "total": _describe(session.execute(select(*_SUMS).where(*within)).one()),
        "monthly_token_limit": project.monthly_token_limit,
        "reserved_tokens": reserved_tokens(session, project_id, member.now) if month == month_of(member.now) else 0,
        "interviews": [
            {"interview_id": str(row.id), "title": row.title, **_describe(row)} for row in session.execute(by_interview)
        ],
        "insights": [
            {"insight_id": str(row.id), "kind": row.kind, **_describe(row)} for row in session.execute(by_insight)
        ],
        "months": [{"month": row.month, **_describe(row)} for row in session.execute(by_month)],
    }


def _describe(row: Row[*tuple[Any, ...]]) -> Body:
    return {"calls": int(row.calls), "tokens": int(row.tokens), "seconds": round(float(row.seconds), 3)}
