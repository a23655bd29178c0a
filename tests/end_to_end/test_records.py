"""Reading the records back, and the password that opens them."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.end_to_end.person import API, REPORT_PAGE, Visit
from tests.end_to_end.product import Product

FIRST, SECOND, WRONG = "482913", "571046", "000000"


@pytest.fixture
def visit(product: Product) -> Visit:
    return product.meet().is_known_with(checkups=5, prescriptions=12).collects()


def stranger(visit: Visit) -> Visit:
    """Another browser, without the cookie."""
    return Visit(visit.person, visit.person.browser(), visit.session_id, "")


@pytest.mark.parametrize(
    ("kind", "total", "day"), [("checkups", 5, "checkup_date"), ("prescriptions", 12, "treatment_date")]
)
def test_the_pages_hold_every_record_once_newest_first(visit: Visit, kind: str, total: int, day: str):
    uuid, items, after = visit.patient_uuid, [], None
    while True:
        page = visit.ask_records(kind, uuid, params={"limit": 2} | ({"after": after} if after else {})).json()
        items += page["items"]
        if (after := page.get("next")) is None:
            break
    assert items == visit.ask_records(kind, uuid).json()["items"]
    assert len({item["id"] for item in items}) == total
    assert [item[day] for item in items] == sorted((item[day] for item in items), reverse=True)


@pytest.mark.parametrize("kind", ["checkups", "prescriptions", "report"])
def test_an_unchanged_answer_is_not_sent_again(product: Product, kind: str):
    visit = product.meet().is_known_with().collects(redirect_path=REPORT_PAGE)
    uuid = visit.patient_uuid
    first = visit.ask_records(kind, uuid)
    again = visit.ask_records(kind, uuid, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_a_new_record_changes_the_etag_and_leaves_the_others(product: Product):
    person = product.meet().is_known_with(checkups=2)
    visit = person.collects()
    uuid, old = visit.patient_uuid, visit.ask_records("checkups", visit.patient_uuid)
    person.is_known_with(checkups=4).collects()
    new = visit.ask_records("checkups", uuid, headers={"If-None-Match": old.headers["ETag"]})
    assert new.status_code == 200
    assert len(new.json()["items"]) == 4
    kept = {item["id"] for item in old.json()["items"]}
    assert len(kept & {item["id"] for item in new.json()["items"]}) >= 1


def test_a_password_opens_the_records_to_whoever_knows_it(visit: Visit):
    uuid, other = visit.patient_uuid, stranger(visit)
    assert visit.ask_password("set", uuid, password=FIRST).status_code == 201
    assert visit.ask_password("set", uuid, password=SECOND).json()["error"]["code"] == "PASSWORD_EXISTS"
    assert other.ask_records("checkups", uuid).status_code == 404
    wrong = other.ask_password("verify", uuid, password=WRONG)
    assert (wrong.status_code, wrong.json()["error"]["details"]) == (401, {"tries_left": 4})
    assert other.ask_password("verify", uuid, password=FIRST).status_code == 200
    assert len(other.ask_records("checkups", uuid).json()["items"]) == 5
    assert other.browser.get(f"{visit.path}/status").status_code == 404


def test_the_password_is_kept_as_a_hash_only(product: Product, visit: Visit):
    uuid = visit.patient_uuid
    visit.ask_password("set", uuid, password=FIRST)
    kept = product.rows("select * from welno.welno_patient_passwords where patient_uuid = :u", u=uuid)[0]
    assert kept["password_hash"].startswith("p1$argon2id$")


def test_five_wrong_tries_lock_also_when_they_come_at_once(visit: Visit):
    uuid = visit.patient_uuid
    visit.ask_password("set", uuid, password=FIRST)
    with ThreadPoolExecutor(8) as threads:
        guesses = [threads.submit(stranger(visit).ask_password, "verify", uuid, password=WRONG) for _ in range(8)]
        codes = [guess.result().status_code for guess in guesses]
    assert (codes.count(401), codes.count(429)) == (4, 4)
    locked = stranger(visit).ask_password("verify", uuid, password=FIRST)
    assert locked.json()["error"]["code"] == "PASSWORD_LOCKED"
    assert 1700 < int(locked.headers["Retry-After"]) <= 1801


def test_a_fresh_identification_resets_a_locked_password(visit: Visit):
    uuid = visit.patient_uuid
    visit.ask_password("set", uuid, password=FIRST)
    for _ in range(5):
        stranger(visit).ask_password("verify", uuid, password=WRONG)
    assert stranger(visit).ask_password("reset", uuid, password=SECOND).status_code == 404
    assert visit.person.collects().ask_password("reset", uuid, password=SECOND).status_code == 200
    assert stranger(visit).ask_password("verify", uuid, password=SECOND).status_code == 200


def test_a_changed_password_takes_back_what_the_old_one_opened(visit: Visit):
    uuid, old = visit.patient_uuid, stranger(visit)
    visit.ask_password("set", uuid, password=FIRST)
    token = old.ask_password("verify", uuid, password=FIRST).json()["access_token"]
    changed = old.ask_password("change", uuid, current_password=FIRST, new_password=SECOND)
    assert changed.status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    assert stranger(visit).ask_records("checkups", uuid, headers=headers).status_code == 404
    assert old.ask_records("checkups", uuid).status_code == 200
    assert stranger(visit).ask_password("verify", uuid, password=FIRST).status_code == 401


def test_a_deleted_session_leaves_the_records_to_the_password(visit: Visit):
    uuid, bearer = visit.patient_uuid, visit.bearer
    visit.ask_password("set", uuid, password=FIRST)
    assert visit.cancel().status_code == 204
    assert stranger(visit).ask_records("checkups", uuid, headers=bearer).status_code == 404
    other = stranger(visit)
    other.ask_password("verify", uuid, password=FIRST)
    assert other.ask_records("checkups", uuid).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [("user_name", ""), ("phone_no", "12345"), ("birthdate", "19841332"), ("private_auth_type", "9"), ("gender", "X")],
)
def test_wrong_input_is_told_at_its_field(product: Product, field: str, value: str):
    person = product.meet()
    answer: httpx.Response = person.browser().post(f"{API}/tilko/session/start", json=person.form(**{field: value}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_FAILED")
    assert list(answer.json()["error"]["details"]) == [field]
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
