"""Sessions that wait for their phone: taken by a poller in batches, written only when something changes.

A poll that finds nothing writes nothing, so ten thousand waiting sessions cost the database next to nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.logs import get_logger
from core.names import Event, Status, Step
from core.sealing import UnknownSealingKey
from models.collection import CollectionRun, RunState
from models.collection.run_states import FAST_POLLS
from services.collection import transitions
from services.collection.consents import ConsentCode, end_for_consent
from services.collection.errors import UnreadableRun
from services.collection.events import say
from services.collection.failures import describe
from services.collection.requests import send_step
from services.collection.run_engine import open_claim, say_approved, stop_unreadable
from services.collection.run_store import lock_run, save_run
from services.collection.step import AfterFailure, Claim
from services.collection.step_tools import Tools
from services.collection.steps.fetch_health_data import say_health_data_failed
from services.collection.steps.request_simple_auth import refuse
from services.collection.sweep import expire_run
from services.delivery.unit_of_work import Work

log = get_logger(__name__)

APPROVAL_EXPIRED = "APPROVAL_EXPIRED"


@dataclass(frozen=True)
class Waiting:
    """One session as the poller keeps it."""

    claim: Claim
    polls: int
    due: datetime
    asked_now: bool
    # For so long a call of the poller before may still be under way.
    call_seconds: float


def take_waiting(
    work: Work, owner_id: int, tools: Tools, limit: int, *, unopened: set[UUID] | None = None
) -> list[Waiting]:
    """Take sessions that no living poller holds, but for those `unopened`: to these are added what is sealed with a key
    that this process does not know. They stay free for a poller that does."""
    taken, unopened = [], set() if unopened is None else unopened
    foreign = []
    for run, seconds in transitions.take_waiting_runs(work.session, owner_id, limit, unopened):
        try:
            claim = open_claim(run, tools.sealer)
        except UnknownSealingKey as exc:
            log.warning("sealing_key_unknown", session_id=str(run.session_id), key_id=exc.key_id)
            foreign.append(run.session_id)
        except UnreadableRun as exc:
            work.session.expunge(run)
            stop_unreadable(work, run, exc, tools.clock.now())
        else:
            taken.append(Waiting(claim, run.polls, run.not_before, run.collect_requested, max(seconds or 0, 0)))
    if foreign:
        unopened.update(foreign)
        transitions.free_waiting_runs(work.session, owner_id, foreign)
    return taken


def asked_now(session: Session, owner_id: int) -> list[UUID]:
    """Sessions of this poller whose person says that they have approved."""
    query = select(CollectionRun.session_id).where(
        CollectionRun.owner_id == owner_id,
        CollectionRun.run_state == RunState.WAITING,
        CollectionRun.collect_requested,
    )
    return list(session.execute(query).scalars())


def let_go(work: Work, owner_id: int, *, within_seconds: float) -> tuple[list[UUID], Sequence[UUID]]:
    """Sessions of this poller that wait no longer: those that ended, and whatever moved on within the last seconds."""
    ended = list(transitions.drop_ended_runs(work.session, owner_id))
    return ended, transitions.find_moved_on(work.session, owner_id, within_seconds)


def expire_waiting(work: Work, owner_id: int, asked: Collection[UUID], now: datetime) -> list[UUID]:
    """End the sessions of this poller that wait beyond their time, but for those that are asked about just now: their
    answer may be paid for."""
    query = select(CollectionRun).where(
        CollectionRun.owner_id == owner_id, CollectionRun.run_state == RunState.WAITING, CollectionRun.expires_at <= now
    )
    ended = []
    for run in work.session.execute(query.with_for_update(skip_locked=True)).scalars().all():
        work.session.expunge(run)
        if run.session_id not in asked:
            expire_run(work, run, now)
            ended.append(run.session_id)
    return ended


def give_back(work: Work, owner_id: int) -> None:
    """Free what this poller holds, because it stops; another takes it at once."""
    transitions.free_waiting_runs(work.session, owner_id)


def _lock_waiting(work: Work, claim: Claim) -> CollectionRun | None:
    run = lock_run(work.session, claim.session_id)
    return run if run.fence == claim.fence and run.run_state == RunState.WAITING else None


def is_waiting(work: Work, claim: Claim) -> bool:
    """Whether the session still waits, and is still this poller's."""
    return _lock_waiting(work, claim) is not None


def note_not_approved(work: Work, claim: Claim, polls: int, tools: Tools) -> None:
    """Tell the person what they should know: after the fifth poll once, and whenever they had asked."""
    run = _lock_waiting(work, claim)
    if run is None:
        return
    now = tools.clock.now()
    if polls >= FAST_POLLS > run.polls:
        run.polls = polls
        run.status = Status.TIMEOUT
        interval_seconds = tools.settings.collection.poll_interval_seconds
        data = {"retry_available": True, "timeout_seconds": round(FAST_POLLS * interval_seconds)}
        message = "아직 승인을 기다리고 있어요. 휴대폰 알림을 확인해 주세요."
        say(work, run.session_id, Event.AUTH_TIMEOUT, message, now=now, status=run.status, data=data)
    if run.collect_requested:
        run.collect_requested = False
        run.status = Status.AUTH_PENDING
        message = "아직 승인되지 않았어요. 휴대폰에서 승인한 뒤 다시 눌러 주세요."
        data = {"retry_available": True}
        say(work, run.session_id, Event.AUTH_PENDING, message, now=now, status=run.status, data=data)
    transitions.note_change(run, now)
    save_run(work, run)


def end_without_consent(work: Work, claim: Claim, tools: Tools) -> None:
    """The consents ran out while the phone was waited for."""
    run = _lock_waiting(work, claim)
    if run is not None:
        end_for_consent(work, run, ConsentCode.EXPIRED, tools.clock.now())
        save_run(work, run)


def end_overdue(work: Work, claim: Claim, tools: Tools) -> None:
    """The request can be approved no longer. Its person may ask again."""
    run = _lock_waiting(work, claim)
    if run is None:
        return
    now = tools.clock.now()
    transitions.void_authentication(run)
    run.status, run.error_code = Status.TIMEOUT, APPROVAL_EXPIRED
    message = "승인할 수 있는 시간이 지났어요. 요청을 다시 보내 주세요."
    data = {"code": APPROVAL_EXPIRED, "retry_available": True}
    say(work, run.session_id, Event.AUTH_TIMEOUT, message, now=now, status=run.status, data=data)
    transitions.stop_run(run, now)
    save_run(work, run)


def record_unreadable(work: Work, claim: Claim, error: Exception, tools: Tools) -> None:
    """The poll brought checkups, so the phone has approved, and nobody can read them. They are parked, and not bought
    again; the prescriptions follow."""
    run = _lock_waiting(work, claim)
    if run is None:
        return
    now = tools.clock.now()
    say_approved(work, run, claim, now)
    say_health_data_failed(work, run, describe(error), now)
    transitions.make_ready(run, Step.FETCH_PRESCRIPTIONS, now=now)
    send_step(work, run)
    save_run(work, run)


def record_verdict(work: Work, claim: Claim, error: Exception, tools: Tools) -> None:
    """The provider says something of the person that ends the wait: wrong data, or their own refusal."""
    run = _lock_waiting(work, claim)
    if run is None:
        return
    now = tools.clock.now()
    failure = describe(error)
    log.info("poll_failed", session_id=str(run.session_id), **failure.detail)
    run.error_code, run.error_detail = failure.code, failure.detail
    run.collect_requested = False
    if refuse(work, run, failure, now) is AfterFailure.END:
        transitions.end_run(run, Status(run.status), now)
    else:
        transitions.stop_run(run, now)
    save_run(work, run)
