"""A walked visit as FHIR: valid by three judges, found by whose and when, in a constant number of statements."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from models.journey import HospitalRoom, JourneyState
from services.journey.fhir.dates import read_date
from services.journey.fhir.documents import RESOURCE_KINDS, searchset
from services.journey.fhir.search import FhirPage, FhirSearch, find_resource, next_page, search_resources
from services.journey.syncing import sync_from_patient_state, sync_from_queue_update
from tests.integration.journey.ward import BLOOD, XRAY, Patient, Ward, counted
from tests.unit.services.journey.fhir.validators import find_faults

SEOUL = ZoneInfo("Asia/Seoul")


def search(ward: Ward, kind: str, **wanted: Any) -> FhirPage:
    with ward.stores.sessions() as session:
        return search_resources(session, kind, FhirSearch(**({"user_id": None} | wanted)))


def walk(ward: Ward) -> Patient:
    """Blood with a no-show, then X-ray, paid and gone."""
    patient = ward.patient(BLOOD, XRAY).comes(JourneyState.CALLED)
    patient.act("mark_no_show", by=ward.desk)
    ward.call_next()
    for exam_id in (BLOOD, XRAY):
        ward.advance(minutes=3)
        patient.act("enter_exam_room")
        ward.advance(minutes=5)
        patient.act("complete_exam", by=ward.desk)
        if exam_id == BLOOD:
            patient.act("confirm_arrival", {"exam_id": XRAY})
            ward.call_next(XRAY)
    for action in ("make_payment", "make_payment", "leave_hospital"):
        ward.advance(minutes=1)
        patient.act(action)
    return patient


def test_a_walked_visit_is_valid_by_three_judges(ward: Ward):
    patient = walk(ward)
    pages = [search(ward, kind, user_id=patient.user_id) for kind in RESOURCE_KINDS[:3]] + [search(ward, "Location")]
    resources = [one for page in pages for one in page.resources]
    assert [one["resourceType"] for one in resources] == [
        *["Appointment"] * 2,
        "Encounter",
        *["Task"] * 2,
        *["Location"] * 3,
    ]
    base = "https://welno.example/api/v1/fhir"
    bundles = [searchset(base, page.resources, page.total, {"self": f"{base}/Task"}) for page in pages]
    assert find_faults([*resources, *bundles]) == []
    encounter = resources[2]
    assert [one["status"] for one in encounter["statusHistory"]] == ["arrived", "in-progress", "finished"]
    assert [one["location"]["reference"] for one in encounter["location"]] == ["Location/R-101", "Location/R-102"]


@pytest.mark.parametrize("state", list(JourneyState)[1:])
def test_a_visit_under_way_is_valid_too(ward: Ward, state: JourneyState):
    patient = ward.patient(BLOOD).comes(state)
    found = [one for kind in RESOURCE_KINDS[:3] for one in search(ward, kind, user_id=patient.user_id).resources]
    assert find_faults(found) == []


def test_what_staff_cancelled_says_why(ward: Ward):
    patient = ward.patient(BLOOD).comes(JourneyState.WAITING)
    patient.act("cancel_appointment", {"queue_id": patient.queue["queue_id"], "reason": "기계 고장"}, by=ward.desk)
    [task] = search(ward, "Task").resources
    assert (task["status"], "text" in task["statusReason"]) == ("cancelled", True)
    assert find_faults([task]) == []


def test_another_persons_are_found_by_nobody_but_staff(ward: Ward):
    patient, other = (ward.patient(BLOOD).comes(JourneyState.WAITING) for _ in range(2))
    [mine] = search(ward, "Task", user_id=patient.user_id).resources
    assert search(ward, "Task").total == 2
    with ward.stores.sessions() as session:
        assert find_resource(session, "Task", mine["id"], patient.user_id) == mine
        assert find_resource(session, "Task", mine["id"], None) == mine
        assert find_resource(session, "Task", mine["id"], other.user_id) is None
        assert find_resource(session, "Task", "no-uuid", None) is None


def test_a_time_bounds_what_is_found(ward: Ward):
    patient = ward.patient(BLOOD, XRAY)
    begins = ward.clock.now().isoformat().replace("+00:00", "Z")
    for dates, total in ((["2026-11-26"], 2), (["lt2026-11-26"], 0), ([f"gt{begins}"], 1), (["ge2026", "le2026"], 2)):
        bounds = [read_date(one, SEOUL) for one in dates]
        assert search(ward, "Appointment", user_id=patient.user_id, dates=bounds).total == total
    changed = [read_date("lt2020", SEOUL)]
    assert [search(ward, kind, updated=changed).total for kind in RESOURCE_KINDS[:3]] == [0, 0, 0]


def test_pages_follow_each_other(ward: Ward):
    for _ in range(3):
        ward.patient(BLOOD)
    first = FhirSearch(None, count=2)
    second = next_page(first, 3)
    assert second is not None
    with ward.stores.sessions() as session:
        pages = [search_resources(session, "Appointment", one) for one in (first, second)]
    assert [len(page.resources) for page in pages] == [2, 1]
    assert len({one["id"] for page in pages for one in page.resources}) == 3
    assert next_page(second, 3) is None
    assert search(ward, "Appointment", count=0) == FhirPage([], 3)


@pytest.mark.parametrize("kind", RESOURCE_KINDS)
def test_many_resources_cost_no_more_statements(ward: Ward, kind: str):
    ward.patient(BLOOD).comes(JourneyState.WAITING)
    with counted(ward.stores.engine) as one:
        search(ward, kind)
    for _ in range(3):
        ward.patient(BLOOD).comes(JourneyState.WAITING)
    with counted(ward.stores.engine) as many:
        search(ward, kind)
    assert len(one) == len(many) <= 4


# As admins may name rooms: FHIR has no "_" in ids, the second is a floor's, the third a hashed room's.
ODD_ROOMS = ("R_101", "floor-1", f"room-{'0' * 40}")


def references_in(found: Any) -> Iterator[str]:
    """To places, wherever they stand."""
    if isinstance(found, dict):
        if str(found.get("reference", "")).startswith("Location/"):
            yield found["reference"]
        found = list(found.values())
    if isinstance(found, list):
        for one in found:
            yield from references_in(one)


@pytest.mark.parametrize("room_id", ODD_ROOMS)
def test_a_room_of_whatever_name_has_an_id_of_its_own_that_is_referred_to(ward: Ward, room_id: str):
    with ward.stores.sessions.begin() as session:
        session.add_all(HospitalRoom(room_id=one, title=one, floor=1, x=1.0, y=1.0) for one in ODD_ROOMS)
        session.flush()
        session.execute(
            text("update welno.exams set room_id = :room_id where exam_id = :e"), {"room_id": room_id, "e": XRAY}
        )
    patient = walk(ward)
    pages = [search(ward, kind, user_id=patient.user_id) for kind in RESOURCE_KINDS[:3]] + [search(ward, "Location")]
    assert find_faults([one for page in pages for one in page.resources]) == []
    ids = [one["id"] for one in pages[-1].resources]
    assert len(set(ids)) == len(ids) == 6
    assert {"floor-1", "R-101", "R-102"} < set(ids)
    for page in pages[:3]:
        with ward.stores.sessions() as session:
            told = {one.removeprefix("Location/") for one in references_in(page.resources)}
            names = {key: (find_resource(session, "Location", key, None) or {})["name"] for key in told}
        assert set(names.values()) == {"채혈실", room_id}


def encounter_of(patient: Patient) -> dict[str, Any]:
    [encounter] = search(patient.ward, "Encounter", user_id=patient.user_id).resources
    assert find_faults([encounter]) == []
    return encounter


def test_a_visit_with_an_exam_that_was_imported_as_completed_is_finished(ward: Ward):
    patient = ward.patient(BLOOD).comes(JourneyState.WAITING)
    ward.advance(minutes=5)
    ward.run(sync_from_queue_update, patient.entries()[0].queue_id, "completed", source="import")
    assert encounter_of(patient)["status"] == "in-progress"
    for action in ("make_payment", "make_payment", "leave_hospital"):
        ward.advance(minutes=1)
        patient.act(action)
    encounter = encounter_of(patient)
    assert [one["status"] for one in encounter["statusHistory"]] == ["arrived", "in-progress", "finished"]
    assert [(one["status"], "end" in one["period"]) for one in encounter["location"]] == [("completed", True)]


def test_a_visit_that_was_cancelled_before_any_exam_is_cancelled(ward: Ward):
    patient = ward.patient(BLOOD).comes(JourneyState.WAITING)
    ward.run(sync_from_patient_state, patient.user_id, "UNREGISTERED", source="import")
    assert encounter_of(patient)["status"] == "cancelled"


@pytest.mark.parametrize("names_end", [True, False])
def test_nobody_is_in_the_room_of_an_exam_that_was_broken_off(ward: Ward, names_end: bool):
    """Also of one that an earlier version has broken off without its end."""
    patient = ward.patient(BLOOD).comes(JourneyState.IN_PROGRESS)
    ward.advance(minutes=5)
    ward.run(sync_from_patient_state, patient.user_id, "UNREGISTERED", source="import")
    assert patient.entries()[0].completed_at == ward.clock.now()
    if not names_end:
        with ward.stores.sessions.begin() as session:
            session.execute(text("update welno.queues set completed_at = null"))
    [location] = encounter_of(patient)["location"]
    assert (location["status"], "end" in location["period"]) == ("completed", True)
