"""The checker of threads: each way to lose, double or leak an envelope is seen, and a good history has none."""

from dataclasses import replace
from typing import Any

import pytest

from dev.bench.chaos.checker import ViolationKind
from dev.bench.chaos.workloads.threads.checks import check_threads
from dev.bench.chaos.workloads.threads.thread_history import NumberedItem, Receipt, ThreadHistory

LOST, DOUBLED, LEFT_OVER = ViolationKind.LOST, ViolationKind.DOUBLED, ViolationKind.LEFT_OVER
THREAD = "AAAAAAAAAAAAAAAAAAAAAA"
ITEMS = [NumberedItem(1, None), NumberedItem(2, "a"), NumberedItem(3, "b")]


def good_history() -> ThreadHistory:
    """A key and two envelopes, of which a killed process acknowledged one; two readers heard all."""
    return ThreadHistory(
        sent=frozenset({"a", "b", "c"}),
        acknowledged={"a": Receipt(THREAD, 2)},
        stored={THREAD: ITEMS},
        read={"socket": {THREAD: ITEMS}, "stream": {THREAD: ITEMS}},
        ends={THREAD: 3},
        answers={200: 3, 404: 1},
    )


def kinds_of(**changes: Any) -> list[ViolationKind]:
    return [violation.kind for violation in check_threads(replace(good_history(), **changes))]


def test_a_good_history_has_no_violation():
    assert check_threads(good_history()) == []


@pytest.mark.parametrize(
    "receipt", [{"c": Receipt(THREAD, 4)}, {"a": Receipt(THREAD, 3)}, {"a": Receipt("BAAAAAAAAAAAAAAAAAAAAA", 2)}]
)
def test_an_acknowledged_envelope_that_is_not_where_it_was_told_is_lost(receipt: dict[str, Receipt]):
    assert kinds_of(acknowledged=receipt) == [LOST]


def test_a_hole_in_the_numbers_is_a_loss():
    holed = [ITEMS[0], ITEMS[1], NumberedItem(4, "b")]
    read = {"socket": {THREAD: holed}}
    assert kinds_of(stored={THREAD: holed}, ends={THREAD: 4}, read=read) == [LOST]


def test_an_envelope_that_is_there_twice_is_doubled():
    twice = [*ITEMS, NumberedItem(4, "b")]
    assert kinds_of(stored={THREAD: twice}, ends={THREAD: 4}, read={"socket": {THREAD: twice}}) == [DOUBLED]


def test_an_envelope_that_nobody_sent_is_doubled():
    assert kinds_of(sent=frozenset({"a"})) == [DOUBLED]


@pytest.mark.parametrize(
    "heard",
    [[], ITEMS[:2], ITEMS[1:], [*ITEMS, ITEMS[2]], [ITEMS[0], ITEMS[2], ITEMS[1]], [*ITEMS[:2], NumberedItem(3, "c")]],
)
def test_a_reader_who_heard_anything_else_is_told(heard: list[NumberedItem]):
    assert kinds_of(read={"socket": {THREAD: ITEMS}, "stream": {THREAD: heard}}) == [LOST]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"behind": [f"thread:{THREAD}"]}, LOST),
        ({"broken_audits": [THREAD]}, LEFT_OVER),
        ({"trespasses": ["b of another thread was answered"]}, DOUBLED),
        ({"oddities": ["its socket was told to start anew"]}, DOUBLED),
        ({"unanswered": 1}, LOST),
        ({"answers": {500: 1}}, DOUBLED),
    ],
)
def test_whatever_else_is_odd_is_told(change: dict[str, Any], kind: ViolationKind):
    assert kinds_of(**change) == [kind]
