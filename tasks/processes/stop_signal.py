"""Tells a process's main loop to stop, also from a signal handler."""

import threading
from contextlib import suppress


class StopSignal:
    """Like `threading.Event`, of which a signal handler may not call `set`: the thread that it interrupts may hold the
    event's lock for a moment, and then waits for itself for ever. One thread at most waits.

    Nor is it a `queue.SimpleQueue`: in CPython 3.11 its `get` forgets its time-out where that passes just before
    it begins to wait, as when the machine was busy, and waits for ever.
    """

    def __init__(self) -> None:
        self._unset = threading.Lock()  # held until it is set
        self._unset.acquire()
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        with suppress(RuntimeError):  # released already, maybe by a handler that has interrupted this
            self._unset.release()

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Whether it is set by then."""
        return self._is_set or self._unset.acquire(timeout=seconds)
