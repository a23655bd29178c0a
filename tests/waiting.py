"""The one place where tests wait: for something to become true, with a deadline."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine, text

T = TypeVar("T")

# A bound for what hangs, and no promise of the product: where there is one, its test says within what time.
WAIT_SECONDS = 60
# Of a process of ours from its start to its end, imports included, on a machine that other tests keep busy.
COMMAND_SECONDS = 180
_BLOCKED = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


def wait_until(predicate: Callable[[], T], timeout: float = WAIT_SECONDS, *, every: float = 0.02) -> T:
    """The first truthy answer; AssertionError when the deadline passes."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    while not (answer := predicate()):
        assert time.monotonic() < deadline, f"still not so after {timeout} s"
        pause.wait(every)
    return answer


def wait_until_blocked(engine: Engine, count: int = 1) -> None:
    """Until so many transactions in this database wait for a lock of PostgreSQL."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
        wait_until(lambda: (watcher.scalar(_BLOCKED) or 0) >= count)
