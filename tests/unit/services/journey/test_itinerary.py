"""In which order a person is sent to what is still to be done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.journey.guidance import MapPoint
from services.journey.itinerary import Itinerary, PlannedExam, StopReason, plan_itinerary

NOW = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)
BLOOD = PlannedExam("EX-BLOOD", "채혈", MapPoint("채혈실", 1, 0, 0), 20, 5, needs_fasting=False, scheduled_at=NOW)
XRAY = replace(BLOOD, exam_id="EX-XRAY", wait_minutes=5, exam_minutes=8)
DOCTOR = replace(BLOOD, exam_id="EX-DOC", wait_minutes=0, exam_minutes=None)


def order(itinerary: Itinerary) -> list[tuple[str, StopReason]]:
    return [(stop.exam.exam_id, stop.because) for stop in itinerary.stops]


def test_nothing_to_do_is_an_empty_itinerary():
    assert plan_itinerary([], None, NOW) == Itinerary((), 0)


def test_the_shortest_wait_comes_first():
    found = plan_itinerary([BLOOD, XRAY], None, NOW)
    assert order(found) == [("EX-XRAY", StopReason.SHORTEST_WAIT), ("EX-BLOOD", StopReason.SHORTEST_WAIT)]
    assert [stop.start_from - NOW for stop in found.stops] == [timedelta(minutes=5), timedelta(minutes=33)]
    assert found.total_minutes == 38


def test_an_empty_stomach_comes_before_a_short_wait():
    found = plan_itinerary([XRAY, replace(BLOOD, needs_fasting=True)], None, NOW)
    assert order(found) == [("EX-BLOOD", StopReason.FASTING), ("EX-XRAY", StopReason.SHORTEST_WAIT)]


def test_fasting_is_no_reason_where_nothing_follows():
    assert order(plan_itinerary([replace(BLOOD, needs_fasting=True)], None, NOW)) == [
        ("EX-BLOOD", StopReason.SHORTEST_WAIT)
    ]


def test_the_time_until_an_appointment_is_used():
    later = replace(XRAY, scheduled_at=NOW + timedelta(hours=1))
    found = plan_itinerary([later, BLOOD], None, NOW)
    assert order(found) == [("EX-BLOOD", StopReason.SHORTEST_WAIT), ("EX-XRAY", StopReason.APPOINTMENT_TIME)]
    assert found.stops[1].start_from == NOW + timedelta(hours=1)
    assert found.total_minutes == 68


def test_what_staff_has_ordered_comes_first_of_all():
    ordered = replace(BLOOD, exam_id="EX-US", scheduled_at=None, wait_minutes=40)
    found = plan_itinerary([replace(XRAY, needs_fasting=True), ordered], None, NOW)
    assert order(found) == [("EX-US", StopReason.STAFF_ORDER), ("EX-XRAY", StopReason.SHORTEST_WAIT)]


def test_of_equal_waits_the_nearer_room_comes_first():
    here, far = MapPoint("입구", 1, 0, 0), MapPoint("별관", 4, 300, 0)
    near = replace(BLOOD, exam_id="NEAR", place=MapPoint("옆방", 1, 10, 0))
    found = plan_itinerary([replace(near, exam_id="FAR", place=far), near], here, NOW)
    assert [stop.exam.exam_id for stop in found.stops] == ["NEAR", "FAR"]
    assert [stop.walk_minutes for stop in found.stops] == [1, 11]


def test_more_stops_than_can_be_tried_are_in_the_order_of_their_appointments():
    many = [replace(DOCTOR, exam_id=str(hour), scheduled_at=NOW + timedelta(hours=hour)) for hour in range(9)]
    found = plan_itinerary(many[::-1], None, NOW)
    assert [stop.exam.exam_id for stop in found.stops] == [str(hour) for hour in range(9)]
