"""The worker's prefork pool, which survives a child's death in the two moments when Celery's own does not."""

from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool


class ChildDeathTolerantPool(AsynPool):  # type: ignore[misc] # Celery has no types
    """After each reconnection Celery registers its children's sentinels anew. That of a child that has just died is
    gone, and the child stays on the list until it is replaced. Celery 5.6 with kombu 5.7 ends the whole worker there
    ("file descriptor is None")."""

    def _track_child_process(self, proc: Any, hub: Any) -> None:
        is_gone = getattr(proc, "_sentinel_poll", -1) is None
        if not is_gone:
            super()._track_child_process(proc, hub)

    def did_start_ok(self) -> bool:
        """Asked once, when the worker is ready. Celery ends it when any child has died by then ("Could not start worker
        processes"); only when all have, something is wrong with starting. One is replaced as at any later time."""
        return any(child.exitcode is None for child in self._pool)


class ChildDeathTolerantTaskPool(TaskPool):  # type: ignore[misc] # Celery has no types
    """Prefork with that pool."""

    Pool = ChildDeathTolerantPool
