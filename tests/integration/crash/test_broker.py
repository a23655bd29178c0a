"""Senders never wait for an unreachable broker, and an empty queue is told from one that cannot be read."""

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
from tasks.broker import FastReconnectAmqp, FastReconnectConnection, QueueGauge

CALL = TaskCall("welno.collection.finish", "7f3b9c52-6d0c-4f6e-9a38-6a2f4a1d6c11", "req-1")


@pytest.fixture
def celery(redis_client: redis.Redis, redis_url: str) -> Iterator[Celery]:
    with Celery("test", broker=redis_url, amqp=FastReconnectAmqp, set_as_current=False) as celery:
        celery.conf.update(broker_transport_options=SENDER_OPTIONS, task_default_queue="collection")
        yield celery


def test_a_queue_without_messages_is_empty(celery: Celery):
    assert QueueGauge(celery, "collection").is_empty()


def test_a_queue_with_a_message_is_not_empty(celery: Celery):
    celery.send_task(CALL.name, args=[CALL.about])
    assert not QueueGauge(celery, "collection").is_empty()


def test_the_queue_of_an_unreachable_broker_is_not_called_empty():
    unreachable = Celery(
        "unreachable", broker=f"redis://127.0.0.1:{pick_port()}/0", amqp=FastReconnectAmqp, set_as_current=False
    )
    unreachable.conf.update(broker_transport_options=SENDER_OPTIONS)
    assert not QueueGauge(unreachable, "collection").is_empty()


def test_a_worker_tells_nobody_the_passwords_of_its_broker():
    urls = "amqp://welno:hidden-1@one//;amqp://welno:hidden-2@two//"
    connection = FastReconnectConnection(urls, transport_options={"sentinel_kwargs": {"password": "hidden-3"}, "a": 1})
    told = connection.info()
    told.pop("password")  # by Celery
    assert "hidden" not in str(told)
    assert (told["transport_options"], len(told["alternates"])) == ({"a": 1}, 2)


def test_a_consumer_finds_a_broker_soon_after_it_is_back(server_home):
    """kombu's own pauses would have grown to six seconds by then."""
    with EmbeddedValkey(server_home / "late", appendonly=False) as server:
        server.kill()
        tries: list[float] = []

        def come_back(_exc: Exception, _interval: float) -> None:
            tries.append(time.monotonic())
            if len(tries) == 3:
                server.start()

        connection: Connection = FastReconnectConnection(server.url)
        connection.ensure_connection(come_back, None)
        assert time.monotonic() - tries[-1] < 2
        connection.release()
