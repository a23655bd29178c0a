"""Reads what is told of a journey: its entries with place and estimate, today's appointments, the way. In a constant
number of statements, whoever asks and however many entries there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from models.journey import AppointmentStatus, JourneyState, QueueEntry, QueueState
from models.journey.states import ACTIVE_STATES, delays_left, most_advanced
from services.journey.estimates import Estimate, LineRates
from services.journey.guidance import Guidance, MapPoint, guide
from services.journey.itinerary import PlannedExam, plan_itinerary
from services.journey.line_rates import read_line_rates
from services.journey.lines import read_lines
from services.journey.origins import SEEN_LAST, origin_of
from services.journey.work import JourneyWork

_ENTRY = """
    select q.*, e.title as exam_name, r.room_id as shown_room_id, r.title as room_title, r.floor, r.x, r.y
    from welno.queues q join welno.exams e using (exam_id)
    left join welno.rooms r on r.room_id = coalesce(q.room_id, e.room_id)
"""
_OF_VISIT = text(f"{_ENTRY} where q.user_id = :user_id and q.visit_id = :visit_id order by q.joined_at, q.queue_id")
_NAMED = text(f"{_ENTRY} where q.queue_id = any(:queue_ids)")
# With where the person was seen last, once for all rows; :is_on_the_way spares that to who is led by their entry.
_APPOINTMENTS = text(f"""
    with seen as materialized (select * from ({SEEN_LAST}) last where :is_on_the_way)
    select a.appointment_id, a.exam_id, a.scheduled_at, a.status, e.title as exam_name, e.avg_minutes, e.needs_fasting,
        r.room_id as shown_room_id, r.title as room_title, r.floor, r.x, r.y,
        (select count(*) from welno.queues q where q.exam_id = a.exam_id and q.state = 'waiting') as waiting, seen.*
    from welno.appointments a join welno.exams e using (exam_id)
    left join welno.rooms r on r.room_id = e.room_id
    left join seen on true
    where a.user_id = :user_id and a.scheduled_at >= :day_begins and a.scheduled_at < :day_ends
    order by a.scheduled_at, a.exam_id, a.appointment_id
""")  # noqa: S608 names of our own
_ON_THE_WAY = frozenset({JourneyState.ARRIVED, JourneyState.REGISTERED, JourneyState.COMPLETED})


@dataclass(frozen=True)
class EntryView:
    """One entry as it is told. `position` and `estimate` are None for one that is not active any more."""

    row: Row[Any]
    place: MapPoint | None
    position: int | None
    estimate: Estimate | None

    @property
    def queue_id(self) -> UUID:
        queue_id: UUID = self.row.queue_id
        return queue_id

    @property
    def state(self) -> QueueState:
        return QueueState(self.row.state)

    @property
    def joined_at(self) -> datetime:
        joined_at: datetime = self.row.joined_at
        return joined_at

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def ahead(self) -> int | None:
        return None if self.position is None else max(self.position - 1, 0)


@dataclass(frozen=True)
class AppointmentView:
    row: Row[Any]
    place: MapPoint | None

    @property
    def is_open(self) -> bool:
        return bool(self.row.status == AppointmentStatus.SCHEDULED)


@dataclass(frozen=True)
class JourneyView:
    """`entries` are the active ones, the most advanced first; `all_entries` those of the visit, the older first."""

    entries: Sequence[EntryView]
    all_entries: Sequence[EntryView]
    appointments: Sequence[AppointmentView]
    guidance: Guidance | None

    @property
    def next_appointment(self) -> AppointmentView | None:
        return next((one for one in self.appointments if one.is_open), None)

    @property
    def delays_left(self) -> int:
        """How often they may still step aside in this visit by themselves."""
        return delays_left(entry.row.delay_count for entry in self.all_entries)


def view_journey(journey: JourneyWork, user_id: UUID, visit_id: UUID | None, state: JourneyState) -> JourneyView:
    """Four statements, two of whoever waits for nothing. What this change has written is seen, once it is flushed."""
    session = journey.session
    rows = session.execute(_OF_VISIT, {"user_id": user_id, "visit_id": visit_id}).all()
    is_on_the_way = state in _ON_THE_WAY
    day = {"user_id": user_id, "day_begins": journey.day_begins, "day_ends": journey.day_ends}
    day |= {"is_on_the_way": is_on_the_way}
    appointments = [AppointmentView(row, _place_of(row)) for row in session.execute(_APPOINTMENTS, day).all()]
    exam_ids = {row.exam_id for row in rows if row.state in ACTIVE_STATES}
    # Whoever is in no line is led to what they still have today.
    ahead = {one.row.exam_id for one in appointments if one.is_open} if is_on_the_way else set()
    rates = read_line_rates(session, exam_ids or ahead, journey.day_begins)
    views = _with_places(journey, rows, exam_ids, rates)
    active = [view for view in views if view.is_active]
    decisive = most_advanced(active)
    ordered = sorted(active, key=lambda view: view is not decisive)
    origin = origin_of(appointments[0].row) if appointments else None  # without any there is nowhere to go
    target = _target(journey, state, decisive, appointments, rates, origin)
    guidance = None if target is None else guide(origin if decisive is None else None, target)
    return JourneyView(ordered, views, appointments, guidance)


def view_entries(journey: JourneyWork, queue_ids: Collection[UUID]) -> dict[UUID, EntryView]:
    """Three statements for any number of entries, one for those that have ended, none for none."""
    if not queue_ids:
        return {}
    rows = journey.session.execute(_NAMED, {"queue_ids": list(queue_ids)}).all()
    exam_ids = {row.exam_id for row in rows if row.state in ACTIVE_STATES}
    rates = read_line_rates(journey.session, exam_ids, journey.day_begins)
    return {view.queue_id: view for view in _with_places(journey, rows, exam_ids, rates)}


def view_entry(journey: JourneyWork, entry: QueueEntry) -> EntryView:
    return view_entries(journey, [entry.queue_id])[entry.queue_id]


def _with_places(
    journey: JourneyWork, rows: Sequence[Row[Any]], exam_ids: Collection[str], rates: dict[str, LineRates]
) -> list[EntryView]:
    active = [row.queue_id for row in rows if row.state in ACTIVE_STATES]
    lines = read_lines(journey.session, exam_ids, journey.settings.overtake_limit, only=active)
    placed = {entry.queue_id: entry for line in lines.values() for entry in line}
    views = []
    for row in rows:
        entry = placed.get(row.queue_id)
        estimate = None
        if entry is not None and not entry.is_inside:
            estimate = journey.estimator.estimate(rates[row.exam_id], entry.ahead)
        views.append(EntryView(row, _place_of(row), None if entry is None else entry.position, estimate))
    return views


def _target(
    journey: JourneyWork,
    state: JourneyState,
    decisive: EntryView | None,
    appointments: Sequence[AppointmentView],
    rates: dict[str, LineRates],
    origin: MapPoint | None,
) -> MapPoint | None:
    """Where the person is expected next: by their entry, else by what they still have today."""
    if decisive is not None:
        return decisive.place
    if state not in _ON_THE_WAY:
        return None
    still = [
        PlannedExam(
            exam_id=one.row.exam_id,
            title=one.row.exam_name,
            place=one.place,
            wait_minutes=journey.estimator.estimate(rates[one.row.exam_id], one.row.waiting).minutes,
            exam_minutes=one.row.avg_minutes,
            needs_fasting=one.row.needs_fasting,
            scheduled_at=one.row.scheduled_at,
        )
        for one in appointments
        if one.is_open
    ]
    stops = plan_itinerary(still, origin, journey.now).stops
    return stops[0].exam.place if stops else None


def _place_of(row: Row[Any]) -> MapPoint | None:
    if row.shown_room_id is None:
        return None
    return MapPoint(row.room_title, row.floor, row.x, row.y, row.shown_room_id)
