"""Beat's jobs, done by a real worker."""

from datetime import timedelta

from celery import Celery

from core.names import Queue, Task
from dev.local.stack import Stack
from models.accounts import RevokedToken
from services.accounts.revocations import token_time
from tests.integration.collection.driver import Driver
from tests.waiting import wait_until


def send(running: Stack, task: Task) -> None:
    with Celery("beat", broker=running.env["CELERY_BROKER_URL"], set_as_current=False) as beat:
        beat.send_task(task, queue=Queue.HOUSEKEEPING, ignore_result=True)


def test_revocations_of_ended_tokens_are_deleted(running: Stack, driver: Driver):
    with driver.stores.unit_of_work() as work:
        long_ago = token_time(work.session) - timedelta(days=3)
        work.session.add(RevokedToken(token_hash="ended", expires_at=long_ago))
    send(running, Task.FORGET_REVOCATIONS)

    def is_gone() -> bool:
        with driver.stores.sessions() as session:
            return session.get(RevokedToken, "ended") is None

    wait_until(is_gone)
