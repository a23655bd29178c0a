"""Sends tasks to the broker by name. A message is a hint: what cannot be sent now, the sweep sends later."""

from contextlib import suppress
from typing import Any

from celery import Celery
from kombu.exceptions import ChannelError

from core.broker import BROKER_ERRORS
from core.logs import get_logger
from services.delivery.unit_of_work import TaskCall

log = get_logger(__name__)

# Whoever sends tries once more at once, and then goes on without. With kombu's defaults a sender would sleep until the
# broker is back, and the sweeper with it.
SENDER_OPTIONS: dict[str, Any] = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
_PROOF_KEY, _PROOF_SECONDS = "welno:broker_takes_writes", 60


class TaskSender:
    """The producer's side of a Celery app. It knows names and queues, and no task's code."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def __call__(self, call: TaskCall) -> bool:
        """False when it could not be handed to the broker; nobody waits for one that is away."""
        try:
            self._celery.send_task(
                call.name, args=[call.about], headers={"request_id": call.request_id}, retry=False, ignore_result=True
            )
        except BROKER_ERRORS as exc:
            log.warning("task_not_sent", task=call.name, about=call.about, error=type(exc).__name__)
            return False
        return True

    def prove(self) -> None:
        """Have the broker take something, as a message would be; raises one of BROKER_ERRORS.

        On Redis a key is written. RabbitMQ is asked for a queue: an answer needs an open channel.
        """
        with self._celery.producer_or_acquire() as producer:
            channel = producer.channel
            if hasattr(channel, "client"):
                channel.client.set(_PROOF_KEY, 1, ex=_PROOF_SECONDS)
            else:
                with suppress(ChannelError):  # no worker has made the queue yet
                    channel.queue_declare(self._celery.conf.task_default_queue, passive=True)
