"""Many callers, one query: each gets its own answer, and one that begins after they asked."""

import threading
from collections.abc import Mapping, Sequence

import pytest

from services.batched_lookup import BatchedLookup, LookupAbandoned
from tests.waiting import wait_until


class Table:
    """Answers twice the key, once it may."""

    def __init__(self) -> None:
        self.asked: list[set[int]] = []
        self.may_answer = threading.Event()
        self.raises: BaseException | None = None

    def find_many(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.asked.append(set(keys))
        assert self.may_answer.wait(10)
        if self.raises is not None:
            raise self.raises
        return {key: 2 * key for key in keys if key >= 0}


class Caller(threading.Thread):
    def __init__(self, lookup: BatchedLookup[int, int], key: int) -> None:
        super().__init__()
        self._lookup, self._key = lookup, key
        self.found: int | None = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.found = self._lookup.find(self._key)
        except BaseException as exc:  # noqa: BLE001 asserted on
            self.error = exc


def waiting(lookup: BatchedLookup[int, int], count: int) -> None:
    wait_until(lambda: lookup._next is not None and len(lookup._next.keys) == count)


def crowd(table: Table) -> tuple[BatchedLookup[int, int], list[Caller]]:
    """Two queries run already, and eight callers wait for the third."""
    lookup = BatchedLookup(table.find_many)
    callers = []
    for key in (1, 2):
        callers.append(Caller(lookup, key))
        wait_until(lambda: len(table.asked) == len(callers))
    callers += [Caller(lookup, key) for key in range(10, 18)]
    waiting(lookup, 8)
    return lookup, callers


def test_a_crowd_is_answered_by_one_query_more_than_those_under_way():
    table = Table()
    _, callers = crowd(table)
    table.may_answer.set()
    for caller in callers:
        caller.join(10)
    assert table.asked == [{1}, {2}, set(range(10, 18))]
    assert [caller.found for caller in callers] == [2, 4, *range(20, 36, 2)]


def test_a_lone_caller_asks_at_once_and_an_unknown_key_is_none():
    table = Table()
    table.may_answer.set()
    assert BatchedLookup(table.find_many).find(-1) is None


def test_who_asks_after_a_query_has_begun_is_not_answered_by_it():
    table = Table()
    lookup = BatchedLookup(table.find_many)
    first = Caller(lookup, 1)
    wait_until(lambda: table.asked == [{1}])
    second = Caller(lookup, 1)
    wait_until(lambda: table.asked == [{1}, {1}])
    table.may_answer.set()
    first.join(10)
    second.join(10)
    assert (first.found, second.found) == (2, 2)


def test_a_failure_is_told_to_all_who_waited_and_to_nobody_later():
    table = Table()
    lookup, callers = crowd(table)
    table.raises = RuntimeError("away")
    table.may_answer.set()
    for caller in callers:
        caller.join(10)
    assert {type(caller.error) for caller in callers} == {RuntimeError}
    table.raises = None
    assert lookup.find(3) == 6


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), GeneratorExit()])
def test_a_caller_that_is_ended_leaves_nobody_waiting(ending: BaseException):
    table = Table()
    _, callers = crowd(table)
    table.raises = ending
    table.may_answer.set()
    for caller in callers:
        caller.join(10)
    assert {type(caller.error) for caller in callers} == {type(ending), LookupAbandoned}
