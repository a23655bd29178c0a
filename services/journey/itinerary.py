"""The best order of the exams that a person still has today: a suggestion, which binds nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import permutations

from services.journey.guidance import MapPoint, walk_minutes

# All orders of more stops would take longer to look through than the person to read them.
_MOST_PERMUTED = 6
_DEFAULT_EXAM_MINUTES = 10


class StopReason(StrEnum):
    """Why a stop comes where it comes."""

    SHORTEST_WAIT = "shortest_wait"
    FASTING = "fasting"
    APPOINTMENT_TIME = "appointment_time"
    STAFF_ORDER = "staff_order"


@dataclass(frozen=True)
class PlannedExam:
    """An exam that is still to be done, and how long its line is now. `scheduled_at` is None for a line that staff has
    put the person into: that comes first."""

    exam_id: str
    title: str
    place: MapPoint | None
    wait_minutes: int
    exam_minutes: int | None
    needs_fasting: bool
    scheduled_at: datetime | None

    @property
    def is_staff_order(self) -> bool:
        return self.scheduled_at is None


@dataclass(frozen=True)
class Stop:
    """`start_from` is the earliest moment at which the exam can begin."""

    exam: PlannedExam
    walk_minutes: int
    start_from: datetime
    because: StopReason


@dataclass(frozen=True)
class Itinerary:
    stops: tuple[Stop, ...]
    total_minutes: int


def plan_itinerary(exams: Sequence[PlannedExam], origin: MapPoint | None, now: datetime) -> Itinerary:
    """Staff's orders first, then what needs an empty stomach, then the order that is over soonest. Lines are taken to
    stay as long as they are; with each estimate it is planned anew."""
    ordered = [exam for exam in exams if exam.is_staff_order]
    fasting = [exam for exam in exams if not exam.is_staff_order and exam.needs_fasting]
    others = [exam for exam in exams if not exam.is_staff_order and not exam.needs_fasting]
    stops: list[Stop] = []
    at, place = now, origin
    for group in (ordered, fasting, others):
        walked, at, place = _best_order(group, at, place)
        stops += walked
    named = tuple(_with_reason(stop, has_others=bool(others)) for stop in stops)
    return Itinerary(named, round((at - now).total_seconds() / 60))


def _best_order(
    exams: Sequence[PlannedExam], at: datetime, place: MapPoint | None
) -> tuple[list[Stop], datetime, MapPoint | None]:
    """Of orders that end alike the one whose waits come soonest over, then that of the appointments."""
    known = sorted(exams, key=_sooner)
    orders = permutations(known) if len(known) <= _MOST_PERMUTED else [known]
    walks = (_walk(order, at, place) for order in orders)
    return min(walks, key=lambda walk: (walk[1], [stop.start_from for stop in walk[0]]))


def _walk(
    order: Sequence[PlannedExam], at: datetime, place: MapPoint | None
) -> tuple[list[Stop], datetime, MapPoint | None]:
    """One after the other; nothing begins before its appointment."""
    stops = []
    for exam in order:
        walk = walk_minutes(place, exam.place) if exam.place else 0
        ready_at = at + timedelta(minutes=walk + exam.wait_minutes)
        start_from = max(ready_at, exam.scheduled_at) if exam.scheduled_at else ready_at
        waits_for_time = start_from > ready_at
        because = StopReason.APPOINTMENT_TIME if waits_for_time else StopReason.SHORTEST_WAIT
        stops.append(Stop(exam, walk, start_from, because))
        at = start_from + timedelta(minutes=exam.exam_minutes or _DEFAULT_EXAM_MINUTES)
        place = exam.place or place
    return stops, at, place


def _sooner(exam: PlannedExam) -> tuple[bool, float, int]:
    scheduled = exam.scheduled_at.timestamp() if exam.scheduled_at else 0.0
    return not exam.needs_fasting, scheduled, exam.wait_minutes


def _with_reason(stop: Stop, *, has_others: bool) -> Stop:
    exam = stop.exam
    if exam.is_staff_order:
        return Stop(exam, stop.walk_minutes, stop.start_from, StopReason.STAFF_ORDER)
    if exam.needs_fasting and has_others:
        return Stop(exam, stop.walk_minutes, stop.start_from, StopReason.FASTING)
    return stop
