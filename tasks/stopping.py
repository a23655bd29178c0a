"""How a worker stops: its children begin no further step, and hand back one that does not end soon.

Celery's warm shutdown waits for whole messages, and so for whole chains, for as long as they last; its cold one kills
the children in mid-step. So the main process signals its children at once, and each ends its step by itself.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from billiard.process import active_children  # type: ignore[import-untyped] # it has no types
from celery import signals

from core.logs import get_logger

log = get_logger(__name__)

# Everything has to be gone 10 s after SIGTERM. A reply under way may be paid for, so a step may take some of it; the
# rest is for a busy machine: Celery and Python need 0.5 s of CPU time to end.
_STEP_GRACE_SECONDS = 4.0
# Then the kernel ends the main process, and with it the children, wherever they hang; the sweep takes their runs.
_KILL_AFTER_SECONDS = 9.3
_STOP_SIGNAL = signal.SIGUSR2
_LONGER_THAN_ANY_TASK = 86_400.0

_stop_requested_at: float | None = None


class StepTimedOut(Exception):
    """A step used up its time; another attempt may find the other side responsive."""

    retryable = True
    reason = "time_limit"


class Stopped(BaseException):
    """This process is to stop, and its step did not end in time. No mistake of the step's: nobody on the way up may
    take it for one, such as the importer, which would count it against the file at hand."""


def is_stopping() -> bool:
    """Whether this process has been told to stop."""
    return _stop_requested_at is not None


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise StepTimedOut in this process after so long, or Stopped soon after it was told to stop.

    Celery's own limits know only whole messages, not steps.
    """

    def on_alarm(_signal: int, _frame: FrameType | None) -> None:
        raise Stopped if is_stopping() else StepTimedOut

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _shorten_timer()  # when the stop signal came before the timer was set
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def stoppable() -> Iterator[None]:
    """For tasks that need no limit, as somebody else goes on where they are left."""
    try:
        with time_limit(_LONGER_THAN_ANY_TASK):
            yield
    except Stopped:
        log.info("task_left_unfinished")


def _shorten_timer() -> None:
    """Let the step under way, if there is one, end within its grace period."""
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if left and _stop_requested_at is not None:
        grace = _stop_requested_at + _STEP_GRACE_SECONDS - time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, max(min(left, grace), 0.001))


def _on_stop_signal(_signal: int, _frame: FrameType | None) -> None:
    global _stop_requested_at  # noqa: PLW0603 one per process, by nature
    _stop_requested_at = _stop_requested_at or time.monotonic()
    _shorten_timer()


@signals.worker_process_init.connect
def _install_signal_handlers(**_: object) -> None:
    signal.signal(_STOP_SIGNAL, _on_stop_signal)
    # Some supervisors send SIGTERM to the whole group: the main process alone decides what follows from it.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@signals.worker_shutting_down.connect
def _signal_children(**_: object) -> None:
    """In the main process, at once when its signal comes."""
    for child in active_children():
        os.kill(child.pid, _STOP_SIGNAL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _KILL_AFTER_SECONDS)
