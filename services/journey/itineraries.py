"""A person's itinerary, read: what is still open today, how long its lines are now, and from where they set out."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from services.journey.bodies import room_body
from services.journey.guidance import MapPoint
from services.journey.itinerary import Itinerary, PlannedExam, Stop, plan_itinerary
from services.journey.line_rates import read_line_rates
from services.journey.lines import read_lines
from services.journey.locking import require_user
from services.journey.origins import SEEN_LAST, origin_of
from services.journey.work import JourneyWork

# Open appointments of today, and lines that staff has put the person into.
_OPEN = text("""
    with open as (
        select a.exam_id, a.scheduled_at, null::uuid as queue_id,
            (select count(*) from welno.queues q where q.exam_id = a.exam_id and q.state = 'waiting') as ahead
        from welno.appointments a
        where a.user_id = :user_id and a.status = 'scheduled'
            and a.scheduled_at >= :day_begins and a.scheduled_at < :day_ends
        union all
        select q.exam_id, null, q.queue_id, 0
        from welno.queues q
        where q.user_id = :user_id and q.state = 'waiting' and exists (
            select 1 from welno.queue_status_logs l
            where l.queue_id = q.queue_id and l.previous_state is null and l.changed_by is not null
        )
    )
    select open.*, e.title as exam_name, e.avg_minutes, e.needs_fasting, r.room_id, r.title as room_title, r.floor,
        r.x, r.y
    from open join welno.exams e using (exam_id)
    left join welno.queues q on q.queue_id = open.queue_id
    left join welno.rooms r on r.room_id = coalesce(q.room_id, e.room_id)
    order by open.scheduled_at, exam_id
""")
_SEEN = text(SEEN_LAST)


def read_itinerary(journey: JourneyWork, user_id: UUID) -> Itinerary:
    """In a constant number of statements. Raises PersonNotFound."""
    require_user(journey, user_id)
    day = {"user_id": user_id, "day_begins": journey.day_begins, "day_ends": journey.day_ends}
    rows = journey.session.execute(_OPEN, day).all()
    origin = origin_of(journey.session.execute(_SEEN, day).one_or_none())
    exam_ids = {row.exam_id for row in rows}
    rates = read_line_rates(journey.session, exam_ids, journey.day_begins)
    ordered = [row.queue_id for row in rows if row.queue_id is not None]
    lines = read_lines(journey.session, exam_ids, journey.settings.overtake_limit, only=ordered)
    ahead = {entry.queue_id: entry.ahead for line in lines.values() for entry in line}
    exams = [
        _planned(row, journey.estimator.estimate(rates[row.exam_id], ahead.get(row.queue_id, row.ahead)).minutes)
        for row in rows
    ]
    return plan_itinerary(exams, origin, journey.now)


def itinerary_body(itinerary: Itinerary) -> dict[str, Any]:
    return {
        "stops": [_stop_body(stop) for stop in itinerary.stops],
        "total_minutes": itinerary.total_minutes,
    }


def _planned(row: Row[Any], wait_minutes: int) -> PlannedExam:
    place = None if row.room_id is None else MapPoint(row.room_title, row.floor, row.x, row.y, row.room_id)
    return PlannedExam(
        exam_id=row.exam_id,
        title=row.exam_name,
        place=place,
        wait_minutes=wait_minutes,
        exam_minutes=row.avg_minutes,
        needs_fasting=row.needs_fasting,
        scheduled_at=row.scheduled_at,
    )


def _stop_body(stop: Stop) -> dict[str, Any]:
    return {
        "exam_id": stop.exam.exam_id,
        "exam_name": stop.exam.title,
        "room": stop.exam.place and room_body(stop.exam.place),
        "walk_minutes": stop.walk_minutes,
        "wait_minutes": stop.exam.wait_minutes,
        "start_from": stop.start_from.isoformat(),
        "because": str(stop.because),
    }
