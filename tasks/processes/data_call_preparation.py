"""What a poll that may bring an answer needs before it leaves: no answer on disk yet, and room for one."""

import asyncio
from collections.abc import Callable

from services.collection.answers import is_answered
from spool import Room, Spool
from tasks.processes.poll_schedule import PendingPoll
from tasks.processes.spare_rooms import SpareRooms


class DataCallPreparation:
    """Off the loop, one poll at a time: a store that is away holds up each look for seconds, and paid answers need the
    threads."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._rooms = SpareRooms(spool)
        self._turn = asyncio.Lock()

    def is_ready(self, poll: PendingPoll) -> bool:
        return poll.incoming_checked and self._rooms.are_spare

    async def finds_answer(self, poll: PendingPoll, may_ask: Callable[[PendingPoll], bool]) -> bool:
        """Whether its answer is there already. If not, and it may be asked for, it is ready afterwards, or soon.
        Raises SpoolError."""
        async with self._turn:
            # Once no other can be asking, no other begins to: the session is ours.
            allowed = may_ask(poll)
            if not poll.incoming_checked and await asyncio.to_thread(is_answered, self._spool, poll.claim):
                return True
            if allowed:
                await asyncio.to_thread(self._rooms.require)
                poll.incoming_checked = True
            return False

    def take_room(self) -> Room | None:
        return self._rooms.take()

    def close(self) -> None:
        self._rooms.close()
