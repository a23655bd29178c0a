"""The web process's side of Celery: starts tasks by name, and knows no task's code."""

from typing import Any

from celery import Celery

from core.broker import BrokerAddress, register_failover_transports
from core.names import Queue, task_routes
from services.delivery.task_sender import SENDER_OPTIONS, TaskSender

_TIMEOUT_SECONDS = 2
# A request waits no longer for the broker: the sweep is the patient one.
_TRANSPORT: dict[str, Any] = {
    "socket_timeout": _TIMEOUT_SECONDS,
    "socket_connect_timeout": _TIMEOUT_SECONDS,
    # The same for RabbitMQ.
    "read_timeout": _TIMEOUT_SECONDS,
    **SENDER_OPTIONS,
}


def build_task_sender(broker_url: str) -> TaskSender:
    """No connection is opened yet."""
    register_failover_transports()
    address = BrokerAddress.of_url(broker_url)
    celery = Celery("welno-web", set_as_current=False)
    celery.conf.update(
        address.settings,
        broker_transport_options=_TRANSPORT | address.transport_options,
        broker_connection_timeout=_TIMEOUT_SECONDS,
        broker_connection_retry=False,
        task_serializer="json",
        task_ignore_result=True,
        task_default_queue=Queue.HOUSEKEEPING.value,
        task_routes=task_routes(),
    )
    return TaskSender(celery)
