"""The worker's consumer, without the parts and the slip that make a worker end when its broker goes away."""

from typing import Any

from celery.worker.consumer import Consumer

from core.logs import get_logger

log = get_logger(__name__)


class PlainConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """Without mingle and gossip, by which workers tell each other of revoked tasks and of their clocks: nothing here
    needs either, a start waits a second for answers, and a connection that breaks within them ends the whole worker."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"without_mingle": True, "without_gossip": True})

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as slip:
            # kombu 5.7 puts messages back that were not acknowledged yet, and asks a connection for that which it has
            # just closed. They are hints; let the worker look for its broker again instead of ending with them.
            log.warning("broker_connection_closed_badly", error=type(slip).__name__)
