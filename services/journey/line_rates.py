"""How the lines move now, read for the estimator: the exams done today, what past calls were told, desks and people."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.journey.estimates import BAND_SHARES, RECENT_CALLS, RECENT_EXAMS, LineRates

# Compared are calls of those who kept their turn: what was told at joining says nothing of a second round.
_READ = text("""
    select e.exam_id, e.avg_minutes, recent.exam_count, recent.mean_minutes, told.call_count, told.ratios,
        (select count(*) from welno.shifts s where s.exam_id = e.exam_id and s.ended_at is null) as desks,
        (select count(*) from welno.queues q
         where q.exam_id = e.exam_id and q.state in ('called', 'in_progress')) as busy
    from welno.exams e
    cross join lateral (
        select count(*) as exam_count, avg(minutes) as mean_minutes
        from (
            select extract(epoch from q.completed_at - q.started_at) / 60 as minutes
            from welno.queues q
            where q.exam_id = e.exam_id and q.completed_at >= :day_begins and q.state = 'completed'
                and q.started_at is not null
            order by q.completed_at desc limit :recent_exams
        ) last_exams
    ) recent
    cross join lateral (
        select count(*) as call_count,
            percentile_cont(cast(:shares as float8[])) within group (order by ratio) as ratios
        from (
            select extract(epoch from q.called_at - q.joined_at) / 60 / q.predicted_wait_minutes as ratio
            from welno.queues q
            where q.exam_id = e.exam_id and q.called_at is not null and q.predicted_wait_minutes > 0
                and q.no_show_count = 0 and q.delay_count = 0
            order by q.called_at desc limit :recent_calls
        ) last_calls
    ) told
    where e.exam_id = any(:exam_ids)
""")


def read_line_rates(session: Session, exam_ids: Collection[str], day_begins: datetime) -> dict[str, LineRates]:
    """Of each exam that exists, in one statement, without one for none. `day_begins` is the hospital's midnight: who
    joined before it may be examined after it."""
    if not exam_ids:
        return {}
    parameters = {
        "exam_ids": list(exam_ids),
        "day_begins": day_begins,
        "shares": list(BAND_SHARES),
        "recent_exams": RECENT_EXAMS,
        "recent_calls": RECENT_CALLS,
    }
    return {
        row.exam_id: LineRates(
            exam_count=row.exam_count,
            mean_minutes=None if row.mean_minutes is None else float(row.mean_minutes),
            average_minutes=row.avg_minutes,
            call_count=row.call_count,
            ratios=None if row.ratios is None else (row.ratios[0], row.ratios[1]),
            desks=row.desks,
            busy=row.busy,
        )
        for row in session.execute(_READ, parameters)
    }
