"""Where connections are served: gevent's own loop in a patched process, one thread of its own elsewhere."""

import importlib
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from core.logs import get_logger
from webapp.relay.poller import (
    DescriptorPoller,
    EpollPoller,
    Pollable,
    WaitingPoller,
    WatcherPoller,
    make_waiting_poller,
)

log = get_logger(__name__)
Job = Callable[[], None]


class Watch(Protocol):
    """Must be stopped before its descriptor is closed."""

    def stop(self) -> None: ...


class Workers(Protocol):
    """Carry out jobs that may block, a few at a time, in the order in which they were given."""

    def put(self, job: Job) -> None:
        """From any thread; never blocks."""

    def stop(self) -> None: ...


class Loop(Protocol):
    """Jobs given to `run` and callbacks of pollables never overlap and must not block.

    The `poller` is for very many descriptors; `watch` costs more of each and is quicker by a few microseconds.
    """

    @property
    def poller(self) -> DescriptorPoller: ...
    def watch(self, descriptor: int, pollable: Pollable) -> Watch: ...
    def run(self, job: Job) -> None: ...
    def make_workers(self, count: int) -> Workers: ...
    def every(self, seconds: float, job: Job) -> None: ...
    def stop(self) -> None: ...


def make_loop() -> Loop:
    """Of the kind this process needs: under gunicorn's gevent worker everything is patched before."""
    return GeventLoop() if is_gevent() else ThreadLoop()


def is_gevent() -> bool:
    try:
        from gevent import monkey  # noqa: PLC0415 gevent is needed only where it is the server's worker
    except ImportError:
        return False
    return bool(monkey.is_module_patched("socket"))


def plain_lock() -> threading.Lock:
    """A lock that nothing has patched, four times as fast as gevent's. Whoever holds it must not do anything that could
    let another greenlet run: that one would wait for it, and with it the whole process."""
    lock: threading.Lock = unpatched("threading", "Lock")()
    return lock


def unpatched(module: str, name: str) -> Any:
    """What it was before gevent replaced or removed it; None where there is none."""
    if not is_gevent():
        return getattr(importlib.import_module(module), name, None)
    from gevent import monkey  # noqa: PLC0415 see is_gevent

    try:
        return monkey.get_original(module, name)
    except AttributeError:
        return None


class GeventWatch:
    """A libev watcher."""

    def __init__(self, loop: Any, descriptor: int, on_readable: Job) -> None:
        self._watcher = loop.io(descriptor, 1)
        self._watcher.start(on_readable)

    def stop(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None


class GeventLoop:
    """No greenlet per connection: callbacks run in gevent's hub."""

    def __init__(self) -> None:
        import gevent  # noqa: PLC0415 see make_loop

        self._loop = gevent.get_hub().loop
        self._timers: list[Any] = []
        self._watches: list[Watch] = []
        self.poller = self._make_poller()

    def watch(self, descriptor: int, pollable: Pollable) -> Watch:
        return GeventWatch(self._loop, descriptor, pollable.on_readable)

    def run(self, job: Job) -> None:
        job()  # everything of a gevent worker is one thread, and jobs do not yield

    def make_workers(self, count: int) -> Workers:
        return GeventWorkers(count)

    def every(self, seconds: float, job: Job) -> None:
        timer = self._loop.timer(seconds, seconds)
        timer.start(job)
        self._timers.append(timer)

    def stop(self) -> None:
        for timer in self._timers:
            timer.stop()
            timer.close()
        self._timers.clear()
        for watch in self._watches:
            watch.stop()
        self.poller.close()

    def _make_poller(self) -> DescriptorPoller:
        make_epoll = unpatched("select", "epoll")
        if make_epoll is None:
            return WatcherPoller(self._loop)
        poller = EpollPoller(make_epoll())
        self._watches.append(GeventWatch(self._loop, poller.fileno(), partial(poller.dispatch, 0)))
        return poller


class GeventWorkers:
    """Greenlets that end when there is nothing left; a pool's spawn would block the hub when full."""

    def __init__(self, count: int) -> None:
        import gevent  # noqa: PLC0415 see make_loop

        self._spawn = gevent.spawn
        self._count = count
        self._busy = 0
        self._jobs: deque[Job] = deque()

    def put(self, job: Job) -> None:
        self._jobs.append(job)
        if self._busy < self._count:
            self._busy += 1
            self._spawn(self._work)

    def stop(self) -> None:
        self._jobs.clear()

    def _work(self) -> None:
        try:
            while self._jobs:
                _guard(self._jobs.popleft())
        finally:
            self._busy -= 1


class PollerWatch:
    def __init__(self, poller: DescriptorPoller, descriptor: int, pollable: Pollable) -> None:
        self._poller = poller
        self._descriptor = descriptor
        self._is_active = True
        poller.register(descriptor, pollable)

    def stop(self) -> None:
        if self._is_active:
            self._is_active = False
            self._poller.unregister(self._descriptor)


class WakeUp:
    """Lets other threads end the wait of a poller."""

    def __init__(self) -> None:
        self._out, self._in = socket.socketpair()
        self._in.setblocking(False)
        self._out.setblocking(False)

    def fileno(self) -> int:
        return self._out.fileno()

    def send(self) -> None:
        with suppress(OSError):  # plenty are under way, or the loop has stopped
            self._in.send(b"!")

    def on_readable(self) -> None:
        os.read(self._out.fileno(), 4096)

    def on_writable(self) -> None:
        return

    def close(self) -> None:
        self._in.close()
        self._out.close()


class ThreadLoop:
    """For servers with threads, and for tests: one thread serves every connection."""

    poller: WaitingPoller

    def __init__(self) -> None:
        self.poller = make_waiting_poller()
        self._wake_up = WakeUp()
        self.poller.register(self._wake_up.fileno(), self._wake_up)
        self._jobs: deque[Job] = deque()
        self._ticking: list[tuple[float, Job]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="relay-loop", daemon=True)
        self._thread.start()

    def watch(self, descriptor: int, pollable: Pollable) -> Watch:
        return PollerWatch(self.poller, descriptor, pollable)

    def run(self, job: Job) -> None:
        self._jobs.append(job)
        if threading.current_thread() is not self._thread:
            self._wake_up.send()

    def make_workers(self, count: int) -> Workers:
        return ThreadWorkers(count)

    def every(self, seconds: float, job: Job) -> None:
        self.run(lambda: self._ticking.append((seconds, job)))

    def stop(self) -> None:
        self._stopping = True
        self._wake_up.send()
        self._thread.join(5)
        self.poller.close()
        self._wake_up.close()

    def _run(self) -> None:
        while not self._stopping:
            while self._jobs:
                _guard(self._jobs.popleft())
            self.poller.dispatch(min((seconds for seconds, _ in self._ticking), default=None))
            for _, job in self._ticking:  # jobs look at the clock themselves
                _guard(job)


class ThreadWorkers:
    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="relay-worker")

    def put(self, job: Job) -> None:
        with suppress(RuntimeError):  # stopped: nobody waits for it any more
            self._pool.submit(_guard, job)

    def stop(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _guard(job: Job) -> None:
    try:
        job()
    except Exception:
        log.exception("relay_job_failed")
