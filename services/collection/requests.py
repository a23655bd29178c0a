"""What the person (or their browser) asks of a collection: a push (see `pushes`), the collection itself, the end.

Each locks the run's row in its transaction, so two tabs that ask at once are answered one after the other.
Errors: SessionNotFound, NotAsked (409: no authentication was asked for yet), RunOver (409: this session has ended).
"""

from datetime import datetime
from enum import Enum
from uuid import UUID

from core.names import Status, Step, session_subject, step_task
from models.collection import CollectionRun, RunState
from models.collection.run_states import FAST_POLLS
from services.collection.errors import NotAsked, RunOver
from services.collection.events import say_ended
from services.collection.run_store import locked_run
from services.collection.transitions import end_run, make_ready, note_change, void_authentication, wait_for_phone
from services.delivery.unit_of_work import Work
from services.patients.session_rows import end_row_of

_OVER = frozenset({Status.INFO_REQUIRED, Status.EXPIRED, Status.CANCELLED})
_UNDER_WAY = frozenset({RunState.READY, RunState.RUNNING})


class Asked(Enum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"


def send_step(work: Work, run: CollectionRun) -> None:
    """Send the task of the step at which the run is ready."""
    work.send(step_task(Step(run.step)), str(run.session_id), run.request_id)


def may_be_pushed(run: CollectionRun) -> bool:
    """Whether a new push may be sent for it. Raises RunOver."""
    if run.status in _OVER:
        raise RunOver(run.status)
    if run.run_state == RunState.IDLE:
        return run.step in {Step.REQUEST_SIMPLE_AUTH, Step.POLL_SIMPLE_AUTH}
    return run.run_state == RunState.WAITING and run.polls >= FAST_POLLS


def begin_push(work: Work, run: CollectionRun, *, now: datetime, request_id: str) -> None:
    """Of a run that may be pushed. An earlier push counts no more."""
    if run.step == Step.POLL_SIMPLE_AUTH:
        void_authentication(run)
    run.request_id = request_id
    run.status = Status.AUTH_REQUESTING
    run.collect_requested = False  # what was asked for with an earlier push
    run.error_code = run.error_detail = None
    make_ready(run, Step.REQUEST_SIMPLE_AUTH, now=now)
    send_step(work, run)


def ask_for_collection(work: Work, session_id: UUID, *, now: datetime, request_id: str) -> Asked:
    """Start the rest, or see to it that the approval is looked for at once. Raises NotAsked or RunOver."""
    with locked_run(work, session_id) as run:
        if run.status in _OVER:
            raise RunOver(run.status)
        is_push = run.step == Step.REQUEST_SIMPLE_AUTH
        if is_push and run.run_state not in _UNDER_WAY:
            raise NotAsked(str(session_id))
        # While the push is on its way the wish is noted: the poller finds it.
        if (is_push or run.run_state == RunState.WAITING) and not run.collect_requested:
            run.collect_requested = True
            run.request_id = request_id
            run.collection_started_at = run.collection_started_at or now
            note_change(run, now)
            return Asked.ACCEPTED
        if run.run_state == RunState.IDLE:
            run.request_id = request_id
            resume_run(work, run, now=now)
            return Asked.ACCEPTED
    return Asked.DUPLICATE


def resume_run(work: Work, run: CollectionRun, *, now: datetime) -> None:
    """Let a run that stopped with an error go on at the step where it stands."""
    run.error_code = run.error_detail = None
    if run.step == Step.POLL_SIMPLE_AUTH:
        wait_for_phone(run, not_before=now, now=now)
        return
    step = Step(run.step)
    if step == Step.FETCH_PRESCRIPTIONS and run.health_failed and run.health_count is None:
        run.health_failed = False
        step = Step.FETCH_HEALTH_DATA
    make_ready(run, step, now=now)
    send_step(work, run)


def cancel_session(work: Work, session_id: UUID, *, now: datetime) -> None:
    """End the session for good, as its person or an operator wishes. Work under way stops at its next step; stored
    records stay, and whoever reads along is thrown out."""
    with locked_run(work, session_id) as run:
        if run.run_state != RunState.ENDED:
            say_ended(work, session_id, Status.CANCELLED, "요청하신 대로 수집을 멈췄어요.", now=now)
            end_run(run, Status.CANCELLED, now)
        else:
            note_change(run, now)
        # Whoever holds the token gets nothing from now on, also of a collection that had completed.
        run.token_hash = None
    work.reauthorize(session_subject(str(session_id)))
    close_records(work, session_id)


def close_records(work: Work, session_id: UUID) -> None:
    """Nobody has the records open by this session any more, whatever they follow by it."""
    row_id = end_row_of(work.session, session_id)
    if row_id is not None:
        work.end_login(row_id)
