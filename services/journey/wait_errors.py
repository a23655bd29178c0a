"""How well waits were predicted: what people were told on joining, against when they were called, per exam and day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

# Of those who kept their turn, as in line_rates.
_READ = text("""
    select exam_id, count(*) as calls,
        percentile_cont(0.5) within group (order by abs(predicted - actual)) as median_error,
        avg(predicted - actual) as bias,
        avg(cast(actual between predicted_low and predicted_high as int)) as coverage
    from (
        select exam_id, predicted_wait_minutes as predicted, predicted_low_minutes as predicted_low,
            predicted_high_minutes as predicted_high, extract(epoch from called_at - joined_at) / 60 as actual
        from welno.queues
        where exam_id = any(:exam_ids) and called_at >= :day_begins
            and predicted_wait_minutes is not null and no_show_count = 0 and delay_count = 0
    ) told
    group by exam_id
""")


@dataclass(frozen=True)
class WaitErrors:
    """In minutes; `bias` is positive where people were told too much. `coverage` is the share of waits that lay in the
    band. All are None without a call."""

    calls: int = 0
    median_error: float | None = None
    bias: float | None = None
    coverage: float | None = None


def read_wait_errors(session: Session, exam_ids: Collection[str], day_begins: datetime) -> dict[str, WaitErrors]:
    """Of each of these exams and the calls since then, in one statement."""
    rows = session.execute(_READ, {"exam_ids": list(exam_ids), "day_begins": day_begins})
    found = {
        row.exam_id: WaitErrors(row.calls, _rounded(row.median_error), _rounded(row.bias), _rounded(row.coverage))
        for row in rows
    }
    return {exam_id: found.get(exam_id, WaitErrors()) for exam_id in exam_ids}


def _rounded(value: object) -> float | None:
    return None if value is None else round(float(value), 2)  # type: ignore[arg-type] # a number of whatever type
