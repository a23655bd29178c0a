"""The worker's consumer, which reconnects where Celery's own would end the worker."""

from typing import Any

from amqp.exceptions import ResourceLocked  # type: ignore[import-untyped] # as kombu, it has no types
from celery.worker import WorkController
from celery.worker.consumer import Consumer

from core.logs import get_logger

log = get_logger(__name__)


def consumed_queues(worker: WorkController) -> frozenset[str]:
    """Those that this worker takes messages from."""
    return frozenset(worker.app.amqp.queues.consume_from)


# RabbitMQ alone: within twice as long it is noticed that its node says nothing any more. Those who only send have none:
# nobody would keep it up, they would be cut off while they are idle, and their next message would get lost.
_HEARTBEAT_SECONDS = 10
_DELAYED_DELIVERY = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class ReconnectingConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """Without mingle and gossip, by which workers tell each other of revoked tasks and of their clocks: nothing here
    needs either, a start waits a second for replies, and a connection that breaks within them ends the whole worker."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # Celery has no types
        """Without what Celery adds for quorum queues: 28 more of them, for tasks with a countdown, of which there are
        none."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if step != _DELAYED_DELIVERY]  # noqa: RUF012

    def __init__(self, *args: Any, **options: Any) -> None:
        fixed = {"without_mingle": True, "without_gossip": True, "amqheartbeat": _HEARTBEAT_SECONDS}
        super().__init__(*args, **options | fixed)
        # Of a host that was cut off RabbitMQ keeps the connection, with the queue by which this worker is commanded,
        # until heartbeats were missed: it is worth another try, where Celery ends the worker with its calls under way.
        self.connection_errors: tuple[type[BaseException], ...] = (*self.connection_errors, ResourceLocked)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            # kombu 5.7 restores messages that were not acknowledged yet over the connection that it has just closed.
            # They are hints; the worker has to reconnect instead of ending with them.
            log.warning("unacked_messages_not_restored", error=type(error).__name__)
