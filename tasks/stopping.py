"""How a worker stops: its threads begin nothing further, and a call that may be paid for is let end.

Celery's warm shutdown waits for what its threads do. They look at `is_stopping` between two steps, and between two
files, so all but a call under way is over in moments. Its cold one would lose answers that are paid for.
"""

import atexit
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from celery import signals

from core.logs import get_logger

log = get_logger(__name__)

# Everything has to be gone 10 s after SIGTERM, or so long after the last call has ended.
_KILL_AFTER_SECONDS = 9.3
_LOOK_SECONDS = 0.2


class _Stop:
    """Of this process, by nature."""

    requested = False
    begun = threading.Event()
    kill_at = 0.0
    has_calls: Callable[[], bool] = staticmethod(lambda: False)


def is_stopping() -> bool:
    """Whether this process has been told to stop."""
    return _Stop.requested


def wait_for(has_calls: Callable[[], bool]) -> None:
    """What a process that is told to stop asks, to know whether calls are under way that it has to wait for."""
    _Stop.has_calls = has_calls


def when_stopping(action: Callable[[], object]) -> None:
    """What wakes the threads of this process that would wait for longer than it has, and that hand over what they
    wait for. Done by a thread of its own: a signal may strike anywhere."""

    def wait_for_stop() -> None:
        _Stop.begun.wait()
        action()

    threading.Thread(target=wait_for_stop, name="stopping", daemon=True).start()


def _on_alarm(_signal: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    if _Stop.has_calls():
        _Stop.kill_at = max(_Stop.kill_at, now + _KILL_AFTER_SECONDS)
    if now >= _Stop.kill_at:
        # The kernel ends the process, wherever its threads hang; the sweep takes their runs.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS)


@signals.worker_shutting_down.connect
def _begin_stop(**_: object) -> None:
    """In the main thread, at once when its signal comes."""
    if _Stop.requested:
        return
    _Stop.requested = True
    _Stop.begun.set()
    _Stop.kill_at = time.monotonic() + _KILL_AFTER_SECONDS
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS)
    atexit.register(_end_looking)
    # Last: it fails where the signal has interrupted a write to the same stream, and nothing must be missing then.
    if _Stop.has_calls():
        log.info("waits_for_calls_under_way")


def _end_looking() -> None:
    """All threads are done. Python takes its handlers of signals back as it ends: from then on an alarm ends it."""
    signal.setitimer(signal.ITIMER_REAL, max(_Stop.kill_at - time.monotonic(), _LOOK_SECONDS))
