"""Waiting for an approval holds no worker and no message; it ends with the session."""

from concurrent.futures import ThreadPoolExecutor

from core.names import Queue
from tests.end_to_end.following import knock, open_socket, receive, socket_url, wait_for_close
from tests.end_to_end.person import Visit
from tests.end_to_end.product import Product
from tests.end_to_end.provider import LOGIN_CHECK
from tests.waiting import wait_until


def waits(product: Product) -> Visit:
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.cx_id = product.provider.cx_id_of(visit.person.phone_no)
    return visit


def polls_of(product: Product, visit: Visit) -> int:
    return product.provider.count_calls(LOGIN_CHECK, visit.cx_id)


def let_polls_pass(product: Product, visit: Visit, polls: int = 3) -> None:
    """Another session's polls are the clock of what must not happen meanwhile."""
    before = polls_of(product, visit)
    wait_until(lambda: polls_of(product, visit) >= before + polls)


def is_left_alone(product: Product, visit: Visit, other: Visit) -> bool:
    before = polls_of(product, visit)
    let_polls_pass(product, other)
    return polls_of(product, visit) == before


def test_a_fourth_session_finishes_at_once_while_three_wait_for_their_phones(product: Product):
    waiting = [waits(product) for _ in range(3)]
    for visit in waiting:
        wait_until(lambda visit=visit: polls_of(product, visit) > 0)
    fourth = product.meet().is_known_with().start().asks_for_push().approves()
    fourth.wait_for("completed", timeout=5)
    assert [visit.kinds()[:2] for visit in waiting] == [["auth_key_received", "auth_waiting"]] * 3
    assert product.redis.llen(Queue.COLLECTION) == 0
    assert product.redis.hlen("unacked") == 0


def test_the_person_hears_after_the_fast_polls_that_they_can_try_again(product: Product):
    visit = waits(product)
    told = visit.wait_for("auth_timeout")
    assert told["data"] == {"retry_available": True, "timeout_seconds": 2}
    assert visit.status()["status"] == "timeout"
    assert visit.approves().wait_for("completed")


def test_who_declined_asks_again_and_completes(product: Product):
    visit = waits(product)
    product.provider.decline(visit.cx_id)
    told = visit.wait_for("declined")
    assert (told["status"], told["data"]) == ("declined", {"code": "DECLINED", "retry_available": True})
    assert "거절" in told["message"]
    assert visit.status()["status"] == "declined"
    assert visit.collect().status_code == 409
    assert [visit.ask_for_push().status_code for _ in range(2)] == [202, 200]
    first = visit.cx_id
    visit.approves().wait_for("completed")
    assert visit.cx_id != first
    assert visit.kinds().count("auth_key_received") == 2
    assert product.provider.bill_of(first) == {}
    assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}


def test_a_push_that_took_long_may_be_sent_again_and_the_first_opens_nothing(product: Product):
    visit = waits(product)
    assert visit.ask_for_push().json()["duplicate_request_prevented"] is True
    visit.wait_for("auth_timeout")
    assert visit.ask_for_push().status_code == 202
    first = visit.cx_id
    wait_until(lambda: visit.kinds().count("auth_key_received") == 2)
    product.provider.approve(first)
    visit.cx_id = product.provider.cx_id_of(visit.person.phone_no)
    let_polls_pass(product, visit)
    assert visit.status()["progress"]["auth_completed"] is False
    visit.approves().wait_for("completed")


def test_a_deleted_session_stops_being_polled(product: Product):
    deleted, other = waits(product), waits(product)
    wait_until(lambda: polls_of(product, deleted) > 0)
    assert deleted.cancel().status_code == 204
    # The poller reads what was deleted every 0.25 s: a poll or two may still leave meanwhile.
    wait_until(lambda: is_left_alone(product, deleted, other))
    assert deleted.ask_for_push().status_code == 404
    assert deleted.browser.get(f"{deleted.path}/status", headers=deleted.bearer).status_code == 404


def test_a_deleted_session_closes_the_sockets_that_follow_it(product: Product):
    visit = waits(product)
    with open_socket(visit) as socket:
        receive(socket, until="auth_waiting")  # admitted: the handshake is answered before that
        visit.cancel()
        assert receive(socket, until="cancelled")[-1]["status"] == "cancelled"
        assert wait_for_close(socket) == 4404
    assert knock(socket_url(visit), visit.bearer) == 4404


def test_a_session_deleted_in_the_middle_stops_at_the_next_step_and_stays_unsaid(product: Product):
    visit = waits(product)
    with product.provider.fault("retrievetreatment", hold="before") as held:
        visit.approves()
        wait_until(lambda: product.provider.held_calls(held))
        assert visit.cancel().status_code == 204
    wait_until(lambda: product.provider.bill_of(visit.cx_id)["prescriptions"])
    product.meet().is_known_with().collects()
    run = product.rows("select * from welno.welno_collection_history where session_id = :s", s=visit.session_id)[0]
    assert (run["status"], run["run_state"]) == ("cancelled", "ended")
    phone = visit.person.phone_no
    assert product.rows("select * from welno.welno_patients where phone = :p", p=phone) == []


def test_many_wait_and_are_approved_together(product: Product):
    with ThreadPoolExecutor(4) as threads:
        visits = list(threads.map(lambda _: waits(product), range(8)))
    for visit in visits:
        visit.approves()
    for visit in visits:
        visit.wait_for("completed")
        assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
