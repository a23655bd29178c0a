"""What analyses cost at MISO: noted by the run, by attempt; shown to admins, and held against the month's budget."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Text, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.interviews import Insight, Interview, MisoCost, Project, ProjectRole
from services.interviews.bodies import Body
from services.interviews.errors import BudgetSpent
from services.interviews.membership import require_project
from services.interviews.row_security import MemberWork

# Whose months and days the interviews' are.
KOREA = ZoneInfo("Asia/Seoul")
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


def tokens_spent(session: Session, project_id: UUID, now: datetime) -> int:
    """In this month of Korea."""
    began, _ = _bounds(month_of(now))
    spent = select(_SUMS[1]).where(MisoCost.project_id == project_id, MisoCost.called_at >= began)
    return int(session.execute(spent).scalar_one())


def require_budget(session: Session, project: Project, now: datetime) -> None:
    """Raises BudgetSpent."""
    limit = project.monthly_token_limit
    if limit is not None and tokens_spent(session, project.id, now) >= limit:
        raise BudgetSpent


def show_costs(member: MemberWork, project_id: UUID, month: date | None) -> Body:
    """Of the month that begins on this day, or the present one; with the months before, each in all. Raises
    ProjectNotFound, RoleTooSmall."""
    project = require_project(member, project_id, ProjectRole.ADMIN).project
    month = month or month_of(member.now)
    began, ended = _bounds(month)
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
        "interviews": [
            {"interview_id": str(row.id), "title": row.title, **_describe(row)} for row in session.execute(by_interview)
        ],
        "insights": [
            {"insight_id": str(row.id), "kind": row.kind, **_describe(row)} for row in session.execute(by_insight)
        ],
        "months": [{"month": row.month, **_describe(row)} for row in session.execute(by_month)],
    }


def month_of(moment: datetime) -> date:
    """Its first day."""
    return moment.astimezone(KOREA).date().replace(day=1)


def _bounds(month: date) -> tuple[datetime, datetime]:
    following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    began, ended = (datetime.combine(day, time(), KOREA).astimezone(UTC) for day in (month, following))
    return began, ended


def _describe(row: Row[*tuple[Any, ...]]) -> Body:
    return {"calls": int(row.calls), "tokens": int(row.tokens), "seconds": round(float(row.seconds), 3)}
