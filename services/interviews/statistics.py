"""How much is analysed just now, and how long the oldest waits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from models.interviews import InterviewRun, InterviewRunState

# Longer than any analysis before it may take.
LATE_AFTER_SECONDS = 360.0


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """`under_way`: a process works on it, or MISO does; `waiting`: due, and taken by nobody."""

    under_way: int
    waiting: int
    oldest_waiting_seconds: float


def read_statistics(session: Session, now: datetime) -> RunStatistics:
    """Over all projects, outside row-level security."""
    is_waiting = and_(
        InterviewRun.state == InterviewRunState.READY, InterviewRun.called_at.is_(None), InterviewRun.due_at <= now
    )
    is_called = and_(InterviewRun.state == InterviewRunState.READY, InterviewRun.called_at.is_not(None))
    query = select(
        func.count().filter((InterviewRun.state == InterviewRunState.RUNNING) | is_called),
        func.count().filter(is_waiting),
        func.min(InterviewRun.due_at).filter(is_waiting),
    ).where(InterviewRun.state != InterviewRunState.ENDED)
    under_way, waiting, oldest = session.execute(query).one()
    return RunStatistics(under_way, waiting, max((now - oldest).total_seconds(), 0) if oldest else 0.0)
