"""Tells a process's main loop to stop, also from a signal handler."""

from queue import Empty, SimpleQueue


class StopSignal:
    """Like `threading.Event`, of which a signal handler may not call `set`: the thread that it interrupts may hold the
    event's lock for a moment, and then waits for itself for ever. One thread at most waits."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[None] = SimpleQueue()  # its put may interrupt itself, and its get
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        self._asked.put(None)

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Whether it is set by then."""
        if not self._is_set:
            try:
                self._asked.get(timeout=seconds)
            except Empty:
                return self._is_set
        return True
