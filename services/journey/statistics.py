"""How the hospital's day goes: waits, how well they were told, no-shows, calls that no phone has shown."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.journey import CALL_KINDS, Exam
from services.journey.health import HealthReport
from services.journey.wait_errors import WaitErrors, read_wait_errors

# Calls are counted by what was told of them: a no-show or a call taken back leaves nothing of it in its entry.
_DAY = text("""
    with calls as (
        select q.exam_id, count(n.read_at) as seen, count(*) - count(n.read_at) as unseen
        from welno.queues q join welno.notifications n using (queue_id)
        where q.service_date = :day and n.kind = any(:call_kinds) group by q.exam_id
    )
    select exam_id,
        count(*) filter (where state in ('waiting', 'delayed')) as waiting,
        percentile_cont(array[0.5, 0.9]) within group (order by extract(epoch from called_at - joined_at) / 60)
            filter (where called_at is not null) as waits,
        coalesce(sum(no_show_count), 0) as no_shows,
        coalesce(max(calls.seen), 0) as calls_seen,
        coalesce(max(calls.unseen), 0) as calls_unseen
    from welno.queues left join calls using (exam_id) where service_date = :day group by exam_id
""")


@dataclass(frozen=True)
class ExamDay:
    """One exam's day. Waits are in minutes, None where nobody was called yet. Each repetition is a call of its own."""

    errors: WaitErrors
    waiting: int = 0
    wait_median: float | None = None
    wait_p90: float | None = None
    no_shows: int = 0
    calls_seen: int = 0
    calls_unseen: int = 0


def read_exam_days(session: Session, day: date) -> dict[str, ExamDay]:
    """Of all exams, in three statements."""
    exam_ids = session.scalars(select(Exam.exam_id).order_by(Exam.exam_id)).all()
    errors = read_wait_errors(session, exam_ids, day)
    days = {exam_id: ExamDay(errors[exam_id]) for exam_id in exam_ids}
    for row in session.execute(_DAY, {"day": day, "call_kinds": sorted(CALL_KINDS)}):
        median, p90 = row.waits or (None, None)
        days[row.exam_id] = ExamDay(
            errors=errors[row.exam_id],
            waiting=row.waiting,
            wait_median=None if median is None else round(median, 1),
            wait_p90=None if p90 is None else round(p90, 1),
            no_shows=int(row.no_shows),
            calls_seen=row.calls_seen,
            calls_unseen=row.calls_unseen,
        )
    return days


def statistics_body(report: HealthReport, days: dict[str, ExamDay]) -> dict[str, Any]:
    return {
        "total_patients": report.total_patients,
        "active_queues": report.active_queues,
        "state_distribution": report.state_distribution,
        "exams": {
            exam_id: {
                "waiting": one.waiting,
                "wait_median": one.wait_median,
                "wait_p90": one.wait_p90,
                "error": one.errors.median_error,
                "bias": one.errors.bias,
                "coverage": one.errors.coverage,
                "no_shows": one.no_shows,
                "calls_unseen": one.calls_unseen,
            }
            for exam_id, one in days.items()
        },
    }
