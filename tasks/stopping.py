"""How a worker stops: its children begin no further step, and hand back one that does not end soon.

Celery's warm shutdown waits for whole messages, and so for whole chains, for as long as they last; its cold one kills
the children in mid-step. So the main process passes the word on at once, and each child ends its step by itself.
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

# Everything has to be gone 10 s after SIGTERM. An answer on its way may be paid for, so a step may take some of it; the
# rest is for a busy machine: Celery and Python need 0.5 s of CPU time to end.
_PATIENCE_SECONDS = 4.0
# Then the kernel ends the main process, and with it the children, whatever they hang in; the sweep takes their runs.
_LAST_SECONDS = 9.3
_TELL = signal.SIGUSR2
_LONGER_THAN_ANY_TASK = 86_400.0

_asked_at: float | None = None


class StepTimedOut(Exception):
    """A step used up its time; another try may find the other side awake."""

    retryable = True
    reason = "time_limit"


class Stopped(BaseException):
    """This process is to stop, and its step did not end in time. No mistake of the step's: nobody on the way up may
    take it for one, such as the importer, which would count it against the file at hand."""


def is_asked() -> bool:
    """Whether this process has been told to stop."""
    return _asked_at is not None


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise StepTimedOut in this process after so long, or Stopped soon after it was told to stop.

    Celery's own limits know only whole messages, not steps.
    """

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Stopped if is_asked() else StepTimedOut

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _shorten()  # when the word came before the clock was set
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


def _shorten() -> None:
    """Let the step under way, if there is one, ring by the end of our patience."""
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if left and _asked_at is not None:
        patience = _asked_at + _PATIENCE_SECONDS - time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, max(min(left, patience), 0.001))


def _hear(_signal: int, _frame: FrameType | None) -> None:
    global _asked_at  # noqa: PLW0603 one per process, by nature
    _asked_at = _asked_at or time.monotonic()
    _shorten()


@signals.worker_process_init.connect
def _listen(**_: object) -> None:
    signal.signal(_TELL, _hear)
    # Some supervisors send SIGTERM to the whole group: the main process alone decides what follows from it.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@signals.worker_shutting_down.connect
def _tell(**_: object) -> None:
    """In the main process, at once when its signal comes."""
    for child in active_children():
        os.kill(child.pid, _TELL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _LAST_SECONDS)
