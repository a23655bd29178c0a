"""A person who withdraws a consent while a collection of theirs is under way."""

from models.patients import ConsentKind
from tests.end_to_end.person import API, REPORT_PAGE, Visit
from tests.end_to_end.product import Product
from tests.end_to_end.provider import CHECKUPS, TREATMENTS
from tests.waiting import wait_until


def withdraw(visit: Visit, patient_uuid: str, kind: ConsentKind) -> int:
    answer = visit.browser.post(f"{API}/patients/{patient_uuid}/consents/{kind}/withdraw")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["withdrawn"])


def count_rows(product: Product, table: str, visit: Visit) -> int:
    query = f"select count(*) as n from welno.{table} where session_id = :s"
    return int(product.rows(query, s=visit.session_id)[0]["n"])


def test_a_withdrawal_in_the_middle_of_a_run_stops_it_and_stores_nothing(product: Product):
    person = product.meet().is_known_with()
    before = person.collects()
    visit = person.start().asks_for_push()
    with product.provider.fault(TREATMENTS, hold="before") as held:
        visit.approves()
        wait_until(lambda: product.provider.held_calls(held), 20)
        assert withdraw(before, before.patient_uuid, ConsentKind.SENSITIVE) == 2
        ended = visit.events()[-1]
        assert (ended["status"], ended["data"]["code"]) == ("cancelled", "CONSENT_WITHDRAWN")
    # The answer that was on its way has come by now: another person's whole collection went through since.
    product.meet().is_known_with().collects()
    assert visit.status()["status"] == "cancelled"
    assert visit.events()[-1] == ended
    assert count_rows(product, "welno_checkup_data", visit) == 0
    assert count_rows(product, "welno_prescription_data", visit) == 0
    assert len(before.ask_records("checkups", before.patient_uuid).json()["items"]) == 3


def test_a_withdrawal_while_the_phone_is_waited_for_ends_the_polls(product: Product):
    person = product.meet().is_known_with()
    before = person.collects()
    visit = person.start().asks_for_push()
    visit.wait_for("auth_waiting")
    cx_id = product.provider.cx_id_of(person.phone_no)
    withdraw(before, before.patient_uuid, ConsentKind.THIRD_PARTY_TILKO)
    product.meet().is_known_with().collects()
    polls = product.provider.count_calls(CHECKUPS, cx_id)
    product.meet().is_known_with().collects()
    assert product.provider.count_calls(CHECKUPS, cx_id) == polls
    assert visit.status()["status"] == "cancelled"


def test_withdrawing_the_report_keeps_the_records_and_orders_no_report(product: Product):
    person = product.meet(gender="M").is_known_with()
    before = person.collects()
    visit = person.start(redirect_path=REPORT_PAGE).asks_for_push()
    with product.provider.fault(TREATMENTS, hold="before") as held:
        visit.approves()
        wait_until(lambda: product.provider.held_calls(held), 20)
        withdraw(before, before.patient_uuid, ConsentKind.THIRD_PARTY_MEDIARC)
    visit.wait_for("completed")
    assert visit.wait_for("mediarc_failed")["data"]["code"] == "CONSENT_MISSING"
    assert product.provider.reports_of(visit.session_id) == 0
    assert len(visit.ask_records("checkups", visit.patient_uuid).json()["items"]) == 3
