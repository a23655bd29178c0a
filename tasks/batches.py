"""What is deleted in batches, each in a transaction of its own."""

from collections.abc import Callable

from services.delivery.unit_of_work import Work
from tasks.runtime import runtime
from tasks.stopping import is_stopping


def run_in_batches(delete: Callable[[Work, int], int], size: int) -> int:
    """How many in all. `delete` is given how many it may, and says how many it did; fewer are the last ones. A worker
    that is told to stop begins no further batch."""
    deleted, batch = 0, size
    while batch == size and not is_stopping():
        with runtime().stores.unit_of_work() as work:
            batch = delete(work, size)
        deleted += batch
    return deleted
