"""A fault between any two statements of a change: the old state stays, and no event is there, logged or sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event

from models.journey import JourneyState
from services.journey.calling import call_by_id, recall, undo_call
from services.journey.day_close import close_journey, closing_time
from services.journey.queueing import delay_entry, join_queue, prioritize_entry, transfer_entry
from services.journey.simple_login import LoginWish, ScannedTag, log_in
from tests.integration.journey.ward import BLOOD, TAG_CODE, XRAY, Patient, Ward, counted


class Fault(Exception):
    """What strikes."""


@contextmanager
def fault_at(engine: Engine, number: int) -> Iterator[None]:
    """Before the statement of this number, from 0; the one after the last is the commit."""
    seen = 0

    def strike(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen > number:
            raise Fault

    event.listen(engine, "before_cursor_execute", strike)
    event.listen(engine, "commit", strike)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", strike)
        event.remove(engine, "commit", strike)


def act(action: str, payload: dict[str, Any] | None = None, *, staff: bool = False, key: str | None = None):
    def do(ward: Ward, person: Patient) -> object:
        return person.act(action, payload, by=ward.desk if staff else None, key=key)

    return do


def on_entry(change: Callable[..., Any], **options: Any):
    def do(ward: Ward, person: Patient) -> object:
        return ward.run(change, UUID(person.queue["queue_id"]), ward.desk, **options)

    return do


def join_second(ward: Ward, person: Patient) -> object:
    return ward.run(join_queue, person.user_id, XRAY, ward.desk, key="join-1")


def complete_with_another_line(ward: Ward, person: Patient) -> object:
    return person.act("complete_exam")


def cancel(ward: Ward, person: Patient) -> object:
    return person.act("cancel_appointment", {"queue_id": person.queue["queue_id"], "reason": "요청"}, by=ward.desk)


def close(ward: Ward, person: Patient) -> object:
    return ward.run(lambda journey: close_journey(journey, person.user_id, closing_time(journey)))


def log_in_where_it_was_scanned(ward: Ward, person: Patient) -> object:
    """The first person of the ward: the claim of the token, the arrival and the registration are one."""
    scanned = ScannedTag(uuid4(), "T-1", ward.clock.now() + timedelta(minutes=30))
    wish = LoginWish(
        phone_last4="0001",
        birth_date=date(1950, 5, 6),
        device_id="device-0001",
        scan=scanned,
        refresh_id=str(uuid4()),
    )
    return ward.run(log_in, ward.stores.people, wish)


CHANGES: dict[str, tuple[JourneyState, Callable[[Ward, Patient], object]]] = {
    "scan": (JourneyState.UNREGISTERED, act("scan_nfc", {"tag_code": TAG_CODE})),
    "login": (JourneyState.UNREGISTERED, log_in_where_it_was_scanned),
    "register": (JourneyState.ARRIVED, act("register")),
    "confirm": (JourneyState.REGISTERED, act("confirm_arrival", key="confirm-1")),
    "second_line": (JourneyState.WAITING, join_second),
    "call": (JourneyState.WAITING, on_entry(call_by_id, key="call-1")),
    "next": (JourneyState.WAITING, lambda ward, _: ward.call_next(key="next-1")),
    "delay": (JourneyState.WAITING, on_entry(delay_entry, is_delayed=True)),
    "priority": (JourneyState.WAITING, on_entry(prioritize_entry, priority=3, reason="urgent")),
    "transfer": (JourneyState.CALLED, on_entry(transfer_entry, exam_id=XRAY, reason="장비", key="transfer-1")),
    "recall": (JourneyState.CALLED, on_entry(recall)),
    "undo": (JourneyState.CALLED, on_entry(undo_call)),
    "no_show": (JourneyState.CALLED, act("mark_no_show", staff=True)),
    "cancel": (JourneyState.CALLED, cancel),
    "enter": (JourneyState.CALLED, act("enter_exam_room")),
    "complete": (JourneyState.IN_PROGRESS, complete_with_another_line),
    "pay": (JourneyState.COMPLETED, act("make_payment", key="pay-1")),
    "leave": (JourneyState.FINISHED, act("leave_hospital")),
    "day_close": (JourneyState.PAYMENT, close),
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_fault_leaves_half_a_change(ward: Ward, name: str):
    state, change = CHANGES[name]
    person = ward.patient(BLOOD, XRAY)
    person.comes(state)
    if name == "complete":
        person = with_two_lines(ward)
    ward.advance(seconds=30)
    if name == "day_close":
        ward.advance(hours=16)
    before, told = ward.everything(), person.events()
    engine = ward.stores.engine
    number = 0
    while True:
        with counted(engine) as made:
            try:
                with fault_at(engine, number):
                    change(ward, person)
            except Fault:
                assert ward.everything() == before, number
                assert person.events() == told
                number += 1
                continue
        break
    assert number > len(made)  # each statement, and the commit
    assert person.events()[: len(told)] == told
    assert len(person.events()) > len(told)
    assert ward.everything() != before


def with_two_lines(ward: Ward) -> Patient:
    """In an exam, and waiting for another."""
    person = ward.patient(BLOOD, XRAY).comes(JourneyState.WAITING)
    ward.run(join_queue, person.user_id, XRAY, ward.desk)
    ward.call(str(person.entries()[0].queue_id))
    person.act("enter_exam_room")
    return person
