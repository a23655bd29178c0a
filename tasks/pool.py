"""The worker's pool of processes, which outlives a child's death in the two moments when Celery's own does not."""

from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool


class SteadyPool(AsynPool):  # type: ignore[misc] # Celery has no types
    """After each reconnection Celery watches its children anew. One that has just died has nothing left to watch: its
    handle is gone, and it stays on the list until it is replaced. Celery 5.6 with kombu 5.7 ends the whole worker there
    ("file descriptor is None")."""

    def _track_child_process(self, proc: Any, hub: Any) -> None:
        is_gone = getattr(proc, "_sentinel_poll", -1) is None
        if not is_gone:
            super()._track_child_process(proc, hub)

    def did_start_ok(self) -> bool:
        """Asked once, when the worker is ready. Celery ends it when any child has died by then ("Could not start worker
        processes"); only when all have, something is wrong with starting. One is replaced as at any later time."""
        return any(child.exitcode is None for child in self._pool)


class SteadyTaskPool(TaskPool):  # type: ignore[misc] # Celery has no types
    """Prefork with that pool."""

    Pool = SteadyPool
