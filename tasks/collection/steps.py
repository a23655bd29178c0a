"""The chain's tasks, one per step. Each takes the run, does its step, and goes on while the next one can follow here.

Run twice without harm: the second finds the run moved on or held, and returns.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from celery import Task, signals

from core.logs import get_logger
from core.names import Step, step_task
from models.collection.run_states import next_step
from services.collection.errors import SessionNotFound
from services.collection.run_engine import claim_run, fail_step, finish_step, finish_steps, hand_back
from services.collection.run_store import ClaimOutdated
from services.collection.step import Claim, FailedStep, Settled
from services.collection.sweep import give_up_run
from services.database import STORE_AWAY
from tasks.app import app
from tasks.collection.step_events import StepEvents
from tasks.runtime import Runtime, runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)

_LEASE_WAIT_SECONDS = 5.0
_TELL_AGAIN_SECONDS = 0.5
_never = threading.Event()


def _register(step: Step) -> None:
    # The step sends its own task events, also when it runs in another's task: see tasks.collection.step_events.
    @app.task(name=step_task(step), bind=True, send_events=False)
    def run(self: Task, session_id: str) -> None:
        request_id = (self.request.headers or {}).get("request_id", "")
        with structlog.contextvars.bound_contextvars(
            task_id=self.request.id, request_id=request_id, session_id=session_id
        ):
            drive(runtime(), UUID(session_id), step, _display(self.request.hostname))


for _step in Step:
    _register(_step)


@cache
def _display(hostname: str) -> StepEvents:
    display = StepEvents(app, hostname)
    signals.worker_shutdown.connect(lambda **_: display.flush(), weak=False)
    return display


class _DrivenSessions:
    """Those that a thread of this process works on: a message that comes twice finds it at work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: set[UUID] = set()

    @contextmanager
    def enter(self, session_id: UUID) -> Iterator[bool]:
        """Whether nobody else is at it."""
        with self._lock:
            is_free = session_id not in self._sessions
            self._sessions.add(session_id)
        try:
            yield is_free
        finally:
            if is_free:
                with self._lock:
                    self._sessions.discard(session_id)


_driven = _DrivenSessions()


def drive(here: Runtime, session_id: UUID, step: Step, display: StepEvents) -> None:
    """Take the run at this step and follow its chain as far as this process can."""
    owner_id = here.lease.wait_until_held(_LEASE_WAIT_SECONDS)
    if owner_id is None:
        log.warning("no_lease", session_id=str(session_id))
        return
    with _driven.enter(session_id) as is_free:
        if is_free:
            _drive_held(here, session_id, step, display, owner_id)


def _drive_held(here: Runtime, session_id: UUID, step: Step, display: StepEvents, owner_id: int) -> None:
    try:
        claim = None if is_stopping() else _claim(here, session_id, step, owner_id)
        while claim is not None and not is_stopping():
            claim = _run_step(here, claim, display)
        if claim is not None:
            _hand_back(here, claim)
    except ClaimOutdated:
        log.info("claim_outdated", session_id=str(session_id))
    except STORE_AWAY as exc:
        log.warning("run_given_up", session_id=str(session_id), error=type(exc).__name__)
        _give_up(here, session_id, owner_id)
    except Exception:
        # A mistake of ours between two steps: let the run be taken back and counted, rather than stand still. Not
        # raised on: Celery would log the error's text, and that may quote what is nobody's business.
        log.exception("chain_broke", session_id=str(session_id))
        _give_up(here, session_id, owner_id)


def _give_up(here: Runtime, session_id: UUID, owner_id: int) -> None:
    """Have the run taken back, as soon as the database can be told so. Nobody has to be told once the lease under which
    it was taken is lost, or its process has gone."""
    while not is_stopping() and here.lease.id in {None, owner_id}:
        try:
            with here.stores.unit_of_work() as work:
                give_up_run(work, session_id, owner_id, here.tools.clock.now())
        except STORE_AWAY:
            _never.wait(_TELL_AGAIN_SECONDS)
        else:
            return


def _claim(here: Runtime, session_id: UUID, step: Step, owner_id: int) -> Claim | None:
    try:
        with here.stores.unit_of_work() as work:
            return claim_run(work, session_id, step, owner_id=owner_id, tools=here.tools)
    except SessionNotFound:
        log.warning("unknown_session", session_id=str(session_id))
        return None


def _run_step(here: Runtime, claim: Claim, display: StepEvents) -> Claim | None:
    """Do one step and settle it. The claim of the next step, if it follows here."""
    task_id, started = display.begin(claim.step, claim.session_id, claim.attempt), time.monotonic()
    try:
        settled = _do(here, claim)
    except (ClaimOutdated, *STORE_AWAY) as exc:
        display.fail(task_id, exc, retrying=True)
        raise
    except Exception as exc:  # noqa: BLE001 the edge of a step: whatever it is, the run must say so and go on
        failed = _settle_failure(here, claim, exc)
        display.fail(task_id, exc, retrying=failed.is_retried)
        return failed.following
    display.succeed(task_id, started, "done")
    log.info("step_done", step=claim.step, duration_ms=round((time.monotonic() - started) * 1000))
    _show_rest(display, claim, settled)
    return settled.following


def _show_rest(display: StepEvents, claim: Claim, settled: Settled) -> None:
    """Steps that were done in the commit of the one before, and the one that the poller goes on with."""
    for step in settled.done[1:]:
        display.succeed(display.begin(step, claim.session_id, 1), time.monotonic(), "done")
        log.info("step_done", step=step, joined_to=claim.step)
    if settled.following is None and next_step(claim.step, wants_report=False) == Step.POLL_SIMPLE_AUTH:
        display.begin(Step.POLL_SIMPLE_AUTH, claim.session_id, 1)


def _do(here: Runtime, claim: Claim) -> Settled:
    handler = here.tools.handlers[claim.step]
    result: Any = handler.run(claim)
    try:
        with here.stores.unit_of_work() as work:
            return finish_steps(work, claim, result, here.tools)
    except (ClaimOutdated, *STORE_AWAY):
        raise
    except Exception as exc:  # noqa: BLE001 whatever it is, it may be a mistake of a step that only joined in
        log.warning("steps_not_joined", step=claim.step, error=type(exc).__name__)
    with here.stores.unit_of_work() as work:
        return Settled([claim.step], finish_step(work, claim, result, here.tools))


def _hand_back(here: Runtime, claim: Claim) -> None:
    with here.stores.unit_of_work() as work:
        hand_back(work, claim, here.tools)
    log.info("step_handed_back", step=claim.step)


def _settle_failure(here: Runtime, claim: Claim, error: Exception) -> FailedStep:
    log.info("step_error", step=claim.step, error=type(error).__name__, exc_info=not hasattr(error, "retryable"))
    with here.stores.unit_of_work() as work:
        return fail_step(work, claim, error, here.tools)
