"""Who waits beyond the time of a request is not let go before the phone was looked at a last time."""

from datetime import timedelta
from uuid import UUID

from core.clock import clock
from services.collection.waiting import expire_waiting
from tasks.processes.poll_schedule import PendingPoll, PollSchedule

from .conftest import OWNER, World


def test_a_session_ends_only_after_the_last_check_of_its_request(world: World):
    session_id, claim = world.waiting()
    later = clock.now() + timedelta(minutes=10, seconds=1)
    world.execute(
        "update welno.welno_collection_history set expires_at = :at where session_id = :id", at=later, id=session_id
    )
    schedule, poll = PollSchedule(), PendingPoll(claim, polls=9, due=0.0)
    schedule.add(poll)
    assert world.unit(expire_waiting, OWNER, schedule.asked(later), later) == []
    poll.last_checked = True
    assert world.unit(expire_waiting, OWNER, schedule.asked(later), later) == [UUID(session_id)]


def test_a_session_that_nobody_asks_about_ends_with_its_time(world: World):
    session_id, claim = world.waiting()
    world.execute("update welno.welno_collection_history set expires_at = now() where session_id = :id", id=session_id)
    schedule = PollSchedule()
    schedule.add(PendingPoll(claim, polls=9, due=0.0))
    now = clock.now()
    assert world.unit(expire_waiting, OWNER, schedule.asked(now), now) == [UUID(session_id)]


def test_a_session_whose_answer_has_come_does_not_end_before_it_is_recorded(world: World):
    session_id, claim = world.waiting()
    world.execute("update welno.welno_collection_history set expires_at = now() where session_id = :id", id=session_id)
    schedule, poll = PollSchedule(), PendingPoll(claim, polls=9, due=0.0)
    schedule.add(poll)
    schedule.mark_answered(poll)
    now = clock.now()
    assert world.unit(expire_waiting, OWNER, schedule.asked(now), now) == []
