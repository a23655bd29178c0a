"""Webhooks as a real worker sends them: signed, once more when they were refused, and not to who has gone."""

import json
import signal
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook as Verifier

from core.names import Status, Task
from dev.local.stack import Stack
from models.webhooks import Webhook, WebhookDelivery
from services.webhooks.operators import AddedWebhook, add_webhook, remove_webhook, resend
from tests.integration.collection.driver import Driver
from tests.waiting import wait_until
from tests.webhook_receiver import HERE, WebhookReceiver

from .test_housekeeping import send


@pytest.fixture
def webhook(driver: Driver, receiver: WebhookReceiver) -> Iterator[AddedWebhook]:
    here = driver.stores
    receiver.received.clear()
    with here.unit_of_work() as work:
        added = add_webhook(work.session, here.sealer, receiver.url, HERE)
    yield added
    receiver.answers.clear()
    receiver.answering.set()
    with here.unit_of_work() as work:
        remove_webhook(work.session, added.id)


def complete(driver: Driver) -> str:
    session_id = driver.wait_for_push()
    driver.approve(session_id)
    driver.wait_for(session_id, Status.COMPLETED)
    return session_id


def delivery_of(driver: Driver, session_id: str) -> WebhookDelivery:
    with driver.stores.sessions() as session:
        return session.scalars(select(WebhookDelivery).where(WebhookDelivery.session_id == UUID(session_id))).one()


def verified(webhook: AddedWebhook, receiver: WebhookReceiver, number: int = 0) -> Any:
    headers, body = receiver.received[number]
    return Verifier(webhook.secret).verify(body, headers)


def test_a_receiver_is_told_of_a_completed_session_by_its_id_alone(
    running: Stack, driver: Driver, webhook: AddedWebhook, receiver: WebhookReceiver
):
    session_id = complete(driver)
    wait_until(lambda: delivery_of(driver, session_id).is_delivered)
    told = verified(webhook, receiver)
    assert told["type"] == "session.completed"
    assert told["data"] == {"session_id": session_id, "status": "completed"}
    assert set(told) == {"type", "timestamp", "data"}
    assert receiver.received[0].headers["webhook-id"] == str(delivery_of(driver, session_id).id)
    assert delivery_of(driver, session_id).last_result == "204"


def test_what_was_refused_is_sent_again_under_the_same_id(
    running: Stack, driver: Driver, webhook: AddedWebhook, receiver: WebhookReceiver
):
    receiver.answers = [500]
    session_id = complete(driver)
    wait_until(lambda: delivery_of(driver, session_id).last_result == "500")
    waiting = delivery_of(driver, session_id)
    assert (waiting.attempts, waiting.is_delivered, waiting.ended_at) == (1, False, None)
    send(running, Task.SWEEP_WEBHOOKS)  # not due yet
    driver.execute("update welno.welno_webhook_deliveries set due_at = now() where id = :id", id=waiting.id)
    send(running, Task.SWEEP_WEBHOOKS)
    wait_until(lambda: delivery_of(driver, session_id).is_delivered)
    assert delivery_of(driver, session_id).attempts == 2
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert [json.loads(one.body)["data"]["session_id"] for one in receiver.received] == [session_id] * 2
    assert verified(webhook, receiver, 1)


def make_due(running: Stack, driver: Driver, session_id: str) -> None:
    """As if the time had passed after which whoever was sending must have died."""
    driver.execute(
        "update welno.welno_webhook_deliveries set due_at = now(), claimed_until = now() where session_id = :id",
        id=session_id,
    )
    send(running, Task.SWEEP_WEBHOOKS)


def test_a_worker_killed_after_the_receiver_took_it_sends_it_again_under_its_id(
    running: Stack, driver: Driver, webhook: AddedWebhook, receiver: WebhookReceiver
):
    receiver.answering.clear()
    session_id = complete(driver)
    wait_until(lambda: receiver.received)
    running.kill("worker")
    wait_until(lambda: not running.is_running("worker"))
    receiver.answering.set()
    running.start("worker")
    lost = delivery_of(driver, session_id)
    assert (lost.attempts, lost.is_delivered, lost.ended_at, lost.last_result) == (1, False, None, None)
    send(running, Task.SWEEP_WEBHOOKS)  # another may still be sending it
    make_due(running, driver, session_id)
    wait_until(lambda: delivery_of(driver, session_id).is_delivered)
    assert [one.headers["webhook-id"] for one in receiver.received] == [str(lost.id)] * 2


def test_a_worker_that_stops_does_not_wait_for_a_receiver_that_hangs(
    running: Stack, driver: Driver, webhook: AddedWebhook, receiver: WebhookReceiver
):
    receiver.answering.clear()
    session_id = complete(driver)
    wait_until(lambda: receiver.received)
    running.kill("worker", signal.SIGTERM)
    wait_until(lambda: not running.is_running("worker"), 12)
    assert running.exit_code("worker") == 0
    receiver.answering.set()
    running.start("worker")
    assert delivery_of(driver, session_id).last_result == "timed_out"
    make_due(running, driver, session_id)
    wait_until(lambda: delivery_of(driver, session_id).is_delivered)


def test_a_receiver_that_has_gone_is_told_no_more(
    running: Stack, driver: Driver, webhook: AddedWebhook, receiver: WebhookReceiver
):
    receiver.answers = [410]
    session_id = complete(driver)
    wait_until(lambda: delivery_of(driver, session_id).ended_at)
    with driver.stores.sessions() as session:
        assert session.get_one(Webhook, webhook.id).disabled_at is not None
        assert session.scalars(select(WebhookDelivery).where(WebhookDelivery.is_delivered)).all() == []
    other = complete(driver)
    with driver.stores.sessions() as session:
        none = session.scalars(select(WebhookDelivery).where(WebhookDelivery.session_id == UUID(other))).all()
    assert (none, len(receiver.received)) == ([], 1)


def test_one_whose_task_was_lost_is_found_and_one_may_be_sent_again(
    running: Stack, driver: Driver, webhook: AddedWebhook, receiver: WebhookReceiver
):
    session_id = complete(driver)
    wait_until(lambda: delivery_of(driver, session_id).is_delivered)
    with driver.stores.unit_of_work() as work:
        resend(work.session, delivery_of(driver, session_id).id, driver.stores.clock.now())
        work.session.execute(update(WebhookDelivery).values(last_result=None))
    send(running, Task.SWEEP_WEBHOOKS)
    wait_until(lambda: delivery_of(driver, session_id).last_result == "204")
    assert len(receiver.received) == 2


def test_a_redirect_is_not_followed_and_a_secret_that_cannot_be_read_sends_nothing(
    running: Stack, driver: Driver, webhook: AddedWebhook, receiver: WebhookReceiver
):
    receiver.answers = [308]
    session_id = complete(driver)
    wait_until(lambda: delivery_of(driver, session_id).last_result == "308")
    driver.execute("update welno.welno_webhooks set secret = 'damaged' where id = :id", id=webhook.id)
    driver.execute("update welno.welno_webhook_deliveries set due_at = now() where session_id = :id", id=session_id)
    send(running, Task.SWEEP_WEBHOOKS)
    wait_until(lambda: delivery_of(driver, session_id).last_result == "secret_unreadable")
    assert len(receiver.received) == 1
