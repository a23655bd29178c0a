"""What the providers' errors come to, one of each kind, through the web: the state, the event, and what goes on."""

import pytest

from tests.end_to_end.person import REPORT_PAGE, Visit
from tests.end_to_end.product import Product
from tests.end_to_end.provider import CHECKUPS, LOGIN_CHECK, PUSH, REPORT, TREATMENTS
from tests.waiting import wait_until

CORRECTABLE = ["입력하신 정보", "<b>사용자 정보</b>", "확인 후 다시 시도", "인증을 진행할 수 없습니다"]
NO_VERDICTS = {
    "redirect": {"status": 302, "html": True},
    "forbidden page": {"status": 403, "html": True},
    "trouble": {"message": "일시적인 장애로 인증을 진행할 수 없습니다"},
    "broken": {"malformed": True},
}
PASSING = {
    "busy": {"status": 429},
    "broken": {"status": 503},
    "cut": {"cut": "before"},
    "malformed": {"malformed": True},
}
MAY_HAVE_PUSHED = {"cut", "malformed"}


def test_not_approved_yet_is_never_an_error(product: Product):
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.cx_id = product.provider.cx_id_of(visit.person.phone_no)
    wait_until(lambda: product.provider.count_calls(LOGIN_CHECK, visit.cx_id) > 1)
    assert visit.kinds() == ["auth_key_received", "auth_waiting"]
    visit.approves()
    assert visit.wait_for("completed")


@pytest.mark.parametrize("fault", NO_VERDICTS.values(), ids=NO_VERDICTS)
def test_what_says_nothing_of_the_person_ends_no_wait(product: Product, fault: dict):
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.cx_id = product.provider.cx_id_of(visit.person.phone_no)
    with product.provider.fault(LOGIN_CHECK, cxid=visit.cx_id, **fault):
        visit.wait_for("auth_timeout")
    assert visit.status()["status"] == "timeout"
    assert visit.approves().wait_for("completed")
    assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}


@pytest.mark.parametrize("words", CORRECTABLE)
def test_wrong_personal_data_ends_in_info_required(product: Product, words: str):
    visit = product.meet().is_known_with().start()
    with product.provider.fault(PUSH, calls=1, error_code=9000, message=words):
        visit.asks_for_push()
        told = visit.wait_for("info_required")
    assert told["status"] == visit.status()["status"] == "info_required"
    assert told["data"]["retry_available"] is True
    assert "<" not in told["message"]
    assert (visit.ask_for_push().status_code, visit.collect().status_code) == (409, 409)


def test_a_person_whom_the_provider_does_not_know_is_told_to_correct(product: Product):
    visit = product.meet().start().asks_for_push()
    assert visit.wait_for("info_required")["data"]["code"] == "INFO_REQUIRED"


def test_an_authenticator_without_an_account_is_named(product: Product):
    visit = product.meet().is_known_with(authenticators=["6"]).start(private_auth_type="3").asks_for_push()
    told = visit.wait_for("info_required")
    assert told["data"]["code"] == "NOT_REGISTERED"
    assert "삼성패스" in told["message"]


@pytest.mark.parametrize("words", ["사용자가 취소하였습니다", "본인 거절로 <b>인증을 진행할 수 없습니다</b>"])
def test_a_decline_is_never_told_as_wrong_data(product: Product, words: str):
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.cx_id = product.provider.cx_id_of(visit.person.phone_no)
    with product.provider.fault(LOGIN_CHECK, cxid=visit.cx_id, error_code=4100, message=words):
        visit.wait_for("declined")
    assert "info_required" not in visit.kinds()


def test_the_provider_rejecting_our_key_says_that_the_service_is_unavailable(product: Product):
    visit = product.meet().is_known_with().start()
    with product.provider.fault(PUSH, status=401):
        visit.asks_for_push()
        told = visit.wait_for("error")
    assert (told["status"], told["data"]["code"]) == ("error", "SERVICE_UNAVAILABLE")
    assert "서비스를 이용할 수 없어요" in told["message"]


def test_an_answer_that_breaks_off_in_its_records_is_not_bought_again(product: Product):
    """It may have been paid for: it is parked for people to look at, and the collection goes on without it."""
    visit = product.meet().is_known_with().start().asks_for_push()
    with product.provider.fault(TREATMENTS, calls=2, malformed=True):
        visit.approves()
        visit.wait_for("completed")
    assert product.provider.count_calls(TREATMENTS, visit.cx_id) == 1
    told = visit.wait_for("prescription_data_failed")
    assert told["data"]["code"] == "ANSWER_UNREADABLE"


@pytest.mark.parametrize("fault", [PASSING[name] for name in PASSING if name != "malformed"])
def test_a_passing_fault_is_tried_again_and_not_shown(product: Product, fault: dict):
    visit = product.meet().is_known_with().start().asks_for_push()
    with product.provider.fault(TREATMENTS, calls=2, **fault):
        visit.approves()
        visit.wait_for("completed")
    assert "prescription_data_failed" not in visit.kinds()
    assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_of_the_push_is_not_shown_either(product: Product, name: str):
    """Where a push may have left nobody is sent a third; after two of those the person is asked."""
    visit = product.meet().is_known_with().start()
    with product.provider.fault(PUSH, calls=1 if name in MAY_HAVE_PUSHED else 2, **PASSING[name]):
        visit.asks_for_push().approves()
        visit.wait_for("completed")
    assert "error" not in visit.kinds()


def test_the_provider_says_when_to_come_back(product: Product):
    visit = product.meet().is_known_with().start().asks_for_push()
    with product.provider.fault(TREATMENTS, calls=1, status=429, headers={"Retry-After": "2"}):
        visit.approves()
        visit.wait_for("completed")
    steps = "select * from welno.welno_collection_steps where session_id = :s and step = 'fetch_prescriptions'"
    first, second = product.rows(f"{steps} order by id", s=visit.session_id)
    assert (first["outcome"], second["outcome"]) == ("retrying", "done")
    assert (second["ended_at"] - first["ended_at"]).total_seconds() >= 2


def test_prescriptions_that_cannot_be_had_do_not_stop_the_rest(product: Product):
    visit = product.meet().is_known_with().start().asks_for_push()
    with product.provider.fault(TREATMENTS, status=500):
        visit.approves()
        done = visit.wait_for("completed")
    kinds = visit.kinds()
    assert kinds[5:] == ["fetching_prescription_data", "prescription_data_failed", "completed"]
    assert done["data"]["counts"] == {"health_data": 3, "prescription_data": None}
    assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 0}


def test_checkups_that_are_refused_do_not_stop_the_prescriptions(product: Product):
    visit = product.meet().is_known_with().start().asks_for_push()
    with product.provider.fault(CHECKUPS, error_code=5001, message="조회 <b>불가</b>"):
        visit.approves()
        done = visit.wait_for("completed")
    assert visit.kinds()[3:] == [
        "fetching_health_data",
        "health_data_failed",
        "fetching_prescription_data",
        "prescription_completed",
        "completed",
    ]
    assert done["data"]["counts"] == {"health_data": None, "prescription_data": 6}
    assert done["data"]["patient_uuid"]


def test_neither_to_be_had_is_an_error_that_can_be_tried_again(product: Product):
    visit = product.meet().is_known_with().start().asks_for_push()
    with product.provider.fault(CHECKUPS, error_code=5001), product.provider.fault(TREATMENTS, error_code=5002):
        visit.approves()
        told = visit.wait_for("error")
    assert told["data"]["reason"] == "data_collection_failed"
    assert visit.status()["status"] == "error"
    assert visit.collect().status_code == 202
    visit.wait_for("completed")
    assert [event["seq"] for event in visit.events()] == list(range(1, len(visit.events()) + 1))


@pytest.mark.parametrize("records", [0, None], ids=["empty", "null"])
def test_a_person_never_examined_is_a_success_with_nothing(product: Product, records: int | None):
    person = product.meet().is_known_with(checkups=records, prescriptions=records)
    visit = person.collects(redirect_path=REPORT_PAGE)
    assert visit.wait_for("completed")["data"]["counts"] == {"health_data": 0, "prescription_data": 0}
    assert visit.wait_for("health_data_completed")["data"]["redirect_to_report"] is False
    assert "mediarc_generating" not in visit.kinds()
    assert product.provider.reports_of(visit.session_id) == 0


def test_an_answer_of_thirty_mebibytes_passes(product: Product):
    person = product.meet().is_known_with(prescriptions=300, image_bytes=110_000)
    visit = person.start().asks_for_push().approves()
    visit.wait_for("completed", timeout=60)
    rows = "select count(*), sum(octet_length(stored::text)) as bytes from welno.welno_prescription_data stored"
    stored = product.rows(f"{rows} where patient_uuid = :u", u=visit.patient_uuid)[0]
    assert stored["count"] == 300
    assert 30 * 1024 * 1024 < stored["bytes"] < 60 * 1024 * 1024  # each picture once


def failing_report(product: Product, **fault: object) -> Visit:
    visit = product.meet().is_known_with().start(redirect_path=REPORT_PAGE).asks_for_push()
    with product.provider.fault(REPORT, **fault):
        visit.approves()
        visit.wait_for("completed")
    return visit


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_report_that_cannot_be_had_takes_nothing_of_the_rest(product: Product, status: int):
    visit = failing_report(product, status=status)
    assert visit.kinds()[-3:] == ["mediarc_generating", "mediarc_failed", "completed"]
    assert product.provider.reports_of(visit.session_id) == 0
    assert len(visit.ask_records("checkups", visit.patient_uuid).json()["items"]) == 3
    assert visit.ask_records("report", visit.patient_uuid).json()["report"] is None


def test_a_report_is_ordered_again_after_a_passing_fault_and_paid_once(product: Product):
    visit = failing_report(product, calls=2, cut="during")
    assert "mediarc_failed" not in visit.kinds()
    assert product.provider.reports_of(visit.session_id) == 1


def test_without_the_values_nothing_is_sent_and_the_missing_ones_are_named(product: Product):
    person = product.meet().is_known_with(checkups=1, newest_lacks_sugar=True)
    before = product.provider.count_calls(REPORT)
    visit = person.collects(redirect_path=REPORT_PAGE)
    assert visit.wait_for("mediarc_failed")["data"]["missing"] == ["fasting_glucose"]
    assert product.provider.count_calls(REPORT) == before
