"""Each data call succeeds once, whoever asks how often: the provider bills every one of them."""

from celery import Celery

from core.names import Queue, Step, step_task
from tests.concurrency import at_once
from tests.end_to_end.person import REPORT_PAGE, Visit
from tests.end_to_end.product import Product
from tests.end_to_end.provider import PUSH, TREATMENTS
from tests.waiting import wait_until

ONCE = {"checkups": 1, "prescriptions": 1}


def second_tab(visit: Visit) -> Visit:
    """The same cookie in the same browser, another connection."""
    browser = visit.person.browser()
    browser.cookies.update(visit.browser.cookies)
    return Visit(visit.person, browser, visit.session_id, visit.token)


def test_simple_auth_asked_for_twice_at_once_sends_one_push(product: Product):
    visit = product.meet().is_known_with().start()
    before = product.provider.count_calls(PUSH)
    answers = at_once(visit.ask_for_push, second_tab(visit).ask_for_push, visit.ask_for_push)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 202]
    refused = [answer.json().get("duplicate_request_prevented") for answer in answers if answer.status_code == 200]
    assert refused == [True, True]
    visit.approves().wait_for("completed")
    assert visit.ask_for_push().status_code == 200
    assert product.provider.count_calls(PUSH) == before + 1


def test_collect_data_before_the_authentication_is_a_conflict(product: Product):
    refused = product.meet().is_known_with().start().collect()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "AUTH_NOT_REQUESTED")


def test_collect_data_before_the_approval_says_so_once(product: Product):
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.wait_for("auth_waiting")
    told = [visit.collect().status_code]
    pending = visit.wait_for("auth_pending")
    assert told == [202]
    assert (pending["status"], pending["data"]) == ("auth_pending", {"retry_available": True})
    visit.approves().wait_for("completed")
    assert product.provider.bill_of(visit.cx_id) == ONCE


def test_collect_data_posted_twice_at_once_from_two_tabs_collects_once(product: Product):
    visit = product.meet().is_known_with().start(redirect_path=REPORT_PAGE).asks_for_push()
    visit.wait_for("auth_waiting")
    visit.approves()
    tab = second_tab(visit)
    answers = at_once(visit.collect, tab.collect, visit.collect, tab.collect)
    assert sorted(answer.status_code for answer in answers)[:3] == [200, 200, 200]
    visit.wait_for("completed")
    assert len(visit.kinds()) == len(set(visit.kinds()))
    assert product.provider.bill_of(visit.cx_id) == ONCE
    assert product.provider.reports_of(visit.session_id) == 1


def test_collect_data_after_the_automatic_start_changes_nothing(product: Product):
    visit = product.meet().is_known_with().start(redirect_path=REPORT_PAGE).asks_for_push()
    with product.provider.fault(TREATMENTS, hold="before") as held:
        visit.approves()
        wait_until(lambda: product.provider.held_calls(held))
        answers = at_once(visit.collect, second_tab(visit).collect)
    assert [answer.json()["duplicate_collection_prevented"] for answer in answers] == [True, True]
    visit.wait_for("completed")
    assert visit.collect().json()["duplicate_collection_prevented"] is True
    assert product.provider.bill_of(visit.cx_id) == ONCE
    assert product.provider.reports_of(visit.session_id) == 1


def test_a_task_delivered_again_after_the_end_does_nothing(product: Product):
    visit = product.meet().is_known_with().collects()
    with Celery(broker=product.stack.valkey.url, set_as_current=False) as broker:
        for step in Step:
            broker.send_task(step_task(step), args=[visit.session_id], queue=Queue.COLLECTION, ignore_result=True)
        broker.pool.force_close_all()
    other = product.meet().is_known_with().collects()
    assert other.kinds() == visit.kinds()
    assert product.provider.bill_of(visit.cx_id) == ONCE
