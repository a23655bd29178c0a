"""Readiness waits for nothing for long, and asks no store more often than it must."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.waiting import wait_until
from webapp.readiness import NO_ANSWER, OK, Probe, Readiness


class Store:
    """Counts how often it is asked; answers once it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def run(self) -> Mapping[str, str]:
        self.asked += 1
        assert self.may_answer.wait(10)
        return {"store": OK}


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def readiness(store: Store, watch: Watch) -> Readiness:
    return Readiness([Probe(("store",), store.run)], within_seconds=0.2, monotonic=watch)


def test_an_answer_serves_for_a_second(readiness: Readiness, store: Store, watch: Watch):
    asked = []
    for passed in (0, 1.0, 0.1):
        watch.now += passed
        assert readiness.check() == {"store": OK}
        asked.append(store.asked)
    assert asked == [1, 1, 2]


def test_a_crowd_causes_one_check(readiness: Readiness, store: Store):
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: readiness.check(), range(8)))
    assert (answers, store.asked) == ([{"store": OK}] * 8, 1)


def test_a_store_that_hangs_is_told_within_the_deadline(readiness: Readiness, store: Store):
    store.may_answer.clear()
    began = time.monotonic()
    assert readiness.check() == {"store": NO_ANSWER}
    assert time.monotonic() - began < 2
    store.may_answer.set()


def test_a_store_that_hangs_is_not_asked_again_meanwhile(readiness: Readiness, store: Store, watch: Watch):
    store.may_answer.clear()
    for _ in range(3):
        watch.now += 2
        assert readiness.check() == {"store": NO_ANSWER}
    assert store.asked == 1
    store.may_answer.set()

    def is_ready() -> bool:
        watch.now += 2
        return readiness.check() == {"store": OK}

    wait_until(is_ready)


def test_one_store_that_hangs_hides_no_other(store: Store):
    store.may_answer.clear()
    other = Probe(("other", "its table"), lambda: {"other": OK, "its table": "missing"})
    readiness = Readiness([Probe(("store",), store.run), other], within_seconds=0.2)
    assert readiness.check() == {"store": NO_ANSWER, "other": OK, "its table": "missing"}
    store.may_answer.set()


def test_a_probe_that_breaks_is_not_ready():
    def broken() -> Mapping[str, str]:
        raise ValueError

    probe: Callable[[], Mapping[str, str]] = broken
    assert Readiness([Probe(("store",), probe)]).check() == {"store": "failed"}
