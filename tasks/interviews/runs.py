"""The task of the queue `interviews`: takes an interview's run and goes through its steps.

Run twice without harm: the second finds the run held, or moved on, and returns.
"""

import threading
import time
from collections.abc import Callable
from uuid import UUID

import structlog
from celery import Task as CeleryTask

from core.logs import get_logger
from core.names import Task
from services.database import STORE_AWAY
from services.interviews.run_tools import ProcessStops, RunTools
from services.interviews.runs import InterviewClaim, RunOutdated
from services.interviews.stepping import (
    do_step,
    drop_erased,
    hand_back,
    look_at_run,
    postpone,
    take,
)
from services.interviews.unsettled_calls import settle_calls
from spool import SpoolError
from tasks.app import app
from tasks.interviews.runtime import AnalystRuntime, analyst_runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)

_LEASE_WAIT_SECONDS = 5.0
_WAIT_SECONDS, _TELL_AGAIN_SECONDS = 0.1, 0.5
_never = threading.Event()


@app.task(name=Task.RUN_INTERVIEW, bind=True)
def run_interview(self: CeleryTask, interview_id: str) -> None:
    """No time limit of Celery's: each step has its own."""
    request_id = (self.request.headers or {}).get("request_id", "")
    with structlog.contextvars.bound_contextvars(
        task_id=self.request.id, request_id=request_id, interview_id=interview_id
    ):
        try:
            _drive(analyst_runtime(), UUID(interview_id))
        except STORE_AWAY as exc:
            log.warning("interview_not_taken", error=type(exc).__name__)  # the sweep sends it again
        except Exception:
            # Not raised on: Celery would log the error's text, and that may quote what is nobody's business.
            log.exception("interview_not_driven")


def _drive(here: AnalystRuntime, interview_id: UUID) -> None:
    owner_id = here.lease.wait_until_held(_LEASE_WAIT_SECONDS)
    seen = look_at_run(here.tools, interview_id)
    if owner_id is None or seen is None or is_stopping():
        log.warning("interview_left", has_lease=owner_id is not None, is_known=seen is not None)
        return
    _wait(seen.wait_seconds)
    taken = claim = None if is_stopping() else take(here.tools, interview_id, seen.project_id, owner_id)
    while claim is not None:
        claim = _follow(here, claim)
    if taken is not None:
        _settle(here, taken, drop_erased)
    else:  # a person who has pressed retry waits for no stop of the call before
        settle_calls(here.tools, seen.project_id, interview_id)


def _wait(seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_stopping() and (left := until - time.monotonic()) > 0:
        _never.wait(min(left, _WAIT_SECONDS))


def _follow(here: AnalystRuntime, claim: InterviewClaim) -> InterviewClaim | None:
    """One step, and what becomes of it. The claim of the next one."""
    began = time.monotonic()
    if is_stopping():
        _settle(here, claim, hand_back)
        return None
    try:
        following = do_step(here.tools, claim)
    except RunOutdated:
        log.info("interview_moved_on", step=claim.step)
        return None
    except ProcessStops:
        log.info("interview_handed_back", step=claim.step)
        _settle(here, claim, hand_back)
        return None
    except Exception as exc:  # noqa: BLE001 the edge of a step: whatever it is, the run must go on or say so
        _settle_error(here, claim, exc)
        return None
    log.info("interview_step_done", step=claim.step, duration_ms=round((time.monotonic() - began) * 1000))
    return following


def _settle_error(here: AnalystRuntime, claim: InterviewClaim, error: Exception) -> None:
    """The text of an error of ours may quote what is nobody's business: of what nobody foresaw, the place is told."""
    is_foreseen = isinstance(error, (SpoolError, *STORE_AWAY)) or hasattr(error, "retryable")
    log.warning("interview_step_failed", step=claim.step, error=type(error).__name__, exc_info=not is_foreseen)

    def put_off(tools: RunTools, claim: InterviewClaim) -> None:
        postpone(tools, claim, error)

    _settle(here, claim, put_off)


def _settle(here: AnalystRuntime, claim: InterviewClaim, action: Callable[[RunTools, InterviewClaim], None]) -> None:
    """As soon as the database can be told. Nobody has to be told once the lease under which it was taken is lost, or
    its process has gone."""
    while here.lease.id in {None, claim.owner_id}:
        try:
            action(here.tools, claim)
        except RunOutdated:
            return
        except STORE_AWAY as exc:
            log.warning("interview_not_settled", error=type(exc).__name__)
            if is_stopping():
                return
            _never.wait(_TELL_AGAIN_SECONDS)
        else:
            return
