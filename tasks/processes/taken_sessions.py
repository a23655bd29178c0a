"""Sessions that a poller has taken, until it has looked whether their answer is on the disk.

A store that is away for a moment costs no session its poller: they wait here, under the lease that they were taken
with, and are looked for again.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from core.clock import clock
from core.logs import get_logger
from models.collection.run_states import FAST_POLLS
from services.collection.answers import is_answered
from services.collection.step_tools import Tools
from services.collection.waiting import Waiting, take_waiting
from services.stores import Stores
from spool import SealedWithUnknownKey, SpoolError
from tasks.processes.poll_schedule import PendingPoll

log = get_logger(__name__)

_AT_ONCE = 1000


class TakenSessions:
    """`take` and `look_for_answers` are for threads, as both wait for a store; all else is for the loop alone. What
    changes here while a look is under way makes it a look for nothing."""

    def __init__(self, stores: Stores, tools: Tools) -> None:
        self._stores = stores
        self._tools = tools
        self._waiting: dict[UUID, Waiting] = {}
        self._unopened: set[UUID] = set()  # sealed with a key that this process was not given at its start

    @property
    def session_ids(self) -> set[UUID]:
        """Of those that were not looked for yet."""
        return set(self._waiting)

    @property
    def waiting(self) -> list[Waiting]:
        return list(self._waiting.values())

    def clear(self) -> None:
        self._waiting.clear()

    def drop(self, session_ids: Collection[UUID]) -> set[UUID]:
        """They wait no longer. Which of them were here."""
        dropped = self.session_ids.intersection(session_ids)
        for session_id in dropped:
            del self._waiting[session_id]
        return dropped

    def take(self, owner_id: int) -> list[Waiting]:
        """For `add`. Raises SQLAlchemyError, after which nobody knows whether they are ours."""
        with self._stores.unit_of_work() as work:
            return take_waiting(work, owner_id, self._tools, _AT_ONCE, unopened=self._unopened)

    def add(self, taken: Iterable[Waiting]) -> None:
        """One that was here is asked anew: what was known of it is outdated."""
        self._waiting |= {one.claim.session_id: one for one in taken}

    def look_for_answers(self, waiting: Sequence[Waiting]) -> list[tuple[Waiting, PendingPoll]]:
        """For `release`. After a fault of the store the rest stays for the next look."""
        found: list[tuple[Waiting, PendingPoll]] = []
        for one in waiting:
            try:
                found.append((one, self._look_for(one)))
            except SealedWithUnknownKey:
                continue
            except SpoolError as exc:
                log.warning("poller_look_refused", reason=exc.reason, waiting=len(waiting) - len(found))
                break
        return found

    def release(self, found: Iterable[tuple[Waiting, PendingPoll]]) -> list[PendingPoll]:
        """Those that may be polled now: they have neither ended nor been asked anew since the look began."""
        released = []
        for one, poll in found:
            if self._waiting.get(one.claim.session_id) is one:
                del self._waiting[one.claim.session_id]
                released.append(poll)
        return released

    def _look_for(self, waiting: Waiting) -> PendingPoll:
        # A poller before us may have paid for this answer and died before it could record it.
        is_on_disk = is_answered(self._tools.spool, waiting.claim)
        return PendingPoll(
            waiting.claim,
            waiting.polls,
            time.monotonic() + max((waiting.due - clock.now()).total_seconds(), 0),
            timeout_announced=waiting.polls >= FAST_POLLS,
            blocked_until=time.monotonic() + waiting.call_seconds,
            answer_on_disk=is_on_disk,
        )
