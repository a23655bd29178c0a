"""A loop that waits is told to stop by a signal handler, whatever it is just doing."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tasks.processes.stop_signal import StopSignal


@pytest.fixture
def _handlers() -> Iterator[None]:
    before = signal.getsignal(signal.SIGVTALRM)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def test_a_wait_ends_by_its_time():
    stop = StopSignal()
    assert (stop.wait(0.01), stop.is_set()) == (False, False)


def test_a_wait_ends_when_another_thread_asks():
    stop = StopSignal()
    threading.Timer(0.05, stop.set).start()
    assert (stop.wait(10), stop.is_set()) == (True, True)
    assert stop.wait(0)
    stop.set()
    assert stop.wait(0)


@pytest.mark.timeout(60)
def test_a_time_that_passes_before_the_wait_begins_ends_it():
    """queue.SimpleQueue hangs here within seconds."""
    assert not any(StopSignal().wait(1e-9) for _ in range(20_000))


@pytest.mark.usefixtures("_handlers")
@pytest.mark.timeout(20)
def test_a_handler_may_ask_at_any_moment_of_a_wait():
    """threading.Event hangs here within moments."""
    stops = [StopSignal()]
    signal.signal(signal.SIGVTALRM, lambda *_: stops[-1].set())
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.0002, 0.0002)
    asked, deadline = 0, time.process_time() + 0.5
    while time.process_time() < deadline:
        stops[-1].wait(1e-6)
        if stops[-1].is_set():
            asked += 1
            stops.append(StopSignal())
    assert asked > 10
