"""The whole product on each broker that CELERY_BROKER_URL may name: Redis behind Sentinels, and RabbitMQ."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from celery import Celery

from core.broker import BrokerAddress, register_failover_transports
from core.names import Queue, Task, task_routes
from dev.local.rabbitmq import RabbitMQ
from services.delivery.task_sender import SENDER_OPTIONS
from tasks.broker import FastReconnectAmqp, QueueGauge
from tests.end_to_end.person import Visit
from tests.end_to_end.product import Product, run_product
from tests.end_to_end.provider import TREATMENTS
from tests.sentinels import sentinel_group
from tests.waiting import wait_until

PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "flower")
# A call that may have been paid for is waited for so long after its worker has died.
SHORT_CALLS = {"WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS": "4", "WELNO_CALL_MARGIN_SECONDS": "1"}
LONGEST_REQUEST_SECONDS, WORKERS_HEARTBEAT_SECONDS = 8, 10
# Nobody of these processes takes from it.
UNSERVED = Queue.INTERVIEWS


@dataclass(frozen=True)
class OnBroker:
    product: Product
    url: str
    celery: Celery

    @property
    def worker(self) -> int | None:
        return self.product.stack.pid("worker")

    def require_answer(self) -> None:
        """From a worker, to a task that is sent from now on."""
        self.ask_worker()
        wait_until(self.is_answered)

    def ask_worker(self) -> None:
        """To delete an outdated row."""
        self.product.execute("insert into welno.welno_revoked_tokens values ('outdated', now() - interval '1 day')")
        self.celery.send_task(Task.FORGET_REVOCATIONS, ignore_result=True)

    def is_answered(self) -> bool:
        return not self.product.rows("select 1 from welno.welno_revoked_tokens")


def build_celery(url: str) -> Celery:
    register_failover_transports()
    address = BrokerAddress.of_url(url)
    celery = Celery("test", amqp=FastReconnectAmqp, set_as_current=False)
    celery.conf.update(
        address.settings,
        broker_transport_options=SENDER_OPTIONS | address.transport_options,
        task_routes=task_routes(),
    )
    return celery


@contextmanager
def run_on(migrated: Path, url: str, **settings: str) -> Iterator[OnBroker]:
    with (
        run_product(migrated, PROCESSES, CELERY_BROKER_URL=url, **SHORT_CALLS, **settings) as product,
        build_celery(url) as celery,
    ):
        yield OnBroker(product, url, celery)


@pytest.fixture(scope="module")
def on_sentinels(migrated_home: Path) -> Iterator[OnBroker]:
    with sentinel_group() as group, run_on(migrated_home, group.url, REDIS_URL=group.url) as running:
        yield running


@pytest.fixture(scope="module")
def on_rabbitmq(migrated_home: Path, rabbitmq: RabbitMQ) -> Iterator[OnBroker]:
    with run_on(migrated_home, rabbitmq.url, FLOWER_BROKER_API=rabbitmq.api) as running:
        yield running


@pytest.fixture(params=["on_sentinels", "on_rabbitmq"], scope="module")
def running(request: pytest.FixtureRequest) -> OnBroker:
    found: OnBroker = request.getfixturevalue(request.param)
    return found


def test_a_collection_runs_to_its_end(running: OnBroker):
    visit = running.product.meet().is_known_with().collects()
    assert visit.status()["status"] == "completed"


def test_it_is_ready(running: OnBroker):
    wait_until(lambda: running.product.get("/readyz").status_code == 200)
    assert running.product.get("/readyz", headers=running.product.operator).json()["parts"]["broker"] == "ok"


@pytest.mark.parametrize("priority", [None, 9])
def test_a_queue_is_empty_until_a_message_of_any_priority_waits(running: OnBroker, priority: int | None):
    with closing(QueueGauge(running.celery, UNSERVED)) as gauge:
        assert gauge.is_empty()
        running.celery.send_task(Task.RUN_INTERVIEW, args=[str(uuid4())], priority=priority)
        wait_until(lambda: not gauge.is_empty())
        with running.celery.connection_for_write() as connection:
            connection.default_channel.queue_purge(UNSERVED)
        wait_until(gauge.is_empty)


def test_a_run_goes_on_when_its_worker_is_killed(running: OnBroker):
    visit = running.product.meet().is_known_with().start()
    visit.asks_for_push().wait_for("auth_waiting")
    with running.product.provider.fault(TREATMENTS, calls=1, hold="before") as fault:
        visit.approves()
        wait_until(lambda: running.product.provider.held_calls(fault))
        running.product.stack.kill("worker")
        running.product.stack.start("worker")
        wait_for_end(visit)
    assert [event["seq"] for event in visit.events()] == list(range(1, 9))


def wait_for_end(visit: Visit) -> None:
    wait_until(lambda: visit.status()["status"] == "completed", 60, every=0.5)


def test_what_no_worker_understands_is_dropped_and_harms_none(running: OnBroker):
    worker = running.worker
    send_unknown(running.celery)
    with running.celery.connection_for_write() as connection:
        connection.Producer().publish(
            b"\xff{", routing_key=Queue.HOUSEKEEPING, content_type="application/x-unknown", content_encoding="binary"
        )
    running.require_answer()
    assert running.worker == worker
    with closing(QueueGauge(running.celery, Queue.HOUSEKEEPING)) as gauge:
        assert gauge.is_empty()


def send_unknown(celery: Celery) -> None:
    celery.send_task("welno.of_another_release", queue=Queue.HOUSEKEEPING)


def test_flower_shows_the_worker_its_tasks_and_what_waits(running: OnBroker):
    running.require_answer()
    assert [name.partition("@")[0] for name in ask_flower(running, "/api/workers?refresh=true")] == ["worker"]
    assert Task.FORGET_REVOCATIONS in {one["name"] for one in ask_flower(running, "/api/tasks").values()}
    served = set(Queue) - {UNSERVED}
    # RabbitMQ counts for its management API every few seconds.
    wait_until(lambda: lengths_in_flower(running) == dict.fromkeys(served, 0), 20, every=0.5)


def lengths_in_flower(running: OnBroker) -> dict[str, int]:
    return {one["name"]: one["messages"] for one in ask_flower(running, "/api/queues/length")["active_queues"]}


def ask_flower(running: OnBroker, path: str) -> Any:
    answer = httpx.get(f"{running.product.stack.flower_url}{path}", headers=running.product.operator, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_whoever_asks_a_worker_about_its_broker_is_told_no_password(running: OnBroker):
    told = running.celery.control.inspect(timeout=2).stats()
    assert told
    assert secret_of(running.url) not in str(told)


def secret_of(url: str) -> str:
    return url.partition("@")[0].rpartition(":")[2]


def test_rabbitmq_keeps_each_message_in_a_quorum_queue_and_has_no_others_of_celery(
    on_rabbitmq: OnBroker, rabbitmq: RabbitMQ
):
    on_rabbitmq.require_answer()
    durable = [one for one in rabbitmq.get("queues/%2F") if not one["exclusive"]]
    assert {one["name"]: one["type"] for one in durable} == dict.fromkeys(Queue, "quorum")


def test_what_no_worker_understands_may_be_kept_by_a_policy_of_rabbitmq(on_rabbitmq: OnBroker, rabbitmq: RabbitMQ):
    rabbitmq.put("queues/%2F/dead", {"durable": True, "arguments": {"x-queue-type": "quorum"}})
    dead_letters = {"dead-letter-exchange": "", "dead-letter-routing-key": "dead"}
    rabbitmq.put(
        "policies/%2F/dead",
        {"pattern": f"^{Queue.HOUSEKEEPING}$", "definition": dead_letters, "apply-to": "queues"},
    )
    wait_until(lambda: rabbitmq.get(f"queues/%2F/{Queue.HOUSEKEEPING}").get("policy") == "dead", 20)
    send_unknown(on_rabbitmq.celery)
    with closing(QueueGauge(on_rabbitmq.celery, "dead")) as kept:
        wait_until(lambda: not kept.is_empty(), 20)


def test_rabbitmq_cuts_nobody_off_who_sends_now_and_then(on_rabbitmq: OnBroker, rabbitmq: RabbitMQ):
    """It does to whoever has agreed to heartbeats and sends none: only the worker does send them."""
    on_rabbitmq.require_answer()
    on_rabbitmq.product.meet().is_known_with().start().asks_for_push()
    wait_until(lambda: WORKERS_HEARTBEAT_SECONDS in heartbeats(rabbitmq))
    on_rabbitmq.product.stack.stop("worker")
    try:
        wait_until(lambda: heartbeats(rabbitmq) == {0}, 30)
    finally:
        on_rabbitmq.product.stack.start("worker")
    on_rabbitmq.require_answer()


def heartbeats(rabbitmq: RabbitMQ) -> set[int]:
    """That were agreed on, in seconds."""
    return {one["timeout"] for one in rabbitmq.get("connections") if "timeout" in one}


def test_a_rabbitmq_that_dies_and_comes_back_loses_no_step(on_rabbitmq: OnBroker, rabbitmq: RabbitMQ):
    product, worker = on_rabbitmq.product, on_rabbitmq.worker
    visit = product.meet().is_known_with().start()
    visit.asks_for_push().wait_for("auth_waiting")
    rabbitmq.process.kill()
    visit.approves()
    wait_until(lambda: product.get("/readyz").status_code == 503)
    rabbitmq.process.start()
    rabbitmq.wait_ready()
    wait_for_end(visit)
    assert on_rabbitmq.worker == worker
    wait_until(lambda: product.get("/readyz").status_code == 200, 20)


def test_what_a_killed_worker_had_not_begun_goes_back_to_its_queue(on_rabbitmq: OnBroker):
    stack = on_rabbitmq.product.stack
    on_rabbitmq.require_answer()
    stack.kill("worker", signal.SIGSTOP)
    on_rabbitmq.ask_worker()
    with closing(QueueGauge(on_rabbitmq.celery, Queue.HOUSEKEEPING)) as gauge:
        wait_until(gauge.is_empty)  # delivered, and not acknowledged
        stack.kill("worker")
        wait_until(lambda: not gauge.is_empty())
    stack.start("worker")
    wait_until(on_rabbitmq.is_answered, 30)


def test_a_rabbitmq_that_hangs_holds_neither_requests_nor_the_sweeper(on_rabbitmq: OnBroker, rabbitmq: RabbitMQ):
    product = on_rabbitmq.product
    visit = product.meet().is_known_with().start()
    wait_until(lambda: product.get("/readyz").status_code == 200, 20)
    rabbitmq.process.send_to_group(signal.SIGSTOP)
    try:
        asked_at = time.monotonic()
        visit.asks_for_push()
        assert time.monotonic() - asked_at < LONGEST_REQUEST_SECONDS
        wait_until(lambda: product.get("/readyz").status_code == 503)
        wait_until(lambda: "queue_length_unknown" in (product.logs / "sweeper.log").read_text(), 20)
    finally:
        rabbitmq.process.send_to_group(signal.SIGCONT)
    visit.wait_for("auth_waiting", 30)
    visit.approves()
    wait_for_end(visit)


def test_a_worker_waits_for_a_queue_that_its_old_connection_still_holds(on_rabbitmq: OnBroker):
    """As when its host was cut off: RabbitMQ notices the old one's end by missed heartbeats, after it is back."""
    stack, log = on_rabbitmq.product.stack, on_rabbitmq.product.logs / "worker.log"
    stack.stop("worker")
    seen = log.read_text().count("RESOURCE_LOCKED")
    with on_rabbitmq.celery.connection_for_write() as old:
        old.channel().queue_declare(f"worker@{socket.gethostname()}.celery.pidbox", exclusive=True)
        stack.start("worker")
        started = on_rabbitmq.worker
        wait_until(lambda: log.read_text().count("RESOURCE_LOCKED") > seen, 30)
    on_rabbitmq.require_answer()
    assert on_rabbitmq.worker == started
    assert stack.is_running("worker")
