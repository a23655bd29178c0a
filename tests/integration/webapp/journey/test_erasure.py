"""Erasing a person who is in the hospital at that moment: it waits for whoever acts for them, and misses nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from uuid import UUID

import pytest
import redis
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from models.accounts import Scope
from models.journey import Exam, JourneyRole
from services.accounts.logins import open_login
from services.journey.actors import JourneyActor
from services.journey.erasers import JOURNEY_ERASER
from services.journey.queueing import transfer_entry
from services.patients.erasing import ErasedPerson, ErasureJob, RowEraser
from services.personal_data import list_erasers
from tests.end_to_end.haystack import redis_contents
from tests.integration.webapp.canary import Canary, bring_canary, everything_in_tables, search
from tests.waiting import wait_until

_BLOCKED = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")
# What an action, a login, or the end of one holds when it waits for the person; and what it writes of the person then.
_FIRST = {
    "key": "select 1 from welno.idempotency_keys for update",
    "login": "select 1 from welno.logins where principal_id = :user_id for update",
    "scan token": "select 1 from welno.scan_tokens where user_id = :user_id for update",
    "person": "select 1 from welno.patient_states where user_id = :user_id for update",
}
_THEN = (
    "select 1 from welno.patient_states where user_id = :user_id for update",
    "select 1 from welno.queues where user_id = :user_id for update",
    "update welno.emr_sync_status set status = 'pending' where user_id = :user_id",
    "update welno.notifications set read_at = now() where user_id = :user_id",
)


@pytest.fixture
def canary(app: Flask) -> Canary:
    return bring_canary(app)


def job_until(canary: Canary, step: str) -> ErasureJob:
    """Ends before that step."""

    def ending(eraser):
        return eraser if eraser.name != step else RowEraser(step, frozenset(), _fail)

    erasers = [ending(eraser) for eraser in list_erasers(canary.stores, canary.spool)]
    return ErasureJob(canary.stores.unit_of_work, erasers, canary.stores.sealer, canary.stores.clock)


class Reached(Exception):
    """The step at which a test goes on by itself."""


def _fail(*_):
    raise Reached


@pytest.mark.parametrize("first", list(_FIRST))
def test_it_waits_for_whoever_acts_for_the_person_and_they_do_not_for_it(canary: Canary, engine: Engine, first: str):
    erasure_id, whose = canary.is_asked_for(), {"user_id": canary.user_id}
    with pytest.raises(Reached):
        job_until(canary, "journey").run(erasure_id)

    def is_blocked() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(_BLOCKED).scalar_one())

    with ThreadPoolExecutor(1) as pool:
        with Session(engine) as acting:
            acting.execute(text(_FIRST[first]), whose)
            erasing = pool.submit(canary.job().run, erasure_id)
            wait_until(is_blocked)
            for statement in _THEN:
                acting.execute(text(statement), whose)
            acting.commit()
        erasing.result(30)


def test_an_entry_that_was_opened_after_the_person_was_found_goes_with_its_events(
    canary: Canary, engine: Engine, redis_client: redis.Redis
):
    erasure_id, exam_id = canary.is_asked_for(), "EX-LATER"
    with pytest.raises(Reached):
        job_until(canary, "journey").run(erasure_id)
    with canary.stores.unit_of_work() as work:
        work.session.add(Exam(exam_id=exam_id, title="초음파", display_title="검사 2", needs_fasting=False))
        named = "select queue_id from welno.queues where user_id = :user_id"
        queue_id = work.session.execute(text(named), {"user_id": canary.user_id}).scalar_one()
        desk = (
            work.session.execute(text("select account_id from welno.accounts where kind = 'staff'")).scalars().first()
        )
    actor = JourneyActor(JourneyRole.STAFF, desk)
    moved = canary.stores.journeys.run(
        partial(transfer_entry, queue_id=queue_id, actor=actor, exam_id=exam_id, reason="x", key="transfer-1")
    )
    new_id = UUID(moved.body["queue"]["queue_id"])
    assert find_places(new_id, engine, redis_client) >= {"welno.queues", "welno.idempotency_keys", "redis"}
    canary.job().run(erasure_id)
    assert find_places(new_id, engine, redis_client) == set()
    assert search(canary, engine, redis_client) == {}


def find_places(queue_id: UUID, engine: Engine, redis_client: redis.Redis) -> set[str]:
    places = everything_in_tables(engine) | {"redis": redis_contents(redis_client)}
    return {place for place, hay in places.items() if str(queue_id).encode() in hay}


def test_every_process_is_told_that_the_person_s_logins_have_ended(canary: Canary):
    """By which it closes their sockets at once: test_live.py."""
    stores = canary.stores
    with stores.unit_of_work() as work:
        other = open_login(work.session, "patient", canary.user_id, Scope.JOURNEY)
        named = "select sid from welno.logins where principal_id = :user_id"
        sids = set(work.session.execute(text(named), {"user_id": canary.user_id}).scalars())
    person = ErasedPerson(canary.uuid, "", "", date(1963, 11, 19), user_ids=(canary.user_id,))
    with stores.unit_of_work() as work:
        JOURNEY_ERASER.erase(work, person, stores.clock.now())
        assert other in sids
        assert sorted(work.ended_logins) == sorted(map(str, sids))
