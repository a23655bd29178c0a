"""Three nodes of RabbitMQ with quorum queues, of which one dies: no message is lost, and no step waits for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from core.names import Queue, Task
from dev.local.rabbitmq import RabbitMQ
from tests.end_to_end.product import Product, run_product
from tests.end_to_end.test_brokers import UNSERVED, build_celery, wait_for_end
from tests.rabbitmq import run_cluster
from tests.waiting import wait_until

PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper")
MESSAGES = 20


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[RabbitMQ]]:
    with run_cluster(3) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def url(nodes: list[RabbitMQ]) -> str:
    return ";".join(node.url for node in nodes)


@pytest.fixture(scope="module")
def clustered(nodes: list[RabbitMQ], url: str, migrated_home: Path) -> Iterator[Product]:
    with run_product(migrated_home, PROCESSES, CELERY_BROKER_URL=url) as product:
        yield product


def leader_of(nodes: list[RabbitMQ], queue: str) -> RabbitMQ:
    name = nodes[0].get(f"queues/%2F/{queue}")["leader"]
    return next(node for node in nodes if node.name == name)


def count_waiting(celery: Celery) -> int:
    with celery.connection_for_read() as connection:
        return int(connection.default_channel.queue_declare(UNSERVED, passive=True).message_count)


def test_each_queue_is_on_three_nodes(clustered: Product, nodes: list[RabbitMQ]):
    clustered.meet().is_known_with().collects()
    queues = {one["name"]: one for one in nodes[0].get("queues/%2F") if not one["exclusive"]}
    assert {len(queues[name]["members"]) for name in set(Queue) - {UNSERVED}} == {3}


def test_a_node_that_dies_takes_no_message_along_and_holds_no_run(clustered: Product, nodes: list[RabbitMQ], url: str):
    visit, worker = clustered.meet().is_known_with().start(), clustered.stack.pid("worker")
    visit.asks_for_push().wait_for("auth_waiting")
    with build_celery(url) as celery:
        for number in range(MESSAGES):
            celery.send_task(Task.RUN_INTERVIEW, args=[str(number)])
        wait_until(lambda: count_waiting(celery) == MESSAGES)
        # All are connected to the first node, so it leads the queues that they declared.
        assert leader_of(nodes, UNSERVED) is nodes[0]
        nodes[0].process.kill()
        visit.approves()
        wait_for_end(visit)
        wait_until(lambda: clustered.get("/readyz").status_code == 200, 20)
        assert count_waiting(celery) == MESSAGES
    assert clustered.stack.pid("worker") == worker
    assert clustered.stack.is_running("worker")
