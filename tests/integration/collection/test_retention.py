"""Ended runs and their steps are kept for their days and no longer; sessions end in time, also before their push."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.clock import clock
from core.names import Status, Step
from services.collection.requests import cancel_session
from services.collection.retention import delete_ended_runs, delete_old_steps
from services.collection.run_engine import fail_step
from services.collection.sweep import expire_sessions
from services.collection.waiting import asked_now, let_go
from services.delivery.unit_of_work import Work
from spool import DataType, Folder, Metadata, Package
from upstream.tilko.errors import TilkoUnavailable

from .conftest import OWNER, World


def delete(world: World, function=delete_ended_runs, *, days: int = 30, limit: int = 10) -> int:
    deleted: int = world.unit(lambda work: function(work.session, days, limit))
    return deleted


def ended(world: World, days_ago: float) -> str:
    session_id, _ = world.at(Step.FETCH_PRESCRIPTIONS)
    world.cancel(session_id)
    age(world, session_id, days_ago)
    return session_id


def age(world: World, session_id: str, days: float) -> None:
    moments = ("collection_ended_at", "welno_collection_history"), ("ended_at", "welno_collection_steps")
    for column, table in moments:
        query = f"update welno.{table} set {column} = now() - make_interval(secs => :age) where session_id = :id"
        world.execute(query, age=days * 86_400, id=session_id)


def known(world: World) -> set[str]:
    return {str(row[0]) for row in world.rows("select session_id from welno.welno_collection_history")}


def test_runs_that_ended_long_ago_are_deleted_with_their_steps(world: World):
    old, young = ended(world, 30.1), ended(world, 29.9)
    assert delete(world) == 1
    assert known(world) == {young}
    assert world.steps(old) == []
    assert world.steps(young) != []


def test_a_run_that_has_not_ended_is_kept_however_old(world: World):
    session_id, _ = world.waiting()
    world.execute("update welno.welno_collection_history set created_at = now() - interval '900 days'")
    age(world, session_id, 900)
    assert delete(world) == 0
    assert known(world) == {session_id}


def test_a_batch_takes_the_oldest_first(world: World):
    runs = [ended(world, days) for days in (40, 60, 50)]
    assert [delete(world, limit=1) for _ in range(2)] == [1, 1]
    assert known(world) == {runs[0]}


def test_steps_of_a_run_that_is_kept_are_deleted_by_their_age(world: World):
    old, young = ended(world, 30.1), ended(world, 29.9)
    count = len(world.steps(old))
    assert delete(world, delete_old_steps, limit=count) == count
    assert delete(world, delete_old_steps, limit=count) == 0
    assert (known(world), world.steps(old), len(world.steps(young))) == ({old, young}, [], count)


def expire(world: World, at: datetime) -> int:
    expired: int = world.unit(expire_sessions, at)
    return expired


def test_no_push_leaves_after_the_end_of_a_session(world: World):
    session_id = world.asked()
    with clock.frozen(world.run(session_id).expires_at):
        assert world.claim(session_id, Step.REQUEST_SIMPLE_AUTH) is None
        assert expire(world, clock.now()) == 1
        assert world.claim(session_id, Step.REQUEST_SIMPLE_AUTH) is None
    assert (world.run(session_id).run_state, world.run(session_id).status) == ("ended", Status.EXPIRED)
    assert [event["status"] for event in world.events(session_id)] == [Status.EXPIRED]


def test_a_push_that_is_tried_again_ends_with_its_session_too(world: World):
    session_id, claim = world.at(Step.REQUEST_SIMPLE_AUTH)
    world.unit(fail_step, claim, TilkoUnavailable(), world.tools)
    assert expire(world, world.run(session_id).expires_at) == 1


@pytest.mark.parametrize("step", [Step.FETCH_HEALTH_DATA, Step.FETCH_PRESCRIPTIONS, Step.SAVE_FILES])
def test_what_was_approved_goes_on_after_the_end_of_the_session(world: World, step: Step):
    session_id, claim = world.at(step)
    world.unit(fail_step, claim, TilkoUnavailable(), world.tools)
    with clock.frozen(world.run(session_id).expires_at + timedelta(hours=5)):
        assert expire(world, clock.now()) == 0
        assert world.claim(session_id, claim.step) is not None


def told_ended(work: Work) -> list[UUID]:
    return let_go(work, OWNER, within_seconds=0)[0]


def test_a_poller_is_told_once_of_a_session_that_ended(world: World):
    session_id, _ = world.waiting()
    world.ask_collection(session_id)
    assert world.unit(lambda work: asked_now(work.session, OWNER)) == [UUID(session_id)]
    assert world.unit(told_ended) == []
    world.cancel(session_id)
    assert world.unit(lambda work: asked_now(work.session, OWNER)) == []
    assert [world.unit(told_ended) for _ in range(2)] == [[UUID(session_id)], []]


def test_a_run_that_a_worker_ended_belongs_to_nobody(world: World):
    session_id, _ = world.at(Step.FETCH_PRESCRIPTIONS)
    world.cancel(session_id)
    assert world.run(session_id).owner_id is None


@pytest.mark.parametrize("folder", [Folder.PENDING, Folder.FAILED])
def test_files_of_a_cancelled_session_stay_and_are_not_imported(world: World, folder: Folder):
    session_id, _ = world.at(Step.IMPORT_FILES)
    spool, metadata = (
        world.tools.spool,
        Metadata(session_id, DataType.HEALTH, str(UUID(int=1)), "PEERNINE", clock.now()),
    )
    name = spool.put_pending(Package(metadata, {"ResultList": []}))
    if folder is Folder.FAILED:
        spool.fail(name, "import_refused", delays=(1,))
    world.unit(cancel_session, UUID(session_id), now=clock.now())
    with clock.frozen(clock.now() + timedelta(days=2)):
        for _ in range(2):
            assert world.tools.importer.retry_due(orphan_seconds=0).files_imported == 0
    told = spool.describe(name)
    assert (told.folder, told.parked, told.last_error) == (Folder.FAILED, True, "session_cancelled")
