"""A worker and those who send to it survive the demotion of their broker, with the connections of before left open."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import create_engine, text

from core.broker import BROKER_ERRORS, register_failover_transports
from core.names import Queue, Task, task_routes
from dev.local.stack import Stack
from services.delivery.task_sender import SENDER_OPTIONS, TaskSender
from services.delivery.unit_of_work import TaskCall
from tasks.broker import QueueGauge
from tests.replication import Node, Pair, replicated
from tests.waiting import wait_until
from webapp.jobs import build_task_sender

HEALED_WITHIN_SECONDS = 2
CALL = TaskCall("welno.collection.finish", "7f3b9c52-6d0c-4f6e-9a38-6a2f4a1d6c11", "req-1")


def build_celery(broker_url: str) -> Celery:
    register_failover_transports()
    celery = Celery("test", broker=broker_url, set_as_current=False)
    celery.conf.update(
        broker_transport_options=SENDER_OPTIONS,
        task_routes=task_routes(),
    )
    return celery


class WatchedWorker:
    """A worker that deletes an outdated row when it is asked to, which shows that it was reached."""

    def __init__(self, stack: Stack, broker_url: str) -> None:
        self._stack = stack
        self._celery = build_celery(broker_url)
        self._engine = create_engine(stack.postgres.url)
        self._pid = stack.pid("worker")

    def require_answer(self, within_seconds: float) -> None:
        """From the process of before, to a task that is sent from now on."""
        with self._engine.begin() as connection:
            connection.execute(
                text("insert into welno.welno_revoked_tokens values ('outdated', now() - interval '1 day')")
            )
        wait_until(self._send_and_look, within_seconds, every=0.05)
        assert self._stack.is_running("worker")
        assert self._stack.pid("worker") == self._pid

    def _send_and_look(self) -> bool:
        with suppress(*BROKER_ERRORS):
            self._celery.send_task(Task.FORGET_REVOCATIONS, retry=False, ignore_result=True)
        with self._engine.connect() as connection:
            return connection.execute(text("select count(*) from welno.welno_revoked_tokens")).scalar_one() == 0

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Which of its nodes is the primary is left to each test."""
    with replicated() as pair:
        yield pair


@pytest.fixture(scope="module")
def unserved() -> Iterator[Pair]:
    """Without a worker: what is sent stays in the queue."""
    with replicated() as pair:
        yield pair


@pytest.fixture(scope="module")
def worker(pair: Pair) -> Iterator[WatchedWorker]:
    with (
        tempfile.TemporaryDirectory(prefix="welno-test-") as folder,
        Stack(Path(folder), None, {"CELERY_BROKER_URL": pair.url}, ("worker",), fast=True) as stack,
    ):
        worker = WatchedWorker(stack, pair.url)
        worker.require_answer(60)
        yield worker
        worker.close()


def wait_for_pop(node: Node) -> None:
    """Until the worker's blocking pop is waiting there."""
    wait_until(lambda: node.admin.info("clients")["blocked_clients"])


def wait_for_reconnections(node: Node, before: int) -> None:
    """Until a worker that is refused has tried again and again."""
    wait_until(lambda: node.count_connections() > before + 5)


def test_a_worker_survives_its_broker_being_a_replica_for_a_while(pair: Pair, worker: WatchedWorker):
    wait_for_pop(pair.primary)
    before = pair.primary.count_connections()
    with pair.demoted():
        wait_for_reconnections(pair.primary, before)
    worker.require_answer(HEALED_WITHIN_SECONDS)


def test_a_worker_follows_its_address_to_the_new_primary(pair: Pair, worker: WatchedWorker):
    wait_for_pop(pair.primary)
    pair.fail_over()
    worker.require_answer(HEALED_WITHIN_SECONDS)
    wait_until(lambda: not pair.replica.admin.client_list(_type="pubsub"))


def test_a_worker_survives_a_broker_that_was_full(pair: Pair, worker: WatchedWorker):
    wait_for_pop(pair.primary)
    before = pair.primary.count_connections()
    pair.primary.admin.config_set("maxmemory", 1)
    pair.primary.admin.client_kill_filter(_type="normal", skipme=True)
    wait_for_reconnections(pair.primary, before)
    pair.primary.admin.config_set("maxmemory", 0)
    worker.require_answer(HEALED_WITHIN_SECONDS)


@pytest.mark.parametrize("build", [build_task_sender, lambda url: TaskSender(build_celery(url))])
def test_a_message_that_is_sent_after_a_failover_arrives(
    unserved: Pair, build: Callable[[str], Callable[[TaskCall], object]]
):
    send = build(unserved.url)
    send(CALL)
    unserved.fail_over()
    before = unserved.primary.admin.llen(Queue.COLLECTION)
    send(CALL)
    assert unserved.primary.admin.llen(Queue.COLLECTION) == before + 1


def test_the_length_of_a_queue_is_read_from_the_new_primary(unserved: Pair):
    celery = build_celery(unserved.url)
    gauge = QueueGauge(celery, Queue.COLLECTION)
    celery.send_task(CALL.name, args=[CALL.about])
    assert not gauge.is_empty()
    unserved.fail_over()
    celery.send_task(CALL.name, args=[CALL.about])
    unserved.primary.admin.delete(Queue.COLLECTION)
    assert gauge.is_empty()
