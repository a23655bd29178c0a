"""Looks for the answer of a call that got lost: by the workflow's id, or in MISO's logs by the call's user.

One look is one short step; between two of them the run is nobody's, so no process has to live for it to be found.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from core.logs import get_logger
from services.interviews.analysis_failures import AnalysisFault, failure_of, failure_of_miso, read_failure
from services.interviews.counts import MISO_CALLS, Counted
from services.interviews.endings import fail_interview
from services.interviews.miso_call import keep_durably
from services.interviews.run_tools import RunTools
from services.interviews.runs import InterviewClaim, give_up_call, release_run
from services.interviews.saving import answered_run, fail_attempt, save_answer
from upstream.miso.answers import FoundRun, RunIds, read_workflow
from upstream.miso.errors import MisoAnswerInvalid, MisoError
from upstream.miso.usage import UNKNOWN_USAGE, Usage
from upstream.miso.workflows import MisoWorkflows

log = get_logger(__name__)

FIRST_LOOK = timedelta(seconds=0.5)
_LONGEST_PAUSE = timedelta(seconds=5)
# Of the time since the call: a workflow that takes long is looked for more rarely.
_PAUSE_SHARE = 0.1
_FOUND = Counted(MISO_CALLS, "found")
# Of details: however often they are asked for.
_UNREADABLE = frozenset({"too_large", "too_deep"})


@dataclass(frozen=True, slots=True)
class Search:
    """What is known of the call; `run_id` is empty where only its user is."""

    user: str
    run_id: str


class _Look(NamedTuple):
    """`usage`: of one that has ended, by whatever tells it."""

    found: FoundRun | None
    usage: Usage


def look_for_answer(tools: RunTools, miso: MisoWorkflows, claim: InterviewClaim, search: Search) -> None:
    """Once. What the run has used is noted as soon as anything tells it. Raises RunOutdated, StorageFault."""
    try:
        look = _look(miso, search)
    except MisoAnswerInvalid as exc:
        fail_attempt(tools, claim, failure_of_miso(exc), [_FOUND], usage=exc.usage)
        return
    found = look.found
    if found is None or found.is_running or found.details is None:
        _look_again(tools, claim, look)
        return
    # Not fetched anew: the same address may answer with a proxy's page the next moment.
    keep_durably(tools, claim, found.details)
    try:
        answer = read_workflow(found.details, claim.output_names)
    except MisoError as exc:
        fail_attempt(tools, claim, failure_of_miso(exc), [_FOUND], usage=_known(exc.usage, look.usage))
    else:
        save_answer(tools, claim, answer, [_FOUND])


def release_search(tools: RunTools, claim: InterviewClaim) -> None:
    """To a process that can ask MISO, until the deadline. Raises RunOutdated."""
    _look_again(tools, claim, _Look(None, UNKNOWN_USAGE))


def _look(miso: MisoWorkflows, search: Search) -> _Look:
    """Nothing is found also when MISO does not tell: the next look may be luckier. Raises MisoAnswerInvalid for details
    that no look will ever read."""
    logged = None if search.run_id else _find_in_logs(miso, search.user)
    run_id, usage = (logged.ids.run_id, logged.usage) if logged else (search.run_id, UNKNOWN_USAGE)
    if not run_id:
        return _Look(None, usage)
    try:
        found = miso.look_up(run_id)
    except MisoError as exc:
        _log_failed_look(exc)
        if isinstance(exc, MisoAnswerInvalid) and exc.reason in _UNREADABLE:
            exc.usage = _known(exc.usage, usage)
            raise
        return _Look(None, usage)
    if found is None:
        return _Look(None, usage)
    # The id that was asked for: the provider may leave its own out.
    return _Look(replace(found, ids=RunIds(run_id, found.ids.task_id)), _known(found.usage, usage))


def _find_in_logs(miso: MisoWorkflows, user: str) -> FoundRun | None:
    """Whatever they say, it is none of the answer: also of logs that cannot be read, the next ones may."""
    try:
        return miso.find_by_user(user)
    except MisoError as exc:
        _log_failed_look(exc)
        return None


def _log_failed_look(error: MisoError) -> None:
    log.info("lost_answer_not_looked_for", error=type(error).__name__, http_status=error.http_status)


def _known(usage: Usage, otherwise: Usage) -> Usage:
    return otherwise if usage == UNKNOWN_USAGE else usage


def _look_again(tools: RunTools, claim: InterviewClaim, look: _Look) -> None:
    """Until the deadline; then the attempt is over."""
    now = tools.clock.now()
    found = look.found
    with answered_run(tools, claim, look.usage) as held:
        run = held.run
        if found is not None:
            run.miso_run_id = found.ids.run_id
        deadline = run.deadline_at or now
        if now < deadline:
            release_run(run, min(now + _pause(run.called_at or now, now), deadline), now)
            return
        give_up_call(held.session, run)
        is_running = found is not None and found.is_running
        fail_interview(held, failure_of(AnalysisFault.MISO_TIMEOUT) if is_running else read_failure(run.lost), now)


def _pause(called_at: datetime, now: datetime) -> timedelta:
    return min(max(FIRST_LOOK, (now - called_at) * _PAUSE_SHARE), _LONGEST_PAUSE)
