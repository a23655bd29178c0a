"""Starts tasks by name. A broker that does not answer is noted, and no more: the sweep sends again what was lost."""

from typing import Any

from celery import Celery

from core.broker import BROKER_ERRORS, register_failover_transports
from core.logs import get_logger
from core.names import Queue
from services.delivery.unit_of_work import TaskCall

log = get_logger(__name__)

_TIMEOUT_SECONDS = 2
# A web request waits for at most one quick second try; the sweep is the patient one.
_TRANSPORT: dict[str, Any] = {
    "socket_timeout": _TIMEOUT_SECONDS,
    "socket_connect_timeout": _TIMEOUT_SECONDS,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}


class Jobs:
    """The producer's side of Celery. It knows names and queues, and no task's code."""

    def __init__(self, broker_url: str) -> None:
        register_failover_transports()
        self._celery = Celery("welno-web", broker=broker_url, set_as_current=False)
        self._celery.conf.update(
            broker_transport_options=_TRANSPORT,
            broker_connection_timeout=_TIMEOUT_SECONDS,
            broker_connection_retry=False,
            task_serializer="json",
            task_ignore_result=True,
            task_routes={
                "welno.collection.*": {"queue": Queue.COLLECTION.value},
                "welno.files.*": {"queue": Queue.FILES.value},
                "welno.housekeeping.*": {"queue": Queue.HOUSEKEEPING.value},
            },
        )

    def send(self, call: TaskCall) -> bool:
        """False when it could not be handed to the broker."""
        try:
            self._celery.send_task(
                call.name,
                args=[call.about],
                headers={"request_id": call.request_id},
                retry=False,
            )
        except BROKER_ERRORS as exc:
            log.warning("task_not_sent", task=call.name, about=call.about, error=type(exc).__name__)
            return False
        return True
