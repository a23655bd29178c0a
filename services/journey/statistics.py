"""How the hospital's day goes: waits, how well they were told, no-shows, calls that no phone has shown."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from models.journey import CALL_KINDS
from services.journey.health import HealthReport
from services.journey.wait_errors import WaitErrors, read_wait_errors
from services.journey.work import JourneyWork

# Who waits now is counted whenever they joined; what happened today, by when it was: a line goes on over midnight.
# Entries of older days are looked at no more, as each day is closed. Calls and no-shows are counted by what was told
# and logged: a call taken back, or who came back into the line, leaves nothing of it in the entry.
_DAY = text("""
    with recent as (
        select * from welno.queues where service_date >= cast(:today as date) - 1
    ), waiting as (
        select exam_id, count(*) as waiting from welno.queues where state in ('waiting', 'delayed') group by exam_id
    ), waits as (
        select exam_id, percentile_cont(array[0.5, 0.9])
            within group (order by extract(epoch from called_at - joined_at) / 60) as waits
        from recent where called_at >= :day_begins group by exam_id
    ), calls as (
        select q.exam_id, count(n.read_at) as seen, count(*) - count(n.read_at) as unseen
        from recent q join welno.notifications n using (queue_id)
        where n.created_at >= :day_begins and n.kind = any(:call_kinds) group by q.exam_id
    ), no_shows as (
        select q.exam_id, count(*) as no_shows
        from recent q join welno.queue_status_logs l using (queue_id)
        where l.created_at >= :day_begins and l.new_state = 'no_show' group by q.exam_id
    )
    select exam_id, coalesce(waiting, 0) as waiting, waits, coalesce(no_shows, 0) as no_shows,
        coalesce(seen, 0) as calls_seen, coalesce(unseen, 0) as calls_unseen
    from welno.exams left join waiting using (exam_id) left join waits using (exam_id) left join calls using (exam_id)
    left join no_shows using (exam_id)
    order by exam_id
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


def read_exam_days(journey: JourneyWork) -> dict[str, ExamDay]:
    """Of all exams today, in two statements."""
    day = {"today": journey.today, "day_begins": journey.day_begins, "call_kinds": sorted(CALL_KINDS)}
    rows = journey.session.execute(_DAY, day).all()
    errors = read_wait_errors(journey.session, [row.exam_id for row in rows], journey.day_begins)
    return {row.exam_id: _exam_day(row, errors[row.exam_id]) for row in rows}


def _exam_day(row: Row[Any], errors: WaitErrors) -> ExamDay:
    median, p90 = row.waits or (None, None)
    return ExamDay(
        errors=errors,
        waiting=row.waiting,
        wait_median=None if median is None else round(median, 1),
        wait_p90=None if p90 is None else round(p90, 1),
        no_shows=row.no_shows,
        calls_seen=row.calls_seen,
        calls_unseen=row.calls_unseen,
    )


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
