"""Where sockets are watched: gevent's own loop in a patched process, one thread with a selector elsewhere."""

import os
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from core.logs import get_logger

log = get_logger(__name__)
Job = Callable[[], None]
_WORKERS = 32


class Watch(Protocol):
    """The watch over one descriptor. It must be stopped before the descriptor is closed."""

    def want_write(self, on_writable: Job) -> None: ...
    def no_write(self) -> None: ...
    def stop(self) -> None: ...


class Loop(Protocol):
    """Jobs given to `run`, callbacks of watches, and hooks (which any thread may call) never overlap and must not
    block; `spawn` may block."""

    def watch(self, descriptor: int, on_readable: Job) -> Watch: ...
    def run(self, job: Job) -> None: ...
    def hook(self, job: Job) -> Job: ...
    def spawn(self, job: Job) -> None: ...
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
    if not is_gevent():
        return threading.Lock()
    from gevent import monkey  # noqa: PLC0415 see is_gevent

    lock: threading.Lock = monkey.get_original("threading", "Lock")()
    return lock


class GeventWatch:
    __slots__ = ("_descriptor", "_loop", "_reading", "_writing")

    def __init__(self, loop: Any, descriptor: int, on_readable: Job) -> None:
        self._loop = loop
        self._descriptor = descriptor
        self._reading = loop.io(descriptor, 1)
        self._reading.start(on_readable)
        self._writing: Any = None

    def want_write(self, on_writable: Job) -> None:
        if self._writing is None:
            self._writing = self._loop.io(self._descriptor, 2)
            self._writing.start(on_writable)

    def no_write(self) -> None:
        if self._writing is not None:
            self._writing.stop()
            self._writing.close()
            self._writing = None

    def stop(self) -> None:
        self.no_write()
        if self._reading is not None:
            self._reading.stop()
            self._reading.close()
            self._reading = None


class GeventLoop:
    """One libev watcher per socket and no greenlet; callbacks run in gevent's hub."""

    def __init__(self) -> None:
        import gevent  # noqa: PLC0415 see make_loop

        self._gevent = gevent
        self._loop = gevent.get_hub().loop
        self._timers: list[Any] = []
        self._jobs: deque[Job] = deque()
        self._workers = 0

    def watch(self, descriptor: int, on_readable: Job) -> Watch:
        return GeventWatch(self._loop, descriptor, on_readable)

    def run(self, job: Job) -> None:
        job()  # everything of a gevent worker is one thread, and jobs do not yield

    def hook(self, job: Job) -> Job:
        return job

    def spawn(self, job: Job) -> None:
        """Greenlets that end when there is nothing left; a pool's spawn would block the hub when full."""
        self._jobs.append(job)
        if self._workers < _WORKERS:
            self._workers += 1
            self._gevent.spawn(self._work)

    def every(self, seconds: float, job: Job) -> None:
        timer = self._loop.timer(seconds, seconds)
        timer.start(job)
        self._timers.append(timer)

    def stop(self) -> None:
        for timer in self._timers:
            timer.stop()
            timer.close()
        self._timers.clear()

    def _work(self) -> None:
        try:
            while self._jobs:
                _guard(self._jobs.popleft())
        finally:
            self._workers -= 1


class ThreadWatch:
    __slots__ = ("_callbacks", "_descriptor", "_selector")

    def __init__(self, selector: selectors.BaseSelector, descriptor: int, on_readable: Job) -> None:
        self._selector = selector
        self._descriptor = descriptor
        self._callbacks: list[Job | None] = [on_readable, None]
        selector.register(descriptor, selectors.EVENT_READ, self._callbacks)

    def want_write(self, on_writable: Job) -> None:
        if self._callbacks[1] is None:
            self._callbacks[1] = on_writable
            self._selector.modify(self._descriptor, selectors.EVENT_READ | selectors.EVENT_WRITE, self._callbacks)

    def no_write(self) -> None:
        if self._callbacks[1] is not None:
            self._callbacks[1] = None
            self._selector.modify(self._descriptor, selectors.EVENT_READ, self._callbacks)

    def stop(self) -> None:
        if self._callbacks[0] is not None:
            self._callbacks[:] = [None, None]
            self._selector.unregister(self._descriptor)


class ThreadLoop:
    """For servers with threads, and for tests: one thread watches every socket."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, [self._woken, None])
        self._jobs: deque[Job] = deque()
        self._ticking: list[tuple[float, Job]] = []
        self._stopping = False
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="relay-worker")
        self._thread = threading.Thread(target=self._run, name="relay-loop", daemon=True)
        self._thread.start()

    def watch(self, descriptor: int, on_readable: Job) -> Watch:
        return ThreadWatch(self._selector, descriptor, on_readable)

    def run(self, job: Job) -> None:
        self._jobs.append(job)
        if threading.current_thread() is not self._thread:
            self._wake()

    def hook(self, job: Job) -> Job:
        return partial(self.run, job)

    def spawn(self, job: Job) -> None:
        self._pool.submit(_guard, job)

    def every(self, seconds: float, job: Job) -> None:
        self.run(lambda: self._ticking.append((seconds, job)))

    def stop(self) -> None:
        self._stopping = True
        self._wake()
        self._thread.join(5)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _wake(self) -> None:
        try:
            self._wake_in.send(b"!")
        except BlockingIOError:
            return  # plenty of wake-ups are under way

    def _woken(self) -> None:
        os.read(self._wake_out.fileno(), 4096)

    def _run(self) -> None:
        while not self._stopping:
            while self._jobs:
                _guard(self._jobs.popleft())
            pause = min((seconds for seconds, _ in self._ticking), default=None)
            for key, events in self._selector.select(pause):
                self._call(key.data, events)
            for _, job in self._ticking:  # jobs look at the clock themselves
                _guard(job)

    def _call(self, callbacks: list[Job | None], events: int) -> None:
        """Looks again before each call: the callback before may have stopped this watch."""
        for index, flag in enumerate((selectors.EVENT_READ, selectors.EVENT_WRITE)):
            callback = callbacks[index]
            if events & flag and callback is not None:
                _guard(callback)


def _guard(job: Job) -> None:
    try:
        job()
    except Exception:
        log.exception("relay_job_failed")
