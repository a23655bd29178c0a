"""What is still to do today, read for one person."""

from uuid import uuid4

import pytest

from models.journey import JourneyState
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
