"""The worker's consumer, without the parts and the slip that make a worker end when its broker goes away."""

from celery.worker.consumer import Consumer

from ground.logs import get_logger

log = get_logger(__name__)

_LEFT_OUT = ("celery.worker.consumer.mingle:Mingle", "celery.worker.consumer.gossip:Gossip")


class PlainConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """Without mingle and gossip, by which workers tell each other of revoked tasks and of their clocks: nothing here
    needs either, a start waits a second for answers, and a connection that breaks within them ends the whole worker."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # as above
        """The steps that a consumer starts, in order."""

        default_steps = tuple(step for step in Consumer.Blueprint.default_steps if step not in _LEFT_OUT)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as slip:
            # kombu 5.7 puts messages back that were not acknowledged yet, and asks a connection for that which it has
            # just closed. They are hints; let the worker look for its broker again instead of ending with them.
            log.warning("broker_connection_closed_badly", error=type(slip).__name__)
