"""The checker of threads: each way to lose, double or leak an envelope is seen, and a good history has none."""

from dataclasses import replace
from typing import Any

import pytest

from dev.bench.chaos.checker import ViolationKind
from dev.bench.chaos.workloads.threads.checks import check_threads
from dev.bench.chaos.workloads.threads.thread_history import (
    BlobHistory,
    LinkHistory,
    NumberedItem,
    Receipt,
    StoredLink,
    StoredSending,
    ThreadHistory,
    ToldLink,
)

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


SENT = [*ITEMS, NumberedItem(4, "r1"), NumberedItem(5, "r2")]


def kinds_of_sendings(
    *, result: str | None = "ok", told: frozenset[str] = frozenset({"s"}), items: list[NumberedItem] = SENT
) -> list[ViolationKind]:
    """Two messages of one sending, which its patient was told."""
    sendings = {"s": StoredSending(THREAD, result, frozenset({"r1", "r2"}))}
    heard = {"stored": {THREAD: items}, "read": {"socket": {THREAD: items}}, "ends": {THREAD: len(items)}}
    return kinds_of(sendings=sendings, sendings_told=told, **heard)


def test_records_that_were_sent_are_no_odd_envelopes():
    assert kinds_of_sendings() == []


@pytest.mark.parametrize("result", [None, "GIVEN_UP", "SERVICE_NOT_MEMBER"])
def test_a_sending_that_does_not_end_well_is_lost(result: str | None):
    assert kinds_of_sendings(result=result) == [LOST]


def test_a_sending_that_lacks_a_message_is_lost():
    assert kinds_of_sendings(items=SENT[:4]) == [LOST]


def test_a_message_that_no_sending_has_to_write_is_doubled():
    assert kinds_of_sendings(items=[*SENT, NumberedItem(6, "r3")]) == [DOUBLED]


def test_a_sending_that_nobody_or_somebody_else_was_told_is_seen():
    assert kinds_of_sendings(told=frozenset()) == [DOUBLED]
    assert kinds_of_sendings(told=frozenset({"s", "t"})) == [LOST]


def good_blobs() -> BlobHistory:
    return BlobHistory(completed={"a": "hash"}, read={"a": {"one": "hash", "two": "hash"}}, kept=frozenset({"a"}))


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"read": {}}, [LOST]),
        ({"read": {"a": {"one": "hash", "two": None}}}, [LOST]),
        ({"read": {"a": {"one": "other", "two": "hash"}}}, [LOST]),
        ({"kept": frozenset()}, [LOST]),
        ({"kept": frozenset({"a", "b"})}, [LEFT_OVER]),
        ({"odd_files": ["a/1-x"]}, [LEFT_OVER]),
    ],
)
def test_a_blob_that_was_complete_is_read_whole_by_all_and_no_other_is_kept(
    change: dict[str, Any], kinds: list[ViolationKind]
):
    assert kinds_of(blobs=replace(good_blobs(), **change)) == kinds


def kinds_of_link(told: dict[str, Any], stored: dict[str, Any] | None) -> list[ViolationKind]:
    links = LinkHistory(
        told={"l": ToldLink(**{"files": ["jwe"], **told})},
        stored={} if stored is None else {"l": StoredLink(**{"files": ["jwe"], **stored})},
    )
    return kinds_of(links=links)


@pytest.mark.parametrize(
    ("told", "stored", "kinds"),
    [
        ({}, {}, []),
        ({}, None, [LOST]),
        ({}, {"files": ["other"]}, [LOST]),
        ({}, {"files": []}, [LOST, LOST]),
        ({"refused": 1}, {}, [LOST]),
        ({"refused": 1, "has_passcode": True}, {"is_active": False, "is_locked": True, "wrong_tries": 10}, []),
        ({"is_ended": True}, {"is_active": False, "files": []}, []),
        ({"is_ended": True}, {}, [LEFT_OVER]),
        ({"is_ended": True}, {"is_active": False}, [LEFT_OVER]),
    ],
)
def test_a_link_is_there_until_it_is_ended(
    told: dict[str, Any], stored: dict[str, Any] | None, kinds: list[ViolationKind]
):
    assert kinds_of_link(told, stored) == kinds


@pytest.mark.parametrize(
    ("locations", "taken", "kinds"),
    [([1], 1, []), ([0], 1, []), ([2], 1, [DOUBLED]), ([1], 2, [DOUBLED]), ([0], 0, [LOST]), ([1, 0], 2, [])],
)
def test_a_location_opens_once(locations: list[int], taken: int, kinds: list[ViolationKind]):
    """For whoever was answered, or for nobody where the answer was lost."""
    assert kinds_of_link({"locations": locations}, {"files_taken": taken}) == kinds


def test_a_location_of_an_ended_link_may_have_ended_with_it():
    assert kinds_of_link({"locations": [0], "is_ended": True}, {"is_active": False, "files": []}) == []


@pytest.mark.parametrize(
    ("remaining", "tries", "kinds"),
    [
        ([9, 8], 2, []),
        ([9, 8], 3, []),  # the answer of one was lost
        ([8, 0, 1], 10, []),
        ([9, 9], 2, [DOUBLED]),
        ([9, 8], 1, [DOUBLED]),
        ([10], 1, [DOUBLED]),
        ([], 11, [DOUBLED]),
        ([*range(10), 0], 10, [DOUBLED, DOUBLED]),
    ],
)
def test_of_a_passcode_there_are_ten_tries(remaining: list[int], tries: int, kinds: list[ViolationKind]):
    assert kinds_of_link({"remaining": remaining, "has_passcode": True}, {"wrong_tries": tries}) == kinds


def test_a_link_without_a_passcode_counts_no_tries():
    assert kinds_of_link({}, {"wrong_tries": 1}) == [DOUBLED]


def test_half_a_link_that_nobody_was_told_is_seen():
    assert kinds_of(links=LinkHistory(stored={"l": StoredLink(files=[])})) == [LOST]
    assert kinds_of(links=LinkHistory(stored={"l": StoredLink(files=["jwe"])})) == []
