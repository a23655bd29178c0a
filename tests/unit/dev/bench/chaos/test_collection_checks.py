"""The checker of collections: each way to lose or to double something is seen, and a good history has none."""

from dataclasses import replace
from typing import Any

import pytest

from dev.bench.chaos.checker import ViolationKind
from dev.bench.chaos.faults import Injection
from dev.bench.chaos.workloads.collection.checks import check_collections
from dev.bench.chaos.workloads.collection.client_session import ClientSession
from dev.bench.chaos.workloads.collection.collection_history import BilledCall, CollectionHistory, FinalRun
from dev.bench.chaos.workloads.collection.persons import InventedPerson

LOST, DOUBLED, LEFT_OVER = ViolationKind.LOST, ViolationKind.DOUBLED, ViolationKind.LEFT_OVER
SESSION, PATIENT = "7f3b9c52-6d0c-4f6e-9a38-6a2f4a1d6c11", "0d2c4f6e-1111-4f6e-9a38-6a2f4a1d6c11"
PERSON = InventedPerson("가나다", "19840517", "01030000000", "M", 1, 1, 0.5)
WAITING, END = {"type": "auth_waiting"}, {"type": "streaming_status", "status": "completed"}
RUN = FinalRun(SESSION, "completed", "finish", "ended", PATIENT, None, 1, has_secrets=False)


def good_client() -> ClientSession:
    client = ClientSession(PERSON, wants_report=True, began_at=1.0, session_id=SESSION)
    client.asked_at, client.ended_at, client.completed_in = 2.0, 9.0, ["epoch"]
    return client


def good_history() -> CollectionHistory:
    """One session that was collected, seen to its end, and paid for once."""
    return CollectionHistory(
        clients=[good_client()],
        runs={SESSION: RUN},
        committed={SESSION: [(1, WAITING), (2, END)]},
        ends={SESSION: 2},
        streams={SESSION: [(1, WAITING), (2, END)]},
        billed=[
            BilledCall(SESSION, "checkups", 3.0, was_delivered=True),
            BilledCall(SESSION, "prescriptions", 4.0, was_delivered=True),
        ],
        arrived={(SESSION, "checkups"): [3.2], (SESSION, "prescriptions"): [4.2]},
        served={(SESSION, "checkups"): {"a"}, (SESSION, "prescriptions"): {"b"}},
        files={(SESSION, "checkups"): "a", (SESSION, "prescriptions"): "b"},
        served_records={(PATIENT, "checkups"): {"c"}, (PATIENT, "prescriptions"): {"d"}},
        stored_records={(PATIENT, "checkups"): ["c"], (PATIENT, "prescriptions"): ["d"]},
        paid_reports={"tid": 1},
        made_reports={SESSION},
    )


def kinds_of(history: CollectionHistory) -> list[ViolationKind]:
    return [violation.kind for violation in check_collections(history)]


def test_a_good_history_has_no_violation():
    assert check_collections(good_history()) == []


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("runs", {SESSION: replace(RUN, status="error")}, LOST),
        ("runs", {SESSION: replace(RUN, has_secrets=True)}, LEFT_OVER),
        ("ends", {SESSION: 3}, LOST),
        ("streams", {SESSION: [(1, WAITING)]}, LOST),
        ("streams", {SESSION: [(1, WAITING), (3, END)]}, LOST),
        ("streams", {SESSION: [(1, WAITING), (2, {"type": "error"})]}, LOST),
        ("streams", {SESSION: [(1, WAITING), (2, WAITING)]}, LOST),
        ("repeated_steps", [(SESSION, "save_files", 2)], DOUBLED),
        ("files", {(SESSION, "checkups"): "a"}, LOST),
        ("files", {(SESSION, "checkups"): "a", (SESSION, "prescriptions"): "other"}, LOST),
        ("stored_records", {(PATIENT, "checkups"): ["c"]}, LOST),
        ("stored_records", {(PATIENT, "checkups"): ["c", "c"], (PATIENT, "prescriptions"): ["d"]}, DOUBLED),
        ("paid_reports", {"tid": 2}, DOUBLED),
        ("made_reports", set(), LOST),
        ("leftover_files", ["pending/ still holds a temporary file"], LEFT_OVER),
    ],
)
def test_what_is_wrong_is_found(field: str, value: Any, kind: ViolationKind):
    history = good_history()
    setattr(history, field, value)
    assert kinds_of(history) == [kind]


def test_completed_twice_is_doubled():
    history = good_history()
    history.committed = {SESSION: [(1, END), (2, END)]}
    history.streams = {SESSION: [(1, END), (2, END)]}
    assert kinds_of(history) == [DOUBLED]


def test_a_stream_that_lost_its_beginning_is_no_loss():
    history = good_history()
    history.streams = {SESSION: [(2, END)]}
    assert check_collections(history) == []


def test_a_package_may_go_with_the_disk_of_the_file_store():
    history = good_history()
    history.files = {(SESSION, "checkups"): "a"}
    history.injections = [Injection("objects_lost", 4.3, "objects-1", lost_files=True)]
    assert kinds_of(history) == []
    history.injections = [Injection("objects_lost", 4.1, "objects-1", lost_files=True)]
    assert kinds_of(history) == [LOST]


def test_a_client_is_told_to_start_anew_once_for_each_new_epoch():
    history = good_history()
    history.clients[0].resyncs = 1
    history.injections = [Injection("primary_replaced", 5.0, "postgres-1", began_epoch=True)]
    assert kinds_of(history) == []
    history.clients[0].resyncs = 2
    assert kinds_of(history) == [LOST]


def test_a_session_that_the_database_does_not_know_is_lost():
    history = good_history()
    history.runs = {}
    assert kinds_of(history) == [LOST]


def test_a_session_that_was_never_promised_is_nobodys():
    history = good_history()
    history.clients, history.runs = [], {SESSION: replace(RUN, status="initiated", run_state="idle")}
    assert check_collections(history) == []


def test_an_older_report_may_have_been_replaced():
    history = good_history()
    history.clients.append(ClientSession(PERSON, wants_report=True, began_at=5.0))
    history.made_reports = set()
    assert check_collections(history) == []


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("ended_at", None, LOST),
        ("resyncs", 1, LOST),
        ("errors", ["a hole"], DOUBLED),
        ("completed_in", ["epoch", "epoch"], DOUBLED),
    ],
)
def test_what_a_client_saw_counts(field: str, value: Any, kind: ViolationKind):
    history = good_history()
    setattr(history.clients[0], field, value)
    assert kinds_of(history) == [kind]


def test_records_told_as_failed_are_missing_unless_their_files_were_lost():
    history = good_history()
    history.failed_records = {(PATIENT, "checkups"): history.served_records.pop((PATIENT, "checkups"))}
    history.stored_records.pop((PATIENT, "checkups"))
    assert [violation.kind for violation in check_collections(history)] == [LOST]
    history.injections = [Injection("objects_host_killed_with_disk", 3.5, "objects-1", lost_files=True)]
    assert check_collections(history) == []


def test_steps_are_done_once_more_for_who_was_told_to_ask_again():
    history = good_history()
    history.repeated_steps = [(SESSION, "save_files", 2)]
    assert [violation.kind for violation in check_collections(history)] == [DOUBLED]
    history.clients[0].asked_again = 1
    assert check_collections(history) == []
