"""The thread that follows the lines: woken through Redis, by its own clock without, and one of several."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from sqlalchemy import text

from core.names import exam_subject
from models.journey import Exam, QueueEntry
from services.stores import Stores
from streams.wake import WakeChannel
from tasks.processes.line_refreshing import LineFollower
from tests.integration.services.journey.hospital import Hospital
from tests.waiting import wait_until


@contextmanager
def following(stores: Stores) -> Iterator[LineFollower]:
    follower = LineFollower(stores, lambda: None)
    assert follower.start()
    try:
        yield follower
    finally:
        follower.stop()


def count_turns(follower: LineFollower) -> list[None]:
    """Grows with each turn from now on."""
    turns: list[None] = []
    turn = follower._turn

    def counted(**how: Any) -> None:
        turns.append(None)
        turn(**how)

    follower._turn = counted  # type: ignore[method-assign]
    return turns


def put(stores: Stores, exam: Exam | None = None, **changes: Any) -> tuple[Exam, QueueEntry]:
    """Somebody in line, told to nobody."""
    with stores.sessions.begin() as session:
        hospital = Hospital(session)
        exam = exam or hospital.exam()
        place = 1 + session.query(QueueEntry).count()
        return exam, hospital.entry(exam, queue_number=place, place=place, **changes)


def told(stores: Stores, exam: Exam) -> int:
    with stores.sessions() as session:
        query = text("select count(*) from welno.welno_events where subject = :subject")
        return session.scalar(query, {"subject": exam_subject(exam.exam_id)}) or 0


def test_a_wake_is_answered_within_a_second(stores: Stores):
    exam, _ = put(stores)
    with following(stores):
        wait_until(lambda: told(stores, exam) == 1)
        put(stores, exam)
        with stores.unit_of_work() as work:
            work.wake(exam_subject(exam.exam_id))
        wait_until(lambda: told(stores, exam) == 2, 1)


def test_a_line_that_nobody_woke_is_found_by_the_clock(stores: Stores):
    with following(stores):
        exam, _ = put(stores)
        wait_until(lambda: told(stores, exam) == 1, 3)


def test_connections_that_are_cut_delay_it_and_no_more(stores: Stores, redis_client: redis.Redis):
    exam, _ = put(stores)
    with following(stores):
        wait_until(lambda: told(stores, exam) == 1)
        redis_client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        put(stores, exam)
        wait_until(lambda: told(stores, exam) == 2, 6)
        wait_until(lambda: redis_client.pubsub_numsub("welno:wake")[0][1] == 1, 6)
        put(stores, exam)
        WakeChannel(redis_client).wake(exam_subject(exam.exam_id))
        wait_until(lambda: told(stores, exam) == 3, 1)


def test_of_two_one_tells_and_the_other_takes_over(stores: Stores):
    exam, _ = put(stores)
    with following(stores) as first:
        wait_until(lambda: told(stores, exam) == 1)
        with following(stores):
            put(stores, exam)
            WakeChannel(stores.redis).wake(exam_subject(exam.exam_id))
            wait_until(lambda: told(stores, exam) == 2)
            first.stop()
            wait_until(lambda: told(stores, exam) == 3)  # whoever takes over tells what there is
            put(stores, exam)
            WakeChannel(stores.redis).wake(exam_subject(exam.exam_id))
            wait_until(lambda: told(stores, exam) == 4)


def test_who_does_not_lead_rests_between_wakes(stores: Stores):
    """Their lines are the leader's: nothing of them may keep the other thread awake."""
    exam, _ = put(stores)
    with following(stores), following(stores) as other:
        wait_until(lambda: told(stores, exam) == 1)
        turns = count_turns(other)
        put(stores, exam)
        WakeChannel(stores.redis).wake(exam_subject(exam.exam_id))
        wait_until(lambda: told(stores, exam) == 2)
        put(stores, exam)
        wait_until(lambda: told(stores, exam) == 3, 8)  # by the leader's clock, some seconds later
        assert len(turns) < 30


def test_its_end_is_told_to_its_process(stores: Stores):
    ended = threading.Event()
    follower = LineFollower(stores, ended.set)
    follower.start()
    follower.stop()
    assert ended.wait(5)
