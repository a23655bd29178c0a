"""The client of a session sees holes, late events and unannounced epochs in the pages it polls."""

from typing import Any

import pytest

from dev.bench.chaos.workloads.collection.client_session import ClientSession
from dev.bench.chaos.workloads.collection.persons import InventedPerson

PERSON = InventedPerson("가나다", "19840517", "01030000000", "M", 1, 1, 0.5)


def event(seq: int, epoch: str = "a", status: str = "") -> dict[str, Any]:
    return {"seq": seq, "epoch": epoch, "type": "streaming_status" if status else "auth_waiting", "status": status}


def after_reading(*pages: dict[str, Any]) -> ClientSession:
    session = ClientSession(PERSON, wants_report=False, began_at=1.0)
    for page in pages:
        session.read_page(page)
    return session


def page(*events: dict[str, Any]) -> dict[str, Any]:
    return {"resync": False, "messages": list(events)}


def test_numbers_without_holes_are_as_they_must_be():
    session = after_reading(page(event(1), event(2)), page(event(3, status="completed")))
    assert (session.errors, session.seq, session.completed_in) == ([], 3, ["a"])


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([event(1), event(3)], "a hole in the numbers"),
        ([event(1, status="completed"), event(2)], "an event after completed"),
        ([event(1), event(1, "b")], "a new epoch without resync"),
    ],
)
def test_what_is_wrong_in_a_page_is_kept(events: list[dict[str, Any]], error: str):
    assert after_reading(page(*events)).errors == [error]


def test_a_resync_leads_to_the_end_of_the_new_epoch():
    session = after_reading(page(event(1)), {"resync": True, "epoch": "b", "last_seq": 4}, page(event(5, "b")))
    assert (session.errors, session.resyncs, session.seq) == ([], 1, 5)


def test_an_error_leads_to_another_push_until_something_else_is_told():
    error = {"seq": 1, "epoch": "a", "type": "error", "status": "error"}
    assert after_reading(page(error)).was_told_to_ask_again
    assert after_reading(page(error, event(2))).was_told_to_ask_again
    assert not after_reading(page(error, event(2, status="auth_requesting"))).was_told_to_ask_again
