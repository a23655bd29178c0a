"""What is still to do today, read for one person."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from models.journey import Exam, HospitalRoom, JourneyState
from services.journey.errors import PersonNotFound
from services.journey.itineraries import itinerary_body, read_itinerary
from services.journey.queueing import join_queue
from tests.integration.journey.ward import BLOOD, XRAY, Patient, Ward, counted


def itinerary_of(patient: Patient) -> dict:
    return itinerary_body(patient.ward.run(read_itinerary, patient.user_id))


def reasons(patient: Patient) -> list[tuple[str, str]]:
    return [(stop["exam_id"], stop["because"]) for stop in itinerary_of(patient)["stops"]]


def test_open_appointments_of_today_are_planned_by_their_waits(ward: Ward):
    ward.patient().comes(JourneyState.WAITING)  # somebody is in line for blood
    patient = ward.patient(BLOOD)
    patient.has_appointment(XRAY, ward.clock.now())
    patient.comes(JourneyState.REGISTERED)
    assert reasons(patient) == [(XRAY, "shortest_wait"), (BLOOD, "shortest_wait")]
    [xray, blood] = itinerary_of(patient)["stops"]
    assert (xray["wait_minutes"], blood["wait_minutes"]) == (0, 5)
    assert xray["room"]["room_id"] == "R-102"


def test_what_is_done_cancelled_or_of_another_day_is_left_out(ward: Ward):
    patient = ward.patient(BLOOD)
    patient.has_appointment(XRAY, ward.clock.now(), status="cancelled")
    tomorrow = ward.clock.now().replace(day=ward.clock.now().day + 1)
    patient.has_appointment(XRAY, tomorrow)
    patient.comes(JourneyState.COMPLETED)
    assert itinerary_of(patient) == {"stops": [], "total_minutes": 0}


def test_a_line_that_staff_has_chosen_comes_first(ward: Ward):
    patient = ward.patient(BLOOD).comes(JourneyState.REGISTERED)
    ward.run(join_queue, patient.user_id, XRAY, ward.desk)
    assert reasons(patient)[0] == (XRAY, "staff_order")


def test_the_way_begins_where_the_person_was_seen_last(ward: Ward):
    patient = ward.patient()
    patient.has_appointment(XRAY, ward.clock.now())
    patient.comes(JourneyState.COMPLETED)
    [stop] = itinerary_of(patient)["stops"]
    assert stop["walk_minutes"] == 1  # ten metres from blood


def test_many_appointments_cost_no_more_statements(ward: Ward):
    patient = ward.patient(BLOOD).comes(JourneyState.REGISTERED)
    with counted(ward.stores.engine) as one:
        itinerary_of(patient)
    patient.has_appointment(XRAY, ward.clock.now())
    with counted(ward.stores.engine) as two:
        itinerary_of(patient)
    assert len(one) == len(two) <= 6


def test_nobody_has_no_itinerary(ward: Ward):
    with pytest.raises(PersonNotFound):
        ward.run(read_itinerary, uuid4())


def done_in_two_rooms(ward: Ward) -> Patient:
    """First in the one that they joined last. The entrance is near one room, where they are the other."""
    with ward.stores.sessions.begin() as session:
        for exam_id, room_id, x in (("EX-FAR", "R-109", 900.0), ("EX-NEAR", "R-108", 0.0)):
            session.add(HospitalRoom(room_id=room_id, title=room_id, floor=1, x=x, y=5.0))
            session.flush()
            more = {"title": exam_id, "display_title": exam_id, "avg_minutes": 5, "needs_fasting": False}
            session.add(Exam(exam_id=exam_id, room_id=room_id, **more))
        session.execute(text("update welno.rooms set x = 800 where room_id = 'R-101'"))
    person = ward.patient().comes(JourneyState.WAITING, BLOOD)
    ward.has_scans_of(ward.clock.now())
    for exam_id in ("EX-FAR", "EX-NEAR"):
        person.has_appointment(exam_id, ward.clock.now())
    ward.advance(minutes=1)
    ward.run(join_queue, person.user_id, XRAY, ward.desk)
    for exam_id in (XRAY, BLOOD):
        ward.advance(minutes=1)
        [queue_id] = [str(entry.queue_id) for entry in person.entries() if entry.exam_id == exam_id]
        ward.call(queue_id)
        person.act("enter_exam_room", {"queue_id": queue_id})
        person.act("complete_exam", {"queue_id": queue_id})
    return person


def guidance_of(person: Patient) -> tuple[str, str, str]:
    """From where, to where, and the itinerary's first."""
    guidance = person.snapshot()["guidance"]
    return guidance["from"]["title"], guidance["to"]["room_id"], itinerary_of(person)["stops"][0]["room"]["room_id"]


def test_guidance_leads_from_the_room_that_was_left_last_to_the_itinerary_s_first(ward: Ward):
    person = done_in_two_rooms(ward)
    assert person.state == JourneyState.COMPLETED
    assert guidance_of(person) == ("채혈실", "R-109", "R-109")


def test_a_scan_on_the_way_is_where_both_set_out_from(ward: Ward):
    person = done_in_two_rooms(ward)
    ward.has_scans_of(ward.clock.now() + timedelta(minutes=1))
    assert guidance_of(person) == ("현관", "R-108", "R-108")


def test_a_tag_that_is_out_of_use_tells_nothing_of_where_somebody_is(ward: Ward):
    person = done_in_two_rooms(ward)
    with ward.stores.sessions.begin() as session:
        session.execute(
            text("update welno.tag_logs set created_at = :at, action = 'inactive'"), {"at": ward.clock.now()}
        )
    assert guidance_of(person) == ("채혈실", "R-109", "R-109")
