"""A product whose sessions live four seconds, and whose parts are taken away: what it says, and that it comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.following import knock, open_socket, receive, socket_url, wait_for_close
from tests.end_to_end.person import API, Visit
from tests.end_to_end.product import Product, run_product
from tests.end_to_end.provider import LOGIN_CHECK
from tests.waiting import wait_until

PASSWORD = "482913"
PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")


@pytest.fixture(scope="module")
def short_lived(migrated_home: Path) -> Iterator[Product]:
    settings = {"WELNO_SESSION_TTL_SECONDS": "4", "WELNO_DATABASE_POOL_SIZE": "4"}
    with run_product(migrated_home, PROCESSES, **settings) as product:
        yield product


def seconds_left(product: Product, visit: Visit) -> float:
    query = "select extract(epoch from expires_at - now()) as left from welno.welno_collection_history"
    return float(product.rows(f"{query} where session_id = :s", s=visit.session_id)[0]["left"])


def test_a_wait_for_the_phone_ends_with_the_session(short_lived: Product):
    visit = short_lived.meet().is_known_with().start().asks_for_push()
    visit.cx_id = short_lived.provider.cx_id_of(visit.person.phone_no)
    with open_socket(visit) as socket:
        ended = receive(socket, until="expired")[-1]
        assert ended["status"] == "expired"
        assert wait_for_close(socket) == 4408
    polls = short_lived.provider.count_calls(LOGIN_CHECK, visit.cx_id)
    short_lived.meet().is_known_with().collects()
    assert short_lived.provider.count_calls(LOGIN_CHECK, visit.cx_id) == polls
    run = short_lived.rows("select * from welno.welno_collection_history where session_id = :s", s=visit.session_id)[0]
    assert (run["status"], run["identity"], run["auth"]) == ("expired", None, None)


def test_an_expired_session_opens_nothing_any_more(short_lived: Product):
    visit = short_lived.meet().is_known_with().start()
    wait_until(lambda: seconds_left(short_lived, visit) < 0)
    for answer in (visit.browser.get(f"{visit.path}/status"), visit.ask_for_push(), visit.collect(), visit.cancel()):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    assert knock(socket_url(visit), visit.bearer) == 4408


def test_whoever_uses_a_session_keeps_it_and_is_told(short_lived: Product):
    visit = short_lived.meet().is_known_with().start().asks_for_push()
    wait_until(lambda: seconds_left(short_lived, visit) < 1.8)
    visit.status()
    extended = visit.wait_for("session_extended")
    assert extended["data"]["expires_at"]
    assert seconds_left(short_lived, visit) > 2


def test_the_records_of_an_expired_session_open_with_the_password_only(short_lived: Product):
    visit = short_lived.meet().is_known_with().collects()
    uuid = visit.patient_uuid
    visit.ask_password("set", uuid, password=PASSWORD)
    wait_until(lambda: seconds_left(short_lived, visit) < 0)
    assert visit.ask_records("checkups", uuid).status_code == 404
    assert visit.ask_password("reset", uuid, password="111111").status_code == 404
    assert visit.ask_password("verify", uuid, password=PASSWORD).status_code == 200
    assert len(visit.ask_records("checkups", uuid).json()["items"]) == 3


def parts(product: Product) -> dict[str, Any]:
    answer = product.get("/readyz")
    told: dict[str, Any] = answer.json()
    assert answer.status_code == (200 if told["status"] == "ok" else 503)
    return told["parts"] | {"ready": told["status"] == "ok"}


@contextmanager
def without(product: Product, name: str) -> Iterator[None]:
    wait_until(lambda: parts(product)["ready"], 20)
    product.stack.stop(name)
    try:
        yield
    finally:
        product.stack.start(name)
    wait_until(lambda: parts(product)["ready"], 30)


def works(product: Product) -> bool:
    """Approving every push: a worker that finds its database connections dead sends a second one."""
    visit = product.meet().is_known_with(auto_approve_seconds=0).start().asks_for_push()
    return bool(visit.wait_for("completed", timeout=40))


def test_readiness_names_the_worker_that_is_silent(short_lived: Product):
    with without(short_lived, "worker"):
        wait_until(lambda: parts(short_lived)["worker"] == "silent", 20)
        assert parts(short_lived)["redis"] == parts(short_lived)["postgresql"] == "ok"
    assert works(short_lived)


@pytest.mark.parametrize(("server", "part"), [("valkey", "redis"), ("postgres", "postgresql")])
def test_readiness_names_the_store_that_is_away(short_lived: Product, server: str, part: str):
    person = short_lived.meet().is_known_with()
    with without(short_lived, server):
        wait_until(lambda: parts(short_lived)[part] == "unreachable", 5)
        assert short_lived.get("/healthz").status_code == 200
        refused = person.browser().post(f"{API}/tilko/session/start", json=person.form())
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "STORE_UNAVAILABLE")
        assert int(refused.headers["Retry-After"]) >= 1
    assert works(short_lived)


def test_a_session_survives_an_emptied_redis(short_lived: Product):
    visit = short_lived.meet().is_known_with().start().asks_for_push()
    visit.wait_for("auth_waiting")
    short_lived.redis.flushall()
    visit.approves()
    wait_until(lambda: visit.status()["status"] == "completed", 20, every=0.1)
    assert short_lived.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
