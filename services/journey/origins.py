"""From where a person sets out: the one source for their guidance and their itinerary."""

from typing import Any

from sqlalchemy import Row

from services.journey.guidance import MapPoint

# Where :user_id was seen last since :day_begins: in a room in which an exam was completed, or at a tag. Nothing
# of who was seen nowhere. Its columns are named apart, so that it may stand beside others.
SEEN_LAST = """
    select title as seen_title, floor as seen_floor, x as seen_x, y as seen_y, room_id as seen_room_id from (
        select r.title, r.floor, r.x, r.y, r.room_id, q.completed_at as at
        from welno.queues q join welno.exams e using (exam_id)
        join welno.rooms r on r.room_id = coalesce(q.room_id, e.room_id)
        where q.user_id = :user_id and q.completed_at >= :day_begins
        union all
        select t.title, t.floor, t.x, t.y, t.room_id, l.created_at
        from welno.tag_logs l join welno.nfc_tags t using (tag_id)
        where l.user_id = :user_id and l.created_at >= :day_begins and l.action in ('scan', 'rescan')
    ) seen
    order by at desc limit 1
"""


def origin_of(row: Row[Any] | None) -> MapPoint | None:
    """Of a row with the columns of SEEN_LAST."""
    if row is None or row.seen_title is None:
        return None
    return MapPoint(row.seen_title, row.seen_floor, row.seen_x, row.seen_y, row.seen_room_id)
