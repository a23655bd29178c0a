"""Redis loses its data, comes back with older data, or is replaced by a replica that lags, in the middle of a run:
every reader gets every event once, in order, and is never told to start anew."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import connect

from tests.end_to_end.following import LAST, socket_url
from tests.end_to_end.person import Visit, kind_of
from tests.end_to_end.product import Product, run_product
from tests.end_to_end.provider import TREATMENTS
from tests.replication import Pair, replicated
from tests.waiting import wait_until

EVENTS = [*range(1, 9)]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.fixture(scope="module")
def lossy(pair: Pair, migrated_home: Path) -> Iterator[Product]:
    """The product with its streams in a Redis of their own, which the tests may take away."""
    processes = ("sandbox", "web", "worker", "poller", "sweeper")
    with run_product(migrated_home, processes, REDIS_URL=pair.url) as product:
        yield product


class Follower:
    """Reads as a client does that is cut again and again: it comes back with its place."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.events: list[dict[str, Any]] = []
        self.resyncs = 0
        self.is_stopped = False

    @property
    def place(self) -> str:
        return f"{self.events[-1]['epoch']}:{self.events[-1]['seq']}" if self.events else "0"

    @property
    def is_over(self) -> bool:
        return bool(self.events) and kind_of(self.events[-1]) == LAST

    def take(self, frame: dict[str, Any]) -> None:
        self.resyncs += frame["type"] == "resync"
        if "seq" in frame:
            self.events.append(frame)

    def follow(self) -> None:
        pause = threading.Event()
        while not self.is_over and not self.is_stopped:
            try:
                self.read()
            except (WebSocketException, InvalidHandshake, httpx.HTTPError, OSError, EOFError):
                pause.wait(0.1)

    def read(self) -> None:
        raise NotImplementedError


class SocketFollower(Follower):
    def read(self) -> None:
        url = socket_url(self.visit).partition("?")[0] + f"?after_seq={self.place}"
        with connect(url, additional_headers=self.visit.bearer, open_timeout=10) as socket:
            while not self.is_over:
                self.take(json.loads(socket.recv(timeout=40)))


class SseFollower(Follower):
    def read(self) -> None:
        url = f"{self.visit.person.web_url}{self.visit.path}/events"
        headers = {**self.visit.bearer, "Last-Event-ID": self.place}
        with httpx.stream("GET", url, headers=headers, timeout=40) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    self.take(json.loads(line[5:]))
                if self.is_over:
                    return


class PollFollower(Follower):
    def read(self) -> None:
        epoch, _, seq = self.place.rpartition(":")
        url = f"{self.visit.person.web_url}{self.visit.path}/messages"
        asked = {"after_seq": seq, "epoch": epoch}
        answer = httpx.get(url, params=asked, headers=self.visit.bearer, timeout=20).raise_for_status().json()
        self.resyncs += answer["resync"]
        for event in answer["messages"]:
            self.take(event)
        threading.Event().wait(0.1)


def empty(pair: Pair) -> None:
    pair.primary.admin.flushall()


def lose_all_data(pair: Pair) -> None:
    pair.restart_first(keep_data=False)


def come_back_with_a_snapshot(pair: Pair) -> None:
    pair.restart_first(keep_data=True)


def fail_over_to_a_lagging_replica(pair: Pair) -> None:
    """The replica stopped following when the snapshot was taken; all connections to the old primary stay open."""
    pair.promote()
    pair.replica.follow(pair.primary)


@contextmanager
def following(visit: Visit) -> Iterator[list[Follower]]:
    """Every transport; the block ends when all have read `completed`."""
    followers = [make(visit) for make in (SocketFollower, SseFollower, PollFollower, SocketFollower)]
    threads = [threading.Thread(target=follower.follow, daemon=True) for follower in followers]
    for thread in threads:
        thread.start()
    try:
        yield followers
        wait_until(lambda: all(follower.is_over for follower in followers), 60)
    finally:
        for follower in followers:
            follower.is_stopped = True


def check(followers: list[Follower]) -> None:
    """Where the approval is long in coming, the person is told so, once."""
    reminders = sum(event["type"] == "auth_timeout" for event in followers[0].events)
    assert reminders <= 1
    for follower in followers:
        assert [event["seq"] for event in follower.events] == [*range(1, len(EVENTS) + reminders + 1)]
        assert follower.events == followers[0].events
        assert follower.resyncs == 0


@pytest.mark.parametrize(
    "lose", [empty, lose_all_data, come_back_with_a_snapshot, fail_over_to_a_lagging_replica], ids=lambda f: f.__name__
)
def test_every_reader_gets_every_event_once_and_no_resync(lossy: Product, pair: Pair, lose: Callable[[Pair], None]):
    visit = lossy.meet().is_known_with().start()
    with following(visit) as followers:
        visit.asks_for_push().wait_for("auth_waiting")
        wait_until(lambda: all(len(follower.events) >= 2 for follower in followers))
        take_snapshot(pair)
        with lossy.provider.fault(TREATMENTS, calls=1, hold="before"):
            visit.approves()
            wait_until(lambda: all(len(follower.events) >= 6 for follower in followers))
            lose(pair)
    check(followers)
    assert visit.status()["status"] == "completed"


def take_snapshot(pair: Pair) -> None:
    """What a restart brings back, and where a replica stands that follows no further."""
    pair.replica.admin.replicaof("NO", "ONE")
    pair.primary.admin.save()


def test_postgresql_restarts_in_the_middle(lossy: Product):
    visit = lossy.meet().is_known_with().start()
    with following(visit) as followers:
        visit.asks_for_push().wait_for("auth_waiting")
        with lossy.provider.fault(TREATMENTS, calls=1, hold="before"):
            visit.approves()
            wait_until(lambda: all(len(follower.events) >= 6 for follower in followers))
            lossy.stack.restart("postgres")
    check(followers)
