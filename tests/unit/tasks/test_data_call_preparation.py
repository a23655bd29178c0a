"""A poll that may bring an answer looks at the spool before it leaves, and the spool may be away."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from spool import AnswerKind
from tasks.processes.data_call_preparation import DataCallPreparation
from tasks.processes.poll_schedule import PendingPoll


class SlowSpool:
    """Each look lasts until `back` is set."""

    def __init__(self) -> None:
        self.begun, self.back = threading.Event(), threading.Event()
        self.looks = 0
        self.rooms = 0

    def find_incoming(self, session_id: str, kind: AnswerKind) -> None:
        del session_id, kind
        self.looks += 1
        self.begun.set()
        assert self.back.wait(20)

    def reserve_room(self, size_bytes: int) -> Any:
        assert size_bytes
        self.rooms += 1
        return SimpleNamespace(close=lambda: None)


def _poll() -> PendingPoll:
    claim: Any = SimpleNamespace(session_id=uuid4(), approve_by=None)
    return PendingPoll(claim, 0, 0.0)


def test_a_store_that_is_away_holds_up_one_thread_and_not_the_loop():
    spool, polls = SlowSpool(), [_poll(), _poll()]

    async def play() -> None:
        preparation = DataCallPreparation(spool)  # type: ignore[arg-type]
        looks = [asyncio.create_task(preparation.finds_answer(poll, lambda _: True)) for poll in polls]
        async with asyncio.timeout(10):
            await asyncio.to_thread(spool.begun.wait)
            await asyncio.sleep(0.05)
            assert (spool.looks, [preparation.is_ready(poll) for poll in polls]) == (1, [False, False])
            spool.back.set()
            assert await asyncio.gather(*looks) == [False, False]
        assert all(preparation.is_ready(poll) for poll in polls)
        # One answer for each room; then the next poll has to see to more.
        assert [preparation.take_room() is None for _ in range(5)] == [False] * 4 + [True]
        assert not preparation.is_ready(polls[0])

    asyncio.run(play())
    assert (spool.looks, spool.rooms) == (2, 4)


def test_who_may_not_ask_yet_looks_again_and_takes_no_room():
    spool, poll = SlowSpool(), _poll()
    spool.back.set()

    async def play() -> None:
        preparation = DataCallPreparation(spool)  # type: ignore[arg-type]
        assert not await preparation.finds_answer(poll, lambda _: False)
        assert not await preparation.finds_answer(poll, lambda _: False)

    asyncio.run(play())
    assert (spool.looks, spool.rooms, poll.incoming_checked) == (2, 0, False)
