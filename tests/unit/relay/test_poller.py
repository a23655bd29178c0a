"""All pollers tell the same: who can be read or written, and nobody who was unregistered."""

import os
import select
import socket
from collections.abc import Iterator
from functools import partial

import gevent
import gevent.event
import pytest

from webapp.relay.poller import EpollPoller, SelectorPoller, WatcherPoller


class Pollable:
    def __init__(self, ends: list[socket.socket]) -> None:
        self.ours, self.peer = socket.socketpair()
        ends += [self.ours, self.peer]
        self.ours.setblocking(False)
        self.number = self.ours.fileno()
        self.received = b""
        self.writable = 0

    def on_readable(self) -> None:
        self.received += os.read(self.number, 100)

    def on_writable(self) -> None:
        self.writable += 1


def wait_in_gevent() -> None:
    gevent.event.Event().wait(0.05)


@pytest.fixture(params=["epoll", "epoll within gevent", "selector", "watcher"])
def poller(request):
    """With a way to let it call whatever can go on."""
    hub_loop, watcher = gevent.get_hub().loop, None
    if request.param == "watcher":
        poller = WatcherPoller(hub_loop)
    else:
        poller = SelectorPoller() if request.param == "selector" else EpollPoller(select.epoll())
    poller.turn = wait_in_gevent if request.param == "watcher" else partial(poller.dispatch, 0.05)
    if request.param == "epoll within gevent":
        watcher = hub_loop.io(poller.fileno(), 1)
        watcher.start(poller.dispatch, 0)
        poller.turn = wait_in_gevent
    yield poller
    if watcher is not None:
        watcher.stop()
        watcher.close()
    poller.close()


@pytest.fixture
def ends() -> Iterator[list[socket.socket]]:
    ends: list[socket.socket] = []
    yield ends
    [end.close() for end in ends]


def test_what_comes_is_read(poller, ends):
    first, second = Pollable(ends), Pollable(ends)
    poller.register(first.number, first)
    poller.register(second.number, second)
    second.peer.sendall(b"two")
    poller.turn()
    assert (first.received, second.received) == (b"", b"two")


def test_it_is_called_for_writing_as_long_as_it_wants(poller, ends):
    pollable = Pollable(ends)
    poller.register(pollable.number, pollable)
    poller.turn()
    assert pollable.writable == 0
    poller.want_write(pollable.number, True)
    poller.turn()
    assert pollable.writable > 0
    poller.want_write(pollable.number, False)
    before = pollable.writable
    pollable.peer.sendall(b"x")
    poller.turn()
    assert (pollable.writable, pollable.received) == (before, b"x")


def test_who_was_unregistered_is_left_alone(poller, ends):
    pollable = Pollable(ends)
    poller.register(pollable.number, pollable)
    poller.unregister(pollable.number)
    pollable.peer.sendall(b"x")
    poller.turn()
    assert pollable.received == b""


def test_one_may_end_another_whose_turn_was_next(poller, ends):
    first, second = Pollable(ends), Pollable(ends)
    both = [first, second]

    def end_the_other(one, other):
        def on_readable():
            if one in both:
                both.remove(other)
                poller.unregister(other.number)
                one.peer.close()
                os.read(one.number, 100)

        return on_readable

    first.on_readable, second.on_readable = end_the_other(first, second), end_the_other(second, first)
    for one in both:
        poller.register(one.number, one)
        one.peer.sendall(b"x")
    poller.turn()
    assert len(both) == 1
    poller.unregister(both[0].number)


def test_a_mistake_of_one_holds_nobody_up(poller, ends):
    broken, other = Pollable(ends), Pollable(ends)

    def fail() -> None:
        os.read(broken.number, 100)
        raise RuntimeError

    broken.on_readable = fail
    for one in (broken, other):
        poller.register(one.number, one)
        one.peer.sendall(b"x")
    poller.turn()
    assert other.received == b"x"
