"""Goes through the steps of a run, and decides what becomes of one that could not be done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from core.logs import get_logger
from models.interviews import Insight, InsightKind, InterviewStep
from services.database import is_query_canceled, is_store_away
from services.interviews.analysing import analyse
from services.interviews.analysis_failures import AnalysisFault, failure_of
from services.interviews.endings import fail_interview
from services.interviews.extracting import extract
from services.interviews.insight_results import OUTPUT_NAMES_OF
from services.interviews.run_tools import RunTools
from services.interviews.runs import (
    InterviewClaim,
    give_up_call,
    held_run,
    locked_run,
    read_run,
    release_run,
    send_run,
    take_run,
)
from services.interviews.saving import save_kept
from services.interviews.sweep import MAX_TAKEOVERS, WEIGHT_OF_MISTAKE
from spool import SpoolError

log = get_logger(__name__)

_STORAGE_PAUSE, _FIRST_PAUSE = timedelta(seconds=5), timedelta(seconds=2)
# A message that is this early is waited for; the sweep sends those that are earlier.
_LONGEST_WAIT = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class RunGlance:
    """What a message is about. `wait_seconds`: until it is due, where that is soon."""

    project_id: UUID
    wait_seconds: float


def look_at_run(tools: RunTools, interview_id: UUID) -> RunGlance | None:
    """None for an interview that is not there."""
    with tools.unit_of_work() as work:
        run = read_run(work.session, interview_id)
        if run is None:
            return None
        wait = run.due_at - tools.clock.now()
        return RunGlance(
            run.project_id,
            wait_seconds=max(wait.total_seconds(), 0) if wait <= _LONGEST_WAIT else 0,
        )


def take(tools: RunTools, interview_id: UUID, project_id: UUID, owner_id: int) -> InterviewClaim | None:
    """The run's claim; None when there is nothing to do, or somebody else does it."""
    now = tools.clock.now()
    with locked_run(tools.unit_of_work, project_id, interview_id) as held:
        claim = take_run(held.run, owner_id, now)
        if claim is not None:
            began = {"processing_started_at": now.isoformat()}
            held.analysed.details = began | held.analysed.details
            if isinstance(held.analysed, Insight):
                claim = replace(claim, output_names=OUTPUT_NAMES_OF[InsightKind(held.analysed.kind)])
        return claim


def do_step(tools: RunTools, claim: InterviewClaim) -> InterviewClaim | None:
    """The claim of the step that follows here. Raises RunOutdated, ProcessStops, SpoolError, SQLAlchemyError, and what
    a mistake of ours raises."""
    return _STEPS[claim.step](tools, claim)


_STEPS: Mapping[InterviewStep, Callable[[RunTools, InterviewClaim], InterviewClaim | None]] = {
    InterviewStep.EXTRACT: extract,
    InterviewStep.ANALYSE: analyse,
    InterviewStep.SAVE: save_kept,
}


def postpone(tools: RunTools, claim: InterviewClaim, error: Exception) -> None:
    """Have the step tried again later: as long as the disk or the database is away, else a few times. Raises
    RunOutdated."""
    now = tools.clock.now()
    with held_run(tools.unit_of_work, claim) as held:
        run = held.run
        weight = _weight_of(error)
        run.takeovers += weight
        if run.takeovers >= MAX_TAKEOVERS:
            give_up_call(held.session, run)
            fail_interview(held, failure_of(AnalysisFault.POISON), now)
        else:
            is_mistake = weight == WEIGHT_OF_MISTAKE
            pause = _FIRST_PAUSE * (run.takeovers // WEIGHT_OF_MISTAKE) if is_mistake else _STORAGE_PAUSE
            release_run(run, now + pause, now)


def _weight_of(error: Exception) -> int:
    """How much nearer it brings the run to its end. A statement that is canceled has usually run out of time: it may
    never end, or the database is busy. That is waited for, and not for ever."""
    if is_query_canceled(error):
        return 1
    return 0 if isinstance(error, SpoolError) or is_store_away(error) else WEIGHT_OF_MISTAKE


def hand_back(tools: RunTools, claim: InterviewClaim) -> None:
    """Unfinished, as this process stops; another goes on at once. Raises RunOutdated."""
    now = tools.clock.now()
    with held_run(tools.unit_of_work, claim) as held:
        release_run(held.run, now, now)
        held.run.sends, held.run.sent_at = 1, now
        send_run(held.work, claim.interview_id, claim.request_id)


def drop_erased(tools: RunTools, claim: InterviewClaim) -> None:
    """What the steps have put down of what is erased by now. Where the disk refuses, `drop_strays` does it."""
    with locked_run(tools.unit_of_work, claim.project_id, claim.interview_id) as held:
        is_erased = held.analysed.erased_at is not None
    if is_erased:
        try:
            tools.files.drop_all(claim.interview_id)
        except SpoolError as exc:
            log.warning("erased_files_kept", interview_id=str(claim.interview_id), error=type(exc).__name__)
