"""Redis fails over, and the connections of before stay open to a server that refuses: nobody of the edge keeps them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.names import Queue, Step, step_task
from services.delivery.unit_of_work import TaskCall
from tests.failover import FailoverPair
from webapp.jobs import build_task_sender

CALL = TaskCall(step_task(Step.FINISH), "some-session", "some-request")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[FailoverPair]:
    tmp_path.chmod(0o711)
    with FailoverPair(tmp_path) as pair:
        yield pair


def test_a_task_reaches_the_new_primary_at_once(pair: FailoverPair):
    send = build_task_sender(pair.url)
    assert send(CALL)
    pair.fail_over()
    assert send(CALL)
    assert pair.primary.llen(Queue.COLLECTION) == 1
