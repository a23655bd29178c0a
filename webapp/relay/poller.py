"""Tells which of very many descriptors can be read or written: 45 bytes of each, where a libev watcher takes 300."""

import select
import selectors
from typing import Any, Protocol

from core.logs import get_logger

log = get_logger(__name__)
_READ, _WRITE = 1, 2  # of libev


class Pollable(Protocol):
    def on_readable(self) -> None: ...
    def on_writable(self) -> None: ...


class DescriptorPoller(Protocol):
    """A descriptor must be unregistered before it is closed. Belongs to one loop."""

    def register(self, descriptor: int, pollable: Pollable) -> None: ...
    def want_write(self, descriptor: int, wanted: bool) -> None: ...
    def unregister(self, descriptor: int) -> None: ...

    def close(self) -> None: ...


class WaitingPoller(DescriptorPoller, Protocol):
    def dispatch(self, timeout: float | None) -> None:
        """Call whatever can go on, after at most `timeout` seconds."""


class EpollPoller:
    """`epoll` is a new one. Its `fileno` may be watched by another loop, which then calls `dispatch`."""

    def __init__(self, epoll: Any) -> None:
        self._epoll = epoll
        self._pollables: dict[int, Pollable] = {}

    def fileno(self) -> int:
        return int(self._epoll.fileno())

    def register(self, descriptor: int, pollable: Pollable) -> None:
        self._pollables[descriptor] = pollable
        self._epoll.register(descriptor, select.EPOLLIN)

    def want_write(self, descriptor: int, wanted: bool) -> None:
        self._epoll.modify(descriptor, select.EPOLLIN | select.EPOLLOUT if wanted else select.EPOLLIN)

    def unregister(self, descriptor: int) -> None:
        del self._pollables[descriptor]
        self._epoll.unregister(descriptor)

    def dispatch(self, timeout: float | None) -> None:
        pollables = self._pollables
        for descriptor, events in self._epoll.poll(timeout):
            # Looked up before each call: the one before may have ended this one.
            if events & ~select.EPOLLOUT and descriptor in pollables:
                _call(pollables[descriptor].on_readable)
            if events & select.EPOLLOUT and descriptor in pollables:
                _call(pollables[descriptor].on_writable)

    def close(self) -> None:
        self._epoll.close()


class SelectorPoller:
    """For threads on systems without epoll."""

    def __init__(self) -> None:
        self._selector: Any = selectors.DefaultSelector()

    def register(self, descriptor: int, pollable: Pollable) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, pollable)

    def want_write(self, descriptor: int, wanted: bool) -> None:
        events = selectors.EVENT_READ | selectors.EVENT_WRITE if wanted else selectors.EVENT_READ
        self._selector.modify(descriptor, events, self._selector.get_key(descriptor).data)

    def unregister(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def dispatch(self, timeout: float | None) -> None:
        registered = self._selector.get_map()
        for key, events in self._selector.select(timeout):
            if events & selectors.EVENT_READ and key.fd in registered:
                _call(key.data.on_readable)
            if events & selectors.EVENT_WRITE and key.fd in registered:
                _call(key.data.on_writable)

    def close(self) -> None:
        self._selector.close()


class WatcherPoller:
    """For gevent on systems without epoll."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._watchers: dict[int, tuple[Any, Pollable]] = {}

    def register(self, descriptor: int, pollable: Pollable) -> None:
        self._watch(descriptor, pollable, _READ)

    def want_write(self, descriptor: int, wanted: bool) -> None:
        watcher, pollable = self._watchers[descriptor]
        _end(watcher)
        self._watch(descriptor, pollable, _READ | _WRITE if wanted else _READ)

    def unregister(self, descriptor: int) -> None:
        _end(self._watchers.pop(descriptor)[0])

    def close(self) -> None:
        for watcher, _ in self._watchers.values():
            _end(watcher)
        self._watchers.clear()

    def _watch(self, descriptor: int, pollable: Pollable, events: int) -> None:
        watcher = self._loop.io(descriptor, events)
        watcher.start(self._on_event, descriptor, pass_events=True)
        self._watchers[descriptor] = watcher, pollable

    def _on_event(self, events: int, descriptor: int) -> None:
        if events & _READ and descriptor in self._watchers:
            _call(self._watchers[descriptor][1].on_readable)
        if events & _WRITE and descriptor in self._watchers:
            _call(self._watchers[descriptor][1].on_writable)


def make_waiting_poller() -> WaitingPoller:
    return EpollPoller(select.epoll()) if hasattr(select, "epoll") else SelectorPoller()


def _end(watcher: Any) -> None:
    watcher.stop()
    watcher.close()


def _call(callback: Any) -> None:
    """One pollable's mistake must not keep the others waiting."""
    try:
        callback()
    except Exception:
        log.exception("relay_callback_failed")
