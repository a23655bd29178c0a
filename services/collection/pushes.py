"""Requests on people's phones: one per phone over all sessions, taken over after a minute.

Order of locks: the phone, then the runs by their ids. Errors: SessionNotFound, RunOver.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.names import Event, Status, Step
from core.sealing import Sealer
from models.collection import CollectionRun, Push, RunState
from models.collection.run_states import is_overdue
from services.collection.errors import SessionNotFound
from services.collection.events import say
from services.collection.requests import Asked, begin_push, may_be_pushed
from services.collection.run_store import lock_run, save_run
from services.collection.transitions import stop_run, void_authentication
from services.delivery.unit_of_work import Work
from services.patients.identity import Identity
from services.patients.pseudonyms import PseudonymOf, pseudonym_of

SUPERSEDED = "AUTH_SUPERSEDED"
# Longer than any request waits; afterwards nobody needs to know who asked when.
_KEPT_FOR = timedelta(days=1)
_BEING_SENT = frozenset({RunState.READY, RunState.RUNNING})


@dataclass(frozen=True)
class PushPending:
    """Another session's request was sent to this phone just before; so long until it may be taken over."""

    left: timedelta


class Pushes:
    """What is asked of phones. `take_over_after`: so long a session has the phone for itself."""

    def __init__(self, sealer: Sealer, pseudonym_key: str, take_over_after: timedelta) -> None:
        self._sealer = sealer
        self._pseudonym_key = pseudonym_key
        self._take_over_after = take_over_after

    def ask(self, work: Work, session_id: UUID, *, now: datetime, request_id: str) -> Asked | PushPending:
        """Have the push sent to the phone, once: a second call while it is under way or approved changes nothing. After
        a decline, a fault, or once the person was told that it takes long, a new push voids the earlier one. So does
        the push of another session, whose person is told.

        Commit also when the phone is not free: the other session's page hears of it.
        """
        phone = self.phone_of(work.session, session_id)
        push = _lock_phone(work.session, phone, now) if phone is not None else None
        with _locked_runs(work, {session_id, (push and push.session_id) or session_id}) as runs:
            run = runs[session_id]
            if not may_be_pushed(run) or push is None:
                return Asked.DUPLICATE
            holder = runs.get(push.session_id) if push.session_id else None
            if holder is not None and holder is not run and _is_open(holder):
                _tell_holder(work, push, holder, now)
                left = push.taken_at + self._take_over_after - now
                if left > timedelta():
                    return PushPending(left)
                _supersede(work, holder, now)
            # The minute is not renewed by who has the phone already: they could keep its owner out for ever.
            if holder is not run or not _is_open(run) or is_overdue(run.approve_by, now):
                push.session_id, push.taken_at, push.is_told = session_id, now, False
            begin_push(work, run, now=now, request_id=request_id)
        return Asked.ACCEPTED

    def phone_of(self, session: Session, session_id: UUID) -> str | None:
        """The pseudonym of the number that the session names; None once its run has ended. Raises SessionNotFound."""
        query = select(CollectionRun.session_id, CollectionRun.identity).where(CollectionRun.session_id == session_id)
        row = session.execute(query).one_or_none()
        if row is None:
            raise SessionNotFound(str(session_id))
        if row.identity is None:
            return None
        identity = Identity.from_json(self._sealer.open(row.identity, f"identity:{session_id}"))
        return pseudonym_of(self._pseudonym_key, PseudonymOf.PHONE, identity.phone_no)


def _lock_phone(session: Session, phone: str, now: datetime) -> Push:
    statement = insert(Push).values(phone=phone, taken_at=now)
    # An update that changes nothing locks the row that is there.
    statement = statement.on_conflict_do_update(index_elements=[Push.phone], set_={"phone": statement.excluded.phone})
    return session.scalars(statement.returning(Push), execution_options={"populate_existing": True}).one()


@contextmanager
def _locked_runs(work: Work, session_ids: Collection[UUID]) -> Iterator[Mapping[UUID, CollectionRun]]:
    """Those of these runs that are there; what the block changes of them is written at its end."""
    runs = {}
    for session_id in sorted(session_ids):
        with suppress(SessionNotFound):
            runs[session_id] = lock_run(work.session, session_id)
    yield runs
    for run in runs.values():
        save_run(work, run)


def _is_open(run: CollectionRun) -> bool:
    """Whether its request is on its way to the phone, or an approval of it would still be taken."""
    if run.step == Step.POLL_SIMPLE_AUTH:
        # Also one that stopped there: its person may go on with the same request. And one whose time is over, until
        # the poller has looked for the last time: it would find an approval that came in time.
        return run.run_state != RunState.ENDED
    return run.step == Step.REQUEST_SIMPLE_AUTH and run.run_state in _BEING_SENT


def _tell_holder(work: Work, push: Push, holder: CollectionRun, now: datetime) -> None:
    """Once for each time that a session has the phone: who asks again and again fills nobody's stream."""
    if push.is_told:
        return
    push.is_told = True
    message = "다른 곳에서도 이 휴대폰 번호로 인증을 요청했어요. 내가 한 요청이 아니라면 휴대폰에서 승인하지 마세요."
    say(work, holder.session_id, Event.PUSH_REQUESTED_ELSEWHERE, message, now=now)


def _supersede(work: Work, holder: CollectionRun, now: datetime) -> None:
    """An approval of its request counts no more; its person may ask again."""
    void_authentication(holder)
    holder.status, holder.error_code = Status.TIMEOUT, SUPERSEDED
    message = "다른 곳에서 인증을 다시 요청해서 이 요청은 쓸 수 없게 됐어요. 요청을 다시 보낼 수 있어요."
    data = {"code": SUPERSEDED, "retry_available": True}
    say(work, holder.session_id, Event.AUTH_SUPERSEDED, message, now=now, status=holder.status, data=data)
    stop_run(holder, now)


def forget_pushes(session: Session) -> int:
    """Delete what concerns no request any more; how many phones. By the database's clock."""
    old = delete(Push).where(Push.taken_at < func.now() - _KEPT_FOR)
    return session.connection().execute(old).rowcount
