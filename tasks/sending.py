"""Sends tasks to the broker by name. A message is a hint: what cannot be sent now, the sweep sends later."""

from celery import Celery

from core.broker import BROKER_ERRORS
from core.logs import get_logger
from services.delivery.unit_of_work import TaskCall

log = get_logger(__name__)


class TaskSender:
    """Hands calls to the broker without waiting for one that is unreachable."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def __call__(self, call: TaskCall) -> None:
        try:
            self._celery.send_task(
                call.name,
                args=[call.about],
                headers={"request_id": call.request_id},
                retry=False,
                ignore_result=True,
            )
        except BROKER_ERRORS as exc:
            log.warning("task_not_sent", task=call.name, about=call.about, error=type(exc).__name__)
