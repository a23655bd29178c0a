"""Waiting as it is usually written: each session a Celery task that asks the provider and retries itself later."""

import os
from functools import cache

from celery import Celery, Task

from upstream.tilko.client import TilkoClient
from upstream.tilko.codec import AuthTokens, TilkoPerson
from upstream.tilko.errors import NotApproved

QUEUE = "bench-retry"

app = Celery("bench", broker=os.environ["CELERY_BROKER_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_default_queue=QUEUE,
    broker_connection_retry_on_startup=True,
)
_PERSON = TilkoPerson("김하늘", "19840517", "01000000001", "0")


@cache
def _client() -> TilkoClient:
    return TilkoClient(os.environ["TILKO_BASE_URL"], os.environ["TILKO_API_KEY"])


@app.task(name="dev.bench.poll", bind=True, max_retries=None)  # type: ignore[untyped-decorator]  # Celery's carry no types
def poll(self: Task, cx_id: str, interval_seconds: float) -> None:
    """One poll; raises Retry until approved."""
    try:
        _client().fetch_checkups(_PERSON, AuthTokens(cx_id, "0", "req", "token", "tx"))
    except NotApproved as exc:
        raise self.retry(countdown=interval_seconds) from exc


def send_poll(cx_id: str, interval_seconds: float) -> None:
    poll.apply_async((cx_id, interval_seconds))
