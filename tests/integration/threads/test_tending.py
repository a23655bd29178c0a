"""The sweep of the service's threads goes by pages, so that none of its statements grows with their number."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from models.threads import MemberRole
from services.stores import Stores
from services.threads import tending
from services.threads.creating import create_thread
from services.threads.devices import register_device
from services.threads.encoding import SERVICE_MEMBER
from services.threads.tending import ThreadTender
from tests.thread_devices import ClientDevice

from .room import NURSE, caller


@pytest.fixture
def served(stores: Stores) -> list[str]:
    """Threads with the service, whose keys are due, in their order."""
    with stores.threads(caller(NURSE)) as unit:
        register_device(unit, ClientDevice(NURSE).claim)
    made = []
    for _ in range(5):
        with stores.threads(caller(NURSE)) as unit:
            others = {SERVICE_MEMBER: MemberRole.WRITER}
            made.append(create_thread(unit, uuid4(), others, stores.service_member)[0])
    with stores.sessions.begin() as session:
        session.execute(text("update welno.welno_threads set key_state = 'due'"))
        return list(session.scalars(text("select id from welno.welno_threads order by id")))


@contextmanager
def pages_asked(stores: Stores, *, failing: str | None = None) -> Iterator[list[list[str]]]:
    """Whose keys were asked for together. The page with the thread that is failing is one that PostgreSQL refuses."""
    asked: list[list[str]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:
        page = parameters.get("page") if isinstance(parameters, dict) else None
        if page is None:
            return statement, parameters
        asked.append(page)
        return ("select 1 / 0", {}) if failing in page else (statement, parameters)

    event.listen(stores.engine, "before_cursor_execute", note, retval=True)
    try:
        yield asked
    finally:
        event.remove(stores.engine, "before_cursor_execute", note)


def test_every_thread_is_asked_for_once_in_pages_of_a_fixed_size(
    stores: Stores, served: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tending, "_PAGE", 2)
    tender = ThreadTender(stores.threads, stores.service_member)
    with pages_asked(stores) as asked:
        assert (tender.tend_due(), tender.tend_due()) == (5, 0)
    assert asked == [served[:2], served[2:4], served[4:]] * 2


def test_a_page_that_fails_stops_no_other(stores: Stores, served: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tending, "_PAGE", 2)
    tender = ThreadTender(stores.threads, stores.service_member)
    with pages_asked(stores, failing=served[2]):
        assert tender.tend_due() == 3
    assert (tender.tend_due(), tender.tend_due()) == (2, 0)
