"""What accompanies the call of an attempt: its row knows when it left and what it runs as, its answer is on disk before
anybody judges it."""

import re
import secrets
import threading
import time
from functools import partial
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from core.logs import get_logger
from models.interviews import InterviewRunState
from services.interviews.costs import note_cost
from services.interviews.files import keep_answer
from services.interviews.run_tools import ProcessStops, RunTools
from services.interviews.runs import InterviewClaim, RunOutdated, held_run, locked_run, note_unwanted, user_prefix
from spool import StorageFault
from upstream.http.exchange import HttpResponse, PaidCall
from upstream.miso.answers import RunIds
from upstream.miso.errors import MisoError
from upstream.miso.usage import Usage
from upstream.miso.workflows import STOP_SECONDS, MisoWorkflows

log = get_logger(__name__)

_WRITE_AGAIN_SECONDS = 0.5
# How long an answer is held in memory while the disk refuses it; MISO has it still.
_HOLD_SECONDS = 30.0
_never = threading.Event()
_USER = re.compile(r"iv-[0-9a-f-]{36}-([0-9]{1,9})-[0-9a-f]+")


def new_user(interview_id: UUID, attempt: int) -> str:
    """Of this attempt alone, and of nobody's name."""
    return f"{user_prefix(interview_id, attempt)}{secrets.token_hex(8)}"


def attempt_of(user: str) -> int | None:
    """The attempt whose call runs as this user; None for what is no user of ours."""
    match = _USER.fullmatch(user)
    return int(match[1]) if match else None


def prepare_call(tools: RunTools, claim: InterviewClaim, seconds: float) -> PaidCall:
    return PaidCall(
        ends_at=tools.clock.monotonic() + seconds,
        before_send=partial(_note_called, tools, claim),
        keep=partial(keep_durably, tools, claim),
    )


def _note_called(tools: RunTools, claim: InterviewClaim) -> None:
    """Raises RunOutdated and ProcessStops, which keep the request back."""
    if tools.is_stopping():
        raise ProcessStops
    with held_run(tools.unit_of_work, claim) as held:
        now = tools.clock.now()
        held.run.called_at, held.run.lost = now, None
        note_cost(held.session, held.analysed, now, calls=1)


def keep_durably(tools: RunTools, claim: InterviewClaim, reply: HttpResponse) -> None:
    """Returns when the answer is on disk. Raises StorageFault when the disk refuses it for too long."""
    until = time.monotonic() + _HOLD_SECONDS
    while True:
        try:
            keep_answer(tools.files, claim.interview_id, claim.attempt, reply)
        except StorageFault as exc:
            log.error("miso_answer_not_on_disk", interview_id=str(claim.interview_id), reason=exc.reason)  # noqa: TRY400 it says it all
            if tools.is_stopping() or time.monotonic() > until:
                raise
            _never.wait(_WRITE_AGAIN_SECONDS)
        else:
            return


def note_started(tools: RunTools, claim: InterviewClaim, user: str, ids: RunIds) -> None:
    """A streamed workflow has begun: whoever follows finds it by its id. One that is not wanted any more is to be
    stopped.

    Raises RunOutdated.
    """
    try:
        is_wanted = _note_ids(tools, claim, user, ids)
    except SQLAlchemyError as exc:
        # The answer is still on its way to us; without the id it would be looked for in the logs.
        log.warning("run_ids_not_noted", interview_id=str(claim.interview_id), error=type(exc).__name__)
        return
    if not is_wanted:
        raise RunOutdated(str(claim.interview_id))


def _note_ids(tools: RunTools, claim: InterviewClaim, user: str, ids: RunIds) -> bool:
    """Also for a process that has taken the run from us meanwhile, and looks for this very workflow."""
    with locked_run(tools.unit_of_work, claim.project_id, claim.interview_id) as held:
        run = held.run
        if run.miso_user != user or run.state == InterviewRunState.ENDED:
            note_unwanted(held.session, run, user, ids.task_id or None)
            return False
        run.miso_run_id, run.miso_task_id = ids.run_id, ids.task_id or None
        return True


def stop_workflow(miso: MisoWorkflows, task_id: str, user: str) -> None:
    """Whether it has worked, only the workflow's end tells: MISO says yes to everything."""
    try:
        miso.stop(task_id, user)
    except MisoError as exc:
        log.warning("workflow_not_stopped", error=type(exc).__name__, http_status=exc.http_status)


def read_last_usage(miso: MisoWorkflows, user: str) -> Usage | None:
    """Of a workflow that has ended; None as long as MISO does not tell of it."""
    try:
        logged = miso.find_by_user(user, seconds=STOP_SECONDS)
    except MisoError as exc:
        log.info("usage_not_read", error=type(exc).__name__, http_status=exc.http_status)
        return None
    return None if logged is None or logged.is_running else logged.usage
