"""What sessions leave in incoming/ goes once they have ended, whatever else lies there."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from core.clock import clock
from core.names import Status
from services.collection.abandoned_answers import remove_abandoned
from services.collection.waiting import end_without_consent, expire_waiting
from spool import AnswerKind, KeptAnswer, Spool, StrandedAnswer

from .conftest import OWNER, World

ORPHAN_SECONDS = 300
RETRIES = (60, 600)


def leave(world: World, session_id: str, *kinds: AnswerKind) -> None:
    for kind in kinds:
        world.tools.spool.put_incoming(session_id, kind, KeptAnswer(b"{}"))


def clean(world: World, seconds_later: float = ORPHAN_SECONDS + 1) -> int:
    now = clock.now() + timedelta(seconds=seconds_later)
    return remove_abandoned(
        world.tools.spool,
        world.stores.sessions,
        now,
        older_than_seconds=ORPHAN_SECONDS,
        retry_delays_seconds=RETRIES,
    )


def test_files_of_others_keep_no_ended_session_s_from_going(world: World):
    for _ in range(501):
        leave(world, str(uuid4()), AnswerKind.SIMPLE_AUTH)
    session_id = world.asked()
    world.cancel(session_id)
    leave(world, session_id, AnswerKind.SIMPLE_AUTH, AnswerKind.HEALTH)
    assert clean(world) == 2
    assert world.files(session_id) == {}


def test_records_that_came_when_their_session_s_time_was_over_are_parked(world: World):
    session_id, _ = world.waiting()
    world.execute("update welno.welno_collection_history set expires_at = now() where session_id = :id", id=session_id)
    world.unit(expire_waiting, OWNER, (), clock.now())
    assert world.run(session_id).status == Status.EXPIRED
    leave(world, session_id, AnswerKind.HEALTH, AnswerKind.SIMPLE_AUTH)
    assert clean(world) == 2
    [name] = world.tools.spool.find_parked(session_id, AnswerKind.HEALTH)
    assert world.tools.spool.describe(name).last_error == "session_expired"
    assert "incoming" not in world.files(session_id)


def test_records_that_came_when_the_consents_were_over_are_parked(world: World):
    session_id, claim = world.waiting()
    world.unit(end_without_consent, claim, world.tools)
    assert world.run(session_id).status == Status.CANCELLED
    leave(world, session_id, AnswerKind.HEALTH, AnswerKind.SIMPLE_AUTH)
    assert clean(world) == 2
    assert len(world.tools.spool.find_parked(session_id, AnswerKind.HEALTH)) == 1
    assert "incoming" not in world.files(session_id)


def test_records_of_a_session_that_no_row_tells_of_are_parked_after_the_last_retry(world: World):
    session_id = str(uuid4())
    leave(world, session_id, AnswerKind.PRESCRIPTION, AnswerKind.SIMPLE_AUTH)
    assert clean(world, sum(RETRIES) - 1) == 0
    assert clean(world, sum(RETRIES) + 1) == 2
    [name] = world.tools.spool.find_parked(session_id, AnswerKind.PRESCRIPTION)
    assert world.tools.spool.describe(name).last_error == "session_unknown"
    assert "incoming" not in world.files(session_id)


@pytest.mark.parametrize("seconds_later", [ORPHAN_SECONDS + 1, 86_400])
def test_what_a_run_under_way_has_left_stays(world: World, seconds_later: float):
    session_id, _ = world.waiting()
    leave(world, session_id, AnswerKind.SIMPLE_AUTH)
    assert clean(world, seconds_later) == 0


def test_young_answers_stay(world: World):
    session_id = world.asked()
    world.cancel(session_id)
    leave(world, session_id, AnswerKind.HEALTH)
    assert clean(world, ORPHAN_SECONDS - 1) == 0


def test_the_work_is_left_when_its_process_is_told_to_stop(world: World):
    session_id = world.asked()
    world.cancel(session_id)
    leave(world, session_id, AnswerKind.HEALTH)
    spool, sessions, now = world.tools.spool, world.stores.sessions, clock.now() + timedelta(days=1)
    removed = remove_abandoned(
        spool, sessions, now, older_than_seconds=0, retry_delays_seconds=(), keeps_on=lambda: False
    )
    assert removed == 0


class OvertakenSpool(Spool):
    """Another worker is at the same files, and faster."""

    def stranded_answers(self, now: datetime, older_than_seconds: float) -> list[StrandedAnswer]:
        found = super().stranded_answers(now, older_than_seconds)
        for answer in found:
            self.drop_incoming(answer.session_id, answer.kind)
        return found


def test_what_another_has_taken_meanwhile_is_passed_over(world: World):
    session_id, _ = world.waiting()
    world.execute("update welno.welno_collection_history set expires_at = now() where session_id = :id", id=session_id)
    world.unit(expire_waiting, OWNER, (), clock.now())
    leave(world, session_id, AnswerKind.HEALTH, AnswerKind.SIMPLE_AUTH)
    spool = OvertakenSpool(world.settings.files.data_dir, world.stores.sealer, clock)
    now = clock.now() + timedelta(days=1)
    assert remove_abandoned(spool, world.stores.sessions, now, older_than_seconds=0, retry_delays_seconds=()) == 2
    assert world.files(session_id) == {}
