"""Sessions that a poller has taken, until it has looked whether their answer is on the disk.

A store that is away for a moment costs no session its poller: they wait here, under the lease that they were taken
with, and are looked for again.
"""

import time
from collections.abc import Collection
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
    """Used by one thread at a time."""

    def __init__(self, stores: Stores, tools: Tools) -> None:
        self._stores = stores
        self._tools = tools
        self._waiting: list[Waiting] = []
        self._unopened: set[UUID] = set()  # sealed with a key that this process was not given at its start

    @property
    def session_ids(self) -> set[UUID]:
        """Of those that were not looked for yet."""
        return {one.claim.session_id for one in self._waiting}

    def clear(self) -> None:
        self._waiting = []

    def drop(self, session_ids: Collection[UUID]) -> set[UUID]:
        """They wait no longer. Which of them were here."""
        dropped = self.session_ids.intersection(session_ids)
        self._waiting = [one for one in self._waiting if one.claim.session_id not in dropped]
        return dropped

    def take(self, owner_id: int) -> None:
        """Raises SQLAlchemyError, after which nobody knows whether they are ours."""
        with self._stores.unit_of_work() as work:
            taken = take_waiting(work, owner_id, self._tools, _AT_ONCE, unopened=self._unopened)
        self.drop([one.claim.session_id for one in taken])  # asked anew: what was known of them is outdated
        self._waiting += taken

    def look_for_answers(self) -> list[PendingPoll]:
        """Those that may be polled now; after a fault of the store the others stay for the next look."""
        waiting, self._waiting = self._waiting, []
        found: list[PendingPoll] = []
        while waiting:
            one = waiting.pop(0)
            try:
                found.append(self._look_for(one))
            except SealedWithUnknownKey:
                self._waiting.append(one)
            except SpoolError as exc:
                log.warning("poller_look_refused", reason=exc.reason, waiting=len(waiting) + 1)
                self._waiting += [one, *waiting]
                break
        return found

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
