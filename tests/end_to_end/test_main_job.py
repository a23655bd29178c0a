"""The main job: from a person's consent to stored records, on the trend path and on the report path."""

import json

import pytest

from tests.end_to_end.following import open_socket, receive
from tests.end_to_end.person import REPORT_PAGE, TREND, Visit, kind_of
from tests.end_to_end.product import Product
from tests.end_to_end.served import checkup_columns, treatment_columns

AUTHENTICATION = ["auth_key_received", "auth_waiting", "auth_completed"]
COLLECTION = [
    "fetching_health_data",
    "health_data_completed",
    "fetching_prescription_data",
    "prescription_completed",
]
REPORT = ["mediarc_generating", "mediarc_completed_password_ready"]


def follow(visit: Visit) -> list[dict]:
    with open_socket(visit) as socket:
        visit.asks_for_push().approves()
        return receive(socket)


def test_the_trend_path_says_every_event_in_order(product: Product):
    events = follow(product.meet().is_known_with().start(redirect_path=TREND))
    assert [kind_of(event) for event in events] == [*AUTHENTICATION, *COLLECTION, "completed"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_the_report_path_says_every_event_in_order(product: Product):
    events = follow(product.meet().is_known_with().start(redirect_path=REPORT_PAGE))
    assert [kind_of(event) for event in events] == [*AUTHENTICATION, *COLLECTION, *REPORT, "completed"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_every_event_has_what_the_specification_lists(product: Product):
    visit = product.meet().is_known_with().start(redirect_path=REPORT_PAGE)
    events = {kind_of(event): event for event in follow(visit)}
    for event in events.values():
        assert event["session_id"] == visit.session_id
        assert event["message"]
        assert event["epoch"] == events["completed"]["epoch"]
        assert event["timestamp"].endswith("+00:00")
    assert events["auth_key_received"]["data"] == {"cx_id": visit.cx_id}
    assert set(events["auth_completed"]["data"]) == {"user_name"}
    assert events["health_data_completed"]["data"]["count"] == 3
    assert events["health_data_completed"]["data"]["redirect_to_report"] is True
    assert events["prescription_completed"]["data"]["count"] == 6
    assert events["completed"]["data"]["counts"] == {"health_data": 3, "prescription_data": 6}


def test_a_new_person_has_ids_as_soon_as_the_checkups_are_here(product: Product):
    visit = product.meet().is_known_with().collects(redirect_path=REPORT_PAGE)
    told = [event["data"] for event in visit.events() if "patient_uuid" in event.get("data", {})]
    assert len(told) == 4
    assert len({(data["patient_uuid"], data["hospital_id"]) for data in told}) == 1
    assert told[0]["patient_uuid"]
    assert told[0]["hospital_id"] == "PEERNINE"


def test_a_known_person_keeps_their_ids(product: Product):
    person = product.meet().is_known_with()
    first, second = person.collects(), person.collects()
    known = second.wait_for("health_data_completed")["data"]
    assert known["patient_uuid"] == first.patient_uuid
    assert known["hospital_id"] == "PEERNINE"
    assert len(product.rows("select * from welno.welno_patients where phone = :p", p=person.phone_no)) == 1


def test_the_same_person_twice_at_the_same_moment_is_one_patient(product: Product):
    person = product.meet().is_known_with()
    visits = [person.start(), person.start()]
    for visit in visits:  # the phone shows one request at a time
        visit.asks_for_push().approves()
        visit.wait_for("auth_completed")
    assert len({visit.patient_uuid for visit in visits}) == 1
    patient = product.rows("select * from welno.welno_patients where phone = :p", p=person.phone_no)
    assert len(patient) == 1
    rows = product.rows("select * from welno.welno_checkup_data where patient_uuid = :u", u=patient[0]["uuid"])
    assert len(rows) == 3


@pytest.mark.parametrize("path", [TREND, REPORT_PAGE])
def test_the_rows_equal_what_was_served_field_by_field(product: Product, path: str):
    visit = product.meet().is_known_with(checkups=10, prescriptions=40, image_bytes=2000).collects(redirect_path=path)
    served = product.provider.served_to(visit.cx_id)
    checkups = [checkup_columns(row) for row in served["checkups"][0]["ResultList"]]
    treatments = [treatment_columns(row) for row in served["prescriptions"][0]["ResultList"]]
    assert len(checkups) == 10
    assert len(treatments) == 40
    assert stored(product, visit, "welno_checkup_data", "checkup_date", checkups[0]) == ordered(checkups)
    assert stored(product, visit, "welno_prescription_data", "treatment_date", treatments[0]) == ordered(treatments)


def stored(product: Product, visit: Visit, table: str, day: str, like: dict) -> list[dict]:
    found = product.rows(f"select * from welno.{table} where patient_uuid = :u order by {day}", u=visit.patient_uuid)
    return ordered([{name: row[name] for name in like} for row in found])


def ordered(rows: list[dict]) -> list[dict]:
    return sorted(rows, key=lambda row: json.dumps(row["raw_data"], sort_keys=True))


def test_the_patient_the_consent_and_the_report_are_kept(product: Product):
    person = product.meet(gender="M", birthdate="19790304").is_known_with()
    visit = person.collects(redirect_path=REPORT_PAGE)
    of_patient = {"u": visit.patient_uuid}
    patient = product.rows("select * from welno.welno_patients where uuid = :u", **of_patient)[0]
    assert (patient["name"], patient["phone"], patient["gender"]) == (person.user_name, person.phone_no, "M")
    assert patient["birth_date"].isoformat() == "1979-03-04"
    assert patient["has_health_data"]
    assert patient["has_prescription_data"]
    assert patient["has_mediarc_report"]
    assert len(product.rows("select * from welno.tb_wello_terms_agreement where patient_uuid = :u", **of_patient)) == 1
    report = product.rows("select * from welno.welno_mediarc_reports where patient_uuid = :u", **of_patient)[0]
    served = report["mediarc_response"]
    assert report["report_url"] == served["report_url"]
    assert (report["bodyage"], report["rank"]) == (served["mediarC"]["bodyage"], served["mediarC"]["rank"])
    entries = served["mediarC"]["data"]
    assert report["disease_data"] == [entry for entry in entries if entry["type"] == "disease"]
    assert report["cancer_data"] == [entry for entry in entries if entry["type"] == "cancer"]


def test_an_order_of_a_campaign_goes_through_its_steps(product: Product):
    person = product.meet().is_known_with()
    oid = f"order-{person.phone_no}"
    product.execute(
        "insert into welno.tb_campaign_payments (oid, user_name, birth_date, user_phone)"
        f" values ('{oid}', '{person.user_name}', '{person.birthdate}', '{person.phone_no}')"
    )
    visit = person.collects(redirect_path=REPORT_PAGE, oid=oid)
    order = product.rows("select * from welno.tb_campaign_payments where oid = :o", o=oid)[0]
    assert order["pipeline_step"] == "REPORT_COMPLETED"
    assert str(order["patient_uuid"]) == visit.patient_uuid
    assert order["report_url"] == order["mediarc_response"]["report_url"]


def test_the_name_loses_its_suffix_and_numbers_are_compared_as_digits(product: Product):
    person = product.meet().is_known_with()
    phone = f"{person.phone_no[:3]}-{person.phone_no[3:7]}-{person.phone_no[7:]}"
    typed = {"user_name": f"{person.user_name} 님", "phone_no": phone, "birthdate": "1984-05-17"}
    assert person.collects(**typed).patient_uuid == person.collects().patient_uuid


def test_the_status_tells_the_whole_story_at_the_end(product: Product):
    visit = product.meet().is_known_with().collects()
    status = visit.status()
    assert status["status"] == "completed"
    assert all(status["progress"].values())
    assert status["counts"] == {"health_data": 3, "prescription_data": 6}
    assert [event["seq"] for event in status["messages"]] == [6, 7, 8]
    assert status["last_seq"] == 8
    assert len(status["health_data"]) == 3
    assert len(status["prescription_data"]) == 6
    assert status["user_name"] != visit.person.user_name
    assert visit.browser.get(f"/api/v1/tilko/session/status/{visit.session_id}").json() == status


def test_nothing_needed_to_go_on_is_kept_after_the_end(product: Product):
    visit = product.meet().is_known_with().collects()
    run = product.rows("select * from welno.welno_collection_history where session_id = :s", s=visit.session_id)[0]
    assert (run["identity"], run["auth"], run["run_state"]) == (None, None, "ended")
    assert (run["health_count"], run["prescription_count"]) == (3, 6)
    assert run["collection_started_at"] <= run["collection_ended_at"]


def test_the_collection_goes_on_when_the_browser_is_closed_after_the_approval(product: Product):
    visit = product.meet().is_known_with().start().asks_for_push().approves()
    visit.browser.close()
    visit.browser = visit.person.browser()
    visit.browser.headers.update(visit.bearer)
    assert visit.wait_for("completed")
