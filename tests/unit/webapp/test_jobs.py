"""A broker that is away holds nobody up."""

import time

from core.names import Step, step_task
from dev.local.ports import pick_port
from services.delivery.unit_of_work import TaskCall
from webapp.jobs import Jobs


def test_a_task_that_cannot_be_sent_is_left_to_the_sweep():
    jobs = Jobs(f"redis://127.0.0.1:{pick_port()}/0")
    began = time.monotonic()
    sent = jobs.send(TaskCall(step_task(Step.REQUEST_SIMPLE_AUTH), "some-session", "some-request"))
    assert sent is False
    assert time.monotonic() - began < 5
