"""The step `analyse`: the one call of an attempt that may be billed, and what follows from how it ends.

`called_at` is committed when the connection stands, right before the request leaves. From then on nobody asks again:
whoever has the run looks for the answer until the deadline. Only what MISO did not take (not reached, 429, 503) is
asked for once more.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from core.logs import get_logger
from models.interviews import Insight, InterviewRun, InterviewRunState, InterviewStep
from services.interviews.analysis_failures import AnalysisFault, failure_of, failure_of_miso, read_failure
from services.interviews.analysis_inputs import build_inputs
from services.interviews.budgets import estimate_tokens
from services.interviews.counts import MISO_CALLS, MISO_SECONDS, Counted
from services.interviews.endings import begin_analysis, fail_interview
from services.interviews.files import answer_name
from services.interviews.insight_inputs import build_insight_inputs
from services.interviews.lost_answers import FIRST_LOOK, Search, look_for_answer, release_search
from services.interviews.miso_call import new_user, note_started, prepare_call
from services.interviews.run_tools import RunTools
from services.interviews.runs import (
    HeldRun,
    InterviewClaim,
    RunOutdated,
    forget_call,
    held_run,
    locked_run,
    release_run,
    send_run,
)
from services.interviews.saving import answered_run, ask_for_unknown, fail_attempt, save_answer
from upstream.miso.answers import WorkflowAnswer
from upstream.miso.errors import (
    MisoAnswerInvalid,
    MisoAnswerLost,
    MisoBusy,
    MisoError,
    MisoMisconfigured,
    MisoRejected,
    MisoServerFailed,
    MisoUnreached,
    MisoWorkflowFailed,
)
from upstream.miso.workflows import MisoWorkflows

log = get_logger(__name__)

# The deadline of an attempt lies so long after the time-out of its call: to find an answer that got lost at the end.
DEADLINE_MARGIN = timedelta(seconds=10)
# Before each further try, with up to half as much again.
_PAUSES = (timedelta(seconds=1), timedelta(seconds=4))
# A server that fails at once has mostly not begun; nobody waits five minutes to hear so.
_SERVER_FAILED_DEADLINE = timedelta(seconds=30)
_OUTCOMES: dict[type[MisoError], str] = {
    MisoUnreached: "unreached",
    MisoBusy: "busy",
    MisoAnswerLost: "lost",
    MisoServerFailed: "server_failed",
    MisoRejected: "rejected",
    MisoMisconfigured: "misconfigured",
    MisoWorkflowFailed: "workflow_failed",
    MisoAnswerInvalid: "invalid",
}


@dataclass(frozen=True, slots=True, repr=False)
class _Call:
    inputs: dict[str, str]
    user: str
    seconds: float


def analyse(tools: RunTools, claim: InterviewClaim) -> InterviewClaim | None:
    """The claim of the step `save` when the answer is on the disk already. Raises RunOutdated, ProcessStops,
    SpoolError."""
    if answer_name(claim.attempt) in tools.files.names(claim.interview_id):
        return replace(claim, step=InterviewStep.SAVE)
    miso = tools.miso
    if miso is None:
        _release_without_miso(tools, claim)
        return None
    following = _begin(tools, claim)
    if isinstance(following, Search):
        look_for_answer(tools, miso, claim, following)
    elif following is not None:
        _ask(tools, miso, claim, following)
    return None


def _release_without_miso(tools: RunTools, claim: InterviewClaim) -> None:
    """Without MISO's address or key nothing is asked for; a call that has left is paid for, and others may find its
    answer."""
    with held_run(tools.unit_of_work, claim) as held:
        has_left = held.run.called_at is not None
    if has_left:
        release_search(tools, claim)
    else:
        fail_attempt(tools, claim, failure_of(AnalysisFault.NOT_CONFIGURED))


def _begin(tools: RunTools, claim: InterviewClaim) -> _Call | Search | None:
    """None when the time of the attempt is over."""
    now = tools.clock.now()
    with held_run(tools.unit_of_work, claim) as held:
        run = held.run
        if run.called_at is not None:
            return Search(run.miso_user or "", run.miso_run_id or "")
        begin_analysis(held, now)
        seconds = (_deadline_of(run, tools, now) - DEADLINE_MARGIN - now).total_seconds()
        if seconds <= 0:
            fail_interview(held, read_failure(run.lost), now)
            return None
        run.miso_user = run.miso_user or new_user(claim.interview_id, claim.attempt)
        inputs = _build_inputs(held, tools)
        if isinstance(held.analysed, Insight) and not inputs["context"]:
            fail_interview(held, failure_of(AnalysisFault.NO_INTERVIEWS), now)
            return None
        run.reserved_tokens = estimate_tokens(held.session, claim.project_id, len(inputs["context"]))
        return _Call(inputs, run.miso_user, seconds)


def _build_inputs(held: HeldRun, tools: RunTools) -> dict[str, str]:
    if isinstance(held.analysed, Insight):
        return build_insight_inputs(held.session, held.analysed, tools.settings.miso_context_max_chars)
    return build_inputs(held.session, held.analysed)


def _deadline_of(run: InterviewRun, tools: RunTools, now: datetime) -> datetime:
    """Begins with the first call of the attempt; whoever died before it has left none."""
    if run.deadline_at is None or not run.tries:
        run.deadline_at = now + timedelta(seconds=tools.settings.miso_timeout_seconds) + DEADLINE_MARGIN
    return run.deadline_at


def _ask(tools: RunTools, miso: MisoWorkflows, claim: InterviewClaim, call: _Call) -> None:
    began = tools.clock.monotonic()

    def counted(outcome: str) -> Sequence[Counted]:
        seconds = tools.clock.monotonic() - began
        return [Counted(MISO_CALLS, outcome), Counted(MISO_SECONDS, outcome, seconds)]

    try:
        answer = _send(tools, miso, claim, call)
    except MisoError as exc:
        outcome = "timed_out" if exc.reason == "timed_out" else _OUTCOMES[type(exc)]
        log.info("miso_call_failed", interview_id=str(claim.interview_id), outcome=outcome, http_status=exc.http_status)
        if _is_refusal(exc):
            _settle_refusal(tools, claim, call.user, exc, counted(outcome))
        else:
            _settle_error(tools, claim, exc, counted(outcome))
    else:
        save_answer(tools, claim, answer, counted("succeeded"))


def _send(tools: RunTools, miso: MisoWorkflows, claim: InterviewClaim, call: _Call) -> WorkflowAnswer:
    prepared = prepare_call(tools, claim, call.seconds)
    if tools.settings.miso_mode == "blocking":
        return miso.run(call.inputs, call.user, claim.output_names, prepared)
    on_started = partial(note_started, tools, claim, call.user)
    return miso.run_streamed(call.inputs, call.user, claim.output_names, call=prepared, on_started=on_started)


def _is_refusal(error: MisoError) -> bool:
    """Nothing has run."""
    return error.retryable or isinstance(error, MisoRejected)


def _settle_refusal(
    tools: RunTools, claim: InterviewClaim, user: str, error: MisoError, counted: Sequence[Counted]
) -> None:
    """Who has deleted the interview meanwhile has had the call noted as one that may have used something; who has taken
    the run over looks for an answer that there will never be."""
    try:
        _settle_error(tools, claim, error, counted)
    except RunOutdated:
        if _has_called(error):
            with locked_run(tools.unit_of_work, claim.project_id, claim.interview_id) as moved_on:
                forget_call(moved_on.session, user)
                if _is_looked_for(moved_on.run, user):
                    _take_refusal(moved_on, error, tools.clock.now())
        raise


def _has_called(error: MisoError) -> bool:
    """An answer of MISO's says so: the call had left under its user, and nobody else asks as long as that is noted. Who
    has reached nobody has not called, and another may have, under the same user."""
    return error.http_status is not None


def _is_looked_for(run: InterviewRun, user: str) -> bool:
    """Whether the run waits for the call of this user."""
    return run.miso_user == user and run.called_at is not None and run.state != InterviewRunState.ENDED


def _settle_error(tools: RunTools, claim: InterviewClaim, error: MisoError, counted: Sequence[Counted]) -> None:
    now = tools.clock.now()
    with answered_run(tools, claim, error.usage, counted) as held:
        if error.may_be_running:
            _begin_search(tools, held, error, now)
        elif _is_refusal(error):
            _take_refusal(held, error, now)
        else:
            ask_for_unknown(held, error.usage)
            fail_interview(held, failure_of_miso(error), now)


def _take_refusal(held: HeldRun, error: MisoError, now: datetime) -> None:
    if error.retryable:
        _put_off(held, error, now)
    else:
        fail_interview(held, failure_of_miso(error), now)


def _begin_search(tools: RunTools, held: HeldRun, error: MisoError, now: datetime) -> None:
    """By another process at once, where this one has cut the call itself as it stops."""
    run = held.run
    if tools.is_stopping():
        release_run(run, now, now)
        run.sends, run.sent_at = 1, now
        send_run(held.work, run.interview_id, run.request_id)
        return
    run.lost = failure_of_miso(error).describe()
    if isinstance(error, MisoServerFailed) and run.deadline_at is not None:
        run.deadline_at = min(run.deadline_at, now + _SERVER_FAILED_DEADLINE)
    release_run(run, now + FIRST_LOOK, now)


def _put_off(held: HeldRun, error: MisoError, now: datetime) -> None:
    """MISO has not taken it. Twice it is asked again, within the time of the attempt."""
    run = held.run
    failure = failure_of(AnalysisFault.MISO_UNAVAILABLE, error)
    run.called_at, run.lost = None, failure.describe()
    run.tries += 1
    pause = _pause_before(run.tries, error)
    if pause is None or now + pause + DEADLINE_MARGIN >= (run.deadline_at or now):
        fail_interview(held, failure, now)
    else:
        release_run(run, now + pause, now)


def _pause_before(tries: int, error: MisoError) -> timedelta | None:
    """None after the last try."""
    if tries > len(_PAUSES):
        return None
    asked = timedelta(seconds=error.retry_after_seconds or 0)
    # Not a secret: the spread keeps many from coming back at once.
    return max(_PAUSES[tries - 1] * (1 + random.random() / 2), asked)  # noqa: S311
