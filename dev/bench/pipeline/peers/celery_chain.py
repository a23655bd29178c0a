"""A bare Celery chain: tasks that do nothing but PUBLISH. Nothing it does survives a crash of the broker."""

import os
from functools import cache

from celery import Celery, Task, chain
from redis import Redis

CHANNEL = "bench:chain"
QUEUE = "bench-chain"

app = Celery("bench", broker=os.environ["CELERY_BROKER_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_default_queue=QUEUE,
    broker_connection_retry_on_startup=True,
)


@cache
def _redis() -> Redis:
    client: Redis = Redis.from_url(os.environ["REDIS_URL"])
    return client


@app.task(name="dev.bench.step", bind=True)  # type: ignore[untyped-decorator]  # Celery's carry no types
def step(_self: Task, session_id: str, number: int) -> None:
    """One step of one chain."""
    _redis().publish(CHANNEL, f"{session_id} {number}")


def send_chain(session_id: str, steps: int) -> None:
    chain(*(step.si(session_id, number) for number in range(steps))).apply_async()
