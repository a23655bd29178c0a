"""Senders never wait for a broker that is away, and an empty queue is known from one that cannot be seen."""

import time
from collections.abc import Iterator

import pytest
import redis
from celery import Celery
from kombu.connection import Connection

from dev.local.ports import pick_port
from dev.local.valkey import EmbeddedValkey
from services.delivery.task_sender import SENDER_OPTIONS
from services.delivery.unit_of_work import TaskCall
from tasks.broker import PromptAmqp, PromptConnection, QueueGauge

CALL = TaskCall("welno.collection.finish", "7f3b9c52-6d0c-4f6e-9a38-6a2f4a1d6c11", "req-1")


@pytest.fixture
def celery(redis_client: redis.Redis, redis_url: str) -> Iterator[Celery]:
    with Celery("test", broker=redis_url, amqp=PromptAmqp, set_as_current=False) as celery:
        celery.conf.update(broker_transport_options=SENDER_OPTIONS, task_default_queue="collection")
        yield celery


def test_a_queue_without_messages_is_empty(celery: Celery):
    assert QueueGauge(celery, "collection").is_empty()


def test_a_queue_with_a_message_is_not_empty(celery: Celery):
    celery.send_task(CALL.name, args=[CALL.about])
    assert not QueueGauge(celery, "collection").is_empty()


def test_of_a_broker_that_is_away_nothing_is_known():
    away = Celery("away", broker=f"redis://127.0.0.1:{pick_port()}/0", amqp=PromptAmqp, set_as_current=False)
    away.conf.update(broker_transport_options=SENDER_OPTIONS)
    assert not QueueGauge(away, "collection").is_empty()


def test_a_consumer_finds_a_broker_soon_after_it_is_back(server_home):
    """kombu's own pauses would have grown to six seconds by then."""
    with EmbeddedValkey(server_home / "late", appendonly=False) as server:
        server.kill()
        tries: list[float] = []

        def come_back(_exc: Exception, _interval: float) -> None:
            tries.append(time.monotonic())
            if len(tries) == 3:
                server.start()

        connection: Connection = PromptConnection(server.url)
        connection.ensure_connection(come_back, None)
        assert time.monotonic() - tries[-1] < 2
        connection.release()
