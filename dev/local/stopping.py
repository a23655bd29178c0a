"""Remembers that somebody asked this process to stop, and says so at places where stopping is safe.

An exception straight out of a signal handler could strike between a fork and the note of its child, or be swallowed
by a destructor.
"""

import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_requested = threading.Event()
_again = threading.Event()


class StopRequested(BaseException):
    """Somebody asked us to end; like KeyboardInterrupt no error."""


def stop_on_signals() -> None:
    """From now on Ctrl-C, SIGTERM and a closed terminal are remembered and `check_stop` tells."""
    for number in _SIGNALS:
        signal.signal(number, _remember)


def check_stop() -> None:
    """Raises StopRequested. To be called in every wait that may be long, never while stopping."""
    if _requested.is_set():
        raise StopRequested


def wants_to_go_at_once() -> bool:
    """Whether somebody has asked a second time."""
    return _again.is_set()


def _remember(_: int, __: FrameType | None) -> None:
    if _requested.is_set():
        _again.set()
    _requested.set()
