"""A broker that is away holds nobody up."""

import time

import pytest
from celery import Celery

from core.broker import BROKER_ERRORS
from core.names import Step, step_task
from dev.local.ports import pick_port
from services.delivery.task_sender import TaskSender
from services.delivery.unit_of_work import TaskCall
from webapp.jobs import build_task_sender


def test_a_broker_without_redis_is_proved_by_an_answer():
    with Celery("test", broker="memory://", set_as_current=False) as celery:
        TaskSender(celery).prove()


def test_a_broker_that_is_away_is_not_proved():
    with pytest.raises(BROKER_ERRORS):
        build_task_sender(f"redis://127.0.0.1:{pick_port()}/0").prove()


def test_a_task_that_cannot_be_sent_is_left_to_the_sweep():
    send = build_task_sender(f"redis://127.0.0.1:{pick_port()}/0")
    began = time.monotonic()
    sent = send(TaskCall(step_task(Step.REQUEST_SIMPLE_AUTH), "some-session", "some-request"))
    assert sent is False
    assert time.monotonic() - began < 5
