"""What a task stumbles over is told by its type: neither Celery's log nor its events quote a row."""

import logging

import pytest
from celery import Celery
from celery.exceptions import Ignore
from sqlalchemy.exc import IntegrityError

from tasks.failing import RedactingTask

CANARY = "곽카나리"


celery = Celery(set_as_current=False, task_cls=RedactingTask)


def break_off() -> None:
    raise IntegrityError("insert", None, Exception(f"Failing row contains ({CANARY})"))


def test_an_error_that_escapes_is_told_without_its_text(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        done = celery.task(name="breaks")(break_off).apply()
    assert done.state == "FAILURE"
    assert repr(done.result) == "RedactedError('IntegrityError')"
    celerys = [record for record in caplog.records if record.name == "celery.app.trace"]
    assert len(celerys) == 1
    for told in (celerys[0].getMessage(), str(celerys[0].__dict__), done.traceback):
        assert CANARY not in told


def test_what_steers_a_task_goes_through():
    def steer() -> None:
        raise Ignore

    assert celery.task(name="steers")(steer).apply().state == "IGNORED"


def test_a_direct_call_raises_what_it_met():
    with pytest.raises(IntegrityError):
        celery.task(name="called")(break_off)()
