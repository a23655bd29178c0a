"""One chain, one bill and one `completed`, whoever asks how often; and a wait that costs nobody anything."""

from datetime import timedelta

import redis

from core.names import Queue, Status, step_task
from services.collection.requests import Asked
from services.delivery.unit_of_work import TaskCall
from tests.concurrency import at_once
from tests.integration.collection.driver import LOGIN_CHECK, TREATMENTS, Driver
from tests.waiting import wait_until

from .test_paths import TREND_EVENTS


def test_asking_twice_at_once_for_the_push_sends_one(driver: Driver):
    session_id = driver.arrive()
    answers = at_once(lambda: driver.ask_auth(session_id), lambda: driver.ask_auth(session_id))
    assert answers == [Asked.DUPLICATE, Asked.DUPLICATE]
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id) == TREND_EVENTS


def test_collecting_from_two_tabs_starts_one_chain(driver: Driver):
    session_id = driver.approved()
    answers = at_once(*[lambda: driver.ask_collection(session_id)] * 4)
    assert answers.count(Asked.ACCEPTED) <= 1
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.event_names(session_id) == TREND_EVENTS
    assert driver.billed(session_id) == (1, 1, 0)


def test_collecting_while_a_poll_is_under_way_pays_once(driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(LOGIN_CHECK, cxid=driver.cxid(session_id), calls=1, hold="after")
    driver.wait_until_held(fault)
    driver.approve(session_id)
    at_once(*[lambda: driver.ask_collection(session_id)] * 2)
    driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.billed(session_id) == (1, 1, 0)


def test_collecting_after_the_automatic_start_changes_nothing(driver: Driver):
    session_id = driver.wait_for_push()
    fault = driver.fault(TREATMENTS, cxid=driver.cxid(session_id), hold="before")
    driver.approve(session_id)
    driver.wait_until_held(fault)
    assert driver.ask_collection(session_id) is Asked.DUPLICATE
    driver.release(fault)
    driver.wait_for(session_id, Status.COMPLETED)
    assert driver.ask_collection(session_id) is Asked.DUPLICATE
    assert driver.billed(session_id) == (1, 1, 0)


def test_duplicates_of_every_message_change_nothing(driver: Driver):
    session_id = driver.approved(report=True)
    for step in ("request_simple_auth", "fetch_health_data", "fetch_prescriptions", "make_report", "finish") * 2:
        driver.send(TaskCall(step_task(step), session_id, "req-1"))
    driver.wait_for(session_id, Status.COMPLETED)
    for step in ("fetch_health_data", "finish"):
        driver.send(TaskCall(step_task(step), session_id, "req-1"))
    driver.wait_for(driver.approved(), Status.COMPLETED)
    assert driver.event_names(session_id).count("completed") == 1
    assert driver.billed(session_id) == (1, 1, 1)


def test_three_who_wait_hold_up_no_fourth(driver: Driver):
    waiting = [driver.wait_for_push() for _ in range(3)]
    session_id = driver.approved()
    run = driver.wait_for(session_id, Status.COMPLETED)
    assert run.auth_completed_at is not None
    assert run.collection_ended_at is not None
    assert run.collection_ended_at - run.auth_completed_at < timedelta(seconds=4)
    assert {driver.run(other).run_state for other in waiting} == {"waiting"}


def test_waiting_sends_nothing_through_the_broker(driver: Driver):
    """Counted by the server itself: a message would be an LPUSH."""
    session_id = driver.wait_for_push()
    driver.wait_for_event(session_id, "auth_timeout")
    before, polls = _pushes(driver.stores.redis), len(driver.calls(session_id))
    wait_until(lambda: len(driver.calls(session_id)) >= polls + 4)
    assert _pushes(driver.stores.redis) == before
    assert sum(driver.stores.redis.llen(queue) for queue in Queue) == 0


def _pushes(client: redis.Redis) -> int:
    return client.info("commandstats").get("cmdstat_lpush", {"calls": 0})["calls"]
