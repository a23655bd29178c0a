"""The two paths from consent to stored records, through the real processes."""

from collections.abc import Iterable

import orjson
import pytest

from core.names import Status
from services.patients.pictures import as_served
from tests.integration.collection.driver import CHECKUPS, REPORT, Driver, make_identity

TREND_EVENTS = [
    "auth_key_received",
    "auth_waiting",
    "auth_completed",
    "fetching_health_data",
    "health_data_completed",
    "fetching_prescription_data",
    "prescription_completed",
    "completed",
]
REPORT_EVENTS = [*TREND_EVENTS[:-1], "mediarc_generating", "mediarc_completed_password_ready", "completed"]


def test_the_trend_path_tells_its_events_in_order(driver: Driver):
    session_id = driver.approved()
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id) == TREND_EVENTS
    assert driver.billed(session_id) == (1, 1, 0)


def test_the_report_path_tells_its_events_in_order(driver: Driver):
    session_id = driver.approved(report=True)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id) == REPORT_EVENTS
    assert driver.billed(session_id) == (1, 1, 1)


def test_events_carry_who_and_how_many(driver: Driver):
    session_id = driver.approved(report=True, checkups=4, prescriptions=5)
    run = driver.wait_for(session_id, Status.COMPLETED)
    ids = {"patient_uuid": str(run.patient_uuid), "hospital_id": "PEERNINE"}
    data = {name: driver.wait_for_event(session_id, name).get("data") for name in REPORT_EVENTS}
    assert data["auth_completed"] == {"user_name": "정*람"}
    assert data["health_data_completed"] == {"count": 4, "redirect_to_report": True, **ids}
    assert data["prescription_completed"] == {"count": 5, **ids}
    assert data["mediarc_completed_password_ready"] == ids
    assert data["completed"] == {"counts": {"health_data": 4, "prescription_data": 5}, **ids}


def test_a_known_person_keeps_their_uuid(driver: Driver):
    identity = make_identity()
    driver.add_person(identity)
    found = []
    for _ in range(2):
        session_id = driver.start(identity)
        driver.ask_auth(session_id)
        driver.approve(session_id)
        found.append(driver.wait_for(session_id, Status.COMPLETED).patient_uuid)
    assert found[0] == found[1]
    query = "select count(*) from welno.welno_checkup_data where patient_uuid = :uuid"
    assert driver.value(query, uuid=found[0]) == 2


def test_two_sessions_of_one_new_person_end_with_one_patient(driver: Driver):
    identity = make_identity()
    driver.add_person(identity)
    both = [driver.start(identity), driver.start(identity)]
    held = []
    for session_id in both:  # one after the other on the phone, and together from there on
        driver.ask_auth(session_id)
        held.append(driver.fault(CHECKUPS, cxid=driver.cxid(session_id), calls=1, hold="before"))
        driver.approve(session_id)
        driver.wait_until_held(held[-1])
    for fault in held:
        driver.release(fault)
    assert len({driver.wait_for(session_id, Status.COMPLETED).patient_uuid for session_id in both}) == 1
    query = "select count(*) from welno.welno_patients where phone = :phone"
    assert driver.value(query, phone=identity.phone_no) == 1


def test_rows_hold_what_the_provider_served(driver: Driver):
    session_id = driver.approved(checkups=3, prescriptions=7)
    run = driver.wait_for(session_id, Status.COMPLETED)
    served = driver.served(session_id)
    checkups = driver.rows(
        "select raw_data from welno.welno_checkup_data where patient_uuid = :id", id=run.patient_uuid
    )
    assert _sorted(row.raw_data for row in checkups) == _sorted(served["checkups"][0]["ResultList"])
    parts = "select raw_data, details, pictures from welno.welno_prescription_data where patient_uuid = :id"
    treatments = [as_served(*row) for row in driver.rows(parts, id=run.patient_uuid)]
    assert _sorted(treatments) == _sorted(served["prescriptions"][0]["ResultList"])


def _sorted(records: Iterable[object]) -> list[bytes]:
    return sorted(orjson.dumps(record, option=orjson.OPT_SORT_KEYS) for record in records)


def test_what_was_only_needed_to_go_on_is_erased_at_the_end(driver: Driver):
    session_id = driver.approved()
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert (run.run_state, run.identity, run.auth) == ("ended", None, None)
    assert set(driver.files(session_id)) <= {"completed", ".history"}


@pytest.mark.parametrize("counts", [(0, 0), (None, None)], ids=["empty lists", "null lists"])
def test_zero_records_are_a_success(driver: Driver, counts):
    session_id = driver.approved(report=True, checkups=counts[0], prescriptions=counts[1])
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert (run.health_count, run.prescription_count, run.health_failed) == (0, 0, False)
    # Nothing to predict from, so no report is even begun.
    assert driver.event_names(session_id) == TREND_EVENTS
    assert driver.billed(session_id) == (1, 1, 0)


def test_an_answer_of_thirty_mib_passes(driver: Driver):
    session_id = driver.approved(prescriptions=40, image_bytes=760_000)
    run = driver.wait_for(session_id, Status.COMPLETED, timeout=60)
    assert run.prescription_count == 40
    query = "select sum(length(stored::text)) from welno.welno_prescription_data stored where patient_uuid = :uuid"
    assert 30 * 2**20 < driver.value(query, uuid=run.patient_uuid) < 50 * 2**20  # once, and the quotes of its JSON
    assert driver.billed(session_id) == (1, 1, 0)


def test_a_report_needs_values_to_predict_from(driver: Driver):
    session_id = driver.approved(report=True, checkups=1, newest_lacks_sugar=True)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id)[-3:] == ["mediarc_generating", "mediarc_failed", "completed"]
    data = driver.wait_for_event(session_id, "mediarc_failed")["data"]
    assert (data["code"], data["missing"]) == ("REPORT_INPUTS_MISSING", ["fasting_glucose"])
    assert driver.billed(session_id) == (1, 1, 0)


def test_the_report_path_needs_the_redirect(driver: Driver):
    identity = make_identity()
    driver.add_person(identity)
    session_id = driver.start(identity, redirect_path=f"{REPORT}?from=campaign")
    driver.ask_auth(session_id)
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 1)
