"""The one place where tests wait: for something to become true, with a deadline."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# A bound for what hangs, and no promise of the product: where there is one, its test says within what time.
WAIT_SECONDS = 60
# Of a process of ours from its start to its end, imports included, on a machine that other tests keep busy.
COMMAND_SECONDS = 180


def wait_until(predicate: Callable[[], T], timeout: float = WAIT_SECONDS, *, every: float = 0.02) -> T:
    """The first truthy answer; AssertionError when the deadline passes."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    while not (answer := predicate()):
        assert time.monotonic() < deadline, f"still not so after {timeout} s"
        pause.wait(every)
    return answer
