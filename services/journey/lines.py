"""The lines in their order: who is called next, and how many come before each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.journey import JourneyState, QueueState

_INSIDE = frozenset({QueueState.CALLED, QueueState.IN_PROGRESS})

# The order in which people of one line are called. Whoever is left from an earlier day comes first; then emergencies;
# then whoever was overtaken too often; then by priority and place. Overtaken is counted from the calls of greater
# places since this one was taken, and no further than it matters: a call writes no other person's row. Where nobody has
# a priority it changes nothing: whoever has the smaller place was overtaken at least as often.
_READ = text("""
    with active as (
        select q.*, bool_or(q.priority between 1 and 2) over (partition by q.exam_id) as has_priorities
        from welno.queues q
        where q.exam_id = any(:exam_ids) and q.state in ('waiting', 'delayed', 'called', 'in_progress')
    ), judged as (
        select a.*, a.has_priorities and (
            select count(*) from (
                select 1 from welno.queues c
                where c.exam_id = a.exam_id and c.service_date = a.service_date and c.place > a.place
                    and c.called_at >= greatest(a.place_since, c.place_since)
                limit :overtake_limit
            ) overtaking
        ) >= :overtake_limit as was_overtaken
        from active a
    ), line as (
        select judged.*, row_number() over (
            partition by exam_id order by service_date, priority = 3 desc, was_overtaken desc, priority desc, place
        ) as rank
        from judged
    ), counted as (
        select line.*, count(*) filter (where state = 'waiting') over (
            partition by exam_id order by rank rows between unbounded preceding and 1 preceding
        ) as ahead
        from line
    )
    select counted.*, s.current_state as journey_state, case when state = 'called' then greatest(called_at, (
        select max(n.created_at) from welno.notifications n
        where n.queue_id = counted.queue_id and n.kind in ('patient_called', 'call_repeated')
    )) end as last_called_at
    from counted join welno.patient_states s using (user_id)
    where (cast(:only as uuid[]) is null or queue_id = any(cast(:only as uuid[])))
        and (cast(:first as int) is null or (state = 'waiting' and ahead < :first))
    order by exam_id, case state when 'in_progress' then 0 when 'called' then 1 else 2 end, rank
""")


@dataclass(frozen=True, kw_only=True)
class LineEntry:
    """One active entry. `ahead` counts who waits before it; a delayed one is counted before nobody, and keeps its own.
    `told_position` and `told_minutes` are what its person was told last. `last_called_at` is None for who is not called
    now; else it is when their call was made or repeated last. `journey_state` is of its person: called or inside in
    another line, they wait in this one all the same."""

    queue_id: UUID
    user_id: UUID
    visit_id: UUID
    exam_id: str
    room_id: str | None
    service_date: date
    queue_number: int
    state: QueueState
    journey_state: JourneyState
    priority: int
    priority_reason: str | None
    ahead: int
    told_position: int | None
    told_minutes: int | None
    no_show_count: int
    call_count: int
    joined_at: datetime
    called_at: datetime | None
    last_called_at: datetime | None
    call_seen_at: datetime | None
    started_at: datetime | None
    version: int

    @property
    def is_inside(self) -> bool:
        """Called, or being examined."""
        return self.state in _INSIDE

    @property
    def position(self) -> int:
        """From 1; 0 for whoever is called or inside."""
        return 0 if self.is_inside else self.ahead + 1


def read_lines(
    session: Session,
    exam_ids: Collection[str],
    overtake_limit: int,
    only: Collection[UUID] | None = None,
    first: int | None = None,
) -> dict[str, list[LineEntry]]:
    """The active entries of each line in one statement: first who is inside, then who is called, then in the order of
    calling. An exam without any has an empty line. `only` gives no more than these, with their places among all;
    `first` no more than so many who wait."""
    lines: dict[str, list[LineEntry]] = {exam_id: [] for exam_id in exam_ids}
    if not lines:
        return lines
    parameters = {
        "exam_ids": list(exam_ids),
        "overtake_limit": overtake_limit,
        "only": None if only is None else list(only),
        "first": first,
    }
    for row in session.execute(_READ, parameters):
        lines[row.exam_id].append(
            LineEntry(
                queue_id=row.queue_id,
                user_id=row.user_id,
                visit_id=row.visit_id,
                exam_id=row.exam_id,
                room_id=row.room_id,
                service_date=row.service_date,
                queue_number=row.queue_number,
                state=QueueState(row.state),
                journey_state=JourneyState(row.journey_state),
                priority=row.priority,
                priority_reason=row.priority_reason,
                ahead=0 if row.state in _INSIDE else row.ahead,
                told_position=row.told_position,
                told_minutes=row.estimated_wait_time,
                no_show_count=row.no_show_count,
                call_count=row.call_count,
                joined_at=row.joined_at,
                called_at=row.called_at,
                last_called_at=row.last_called_at,
                call_seen_at=row.call_seen_at,
                started_at=row.started_at,
                version=row.version,
            )
        )
    return lines
