"""The step `save`: MISO's answer becomes the interview's result, at once or from where it was kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from models.interviews import Insight, InsightKind, InterviewStep
from services.interviews.analysis_failures import AnalysisFailure, AnalysisFault, failure_of, failure_of_miso
from services.interviews.costs import note_cost
from services.interviews.counts import MISO_TOKENS, Counted, add_counts
from services.interviews.endings import complete_interview, fail_interview
from services.interviews.events import ProjectPart, tell_project
from services.interviews.files import read_answer
from services.interviews.insight_results import InsightResult, read_insight_result, read_scripts
from services.interviews.results import Analysis, read_analysis
from services.interviews.row_security import as_analyst
from services.interviews.run_tools import RunTools
from services.interviews.runs import (
    HeldRun,
    InterviewClaim,
    RunOutdated,
    free_reservation,
    give_up_call,
    held_run,
    locked_run,
)
from spool import DamagedFile, UnknownFile
from upstream.miso.answers import WorkflowAnswer, read_workflow
from upstream.miso.errors import MisoError
from upstream.miso.usage import UNKNOWN_USAGE, Usage


def save_kept(tools: RunTools, claim: InterviewClaim) -> None:
    """Without a call. Raises RunOutdated, SpoolError."""
    try:
        answer = read_workflow(read_answer(tools.files, claim.interview_id, claim.attempt), claim.output_names)
    except MisoError as exc:
        fail_attempt(tools, claim, failure_of_miso(exc), usage=exc.usage)
    except UnknownFile:
        fail_attempt(tools, claim, failure_of(AnalysisFault.MISO_ANSWER_LOST))
    except DamagedFile:
        fail_attempt(tools, claim, failure_of(AnalysisFault.MISO_ANSWER_INVALID))
    else:
        save_answer(tools, claim, answer)


def save_answer(
    tools: RunTools, claim: InterviewClaim, answer: WorkflowAnswer, counted: Sequence[Counted] = ()
) -> None:
    """Raises RunOutdated."""
    result = _read_result(tools, claim, answer.outputs)
    with answered_run(tools, claim, answer.usage, counted) as held:
        ask_for_unknown(held, answer.usage)
        held.run.step = InterviewStep.SAVE
        complete_interview(held, result, tools.clock.now())


def _read_result(tools: RunTools, claim: InterviewClaim, outputs: Mapping[str, Any]) -> Analysis | InsightResult:
    """Before the transaction that writes it. An interview that is deleted meanwhile is quoted as one that is deleted
    right afterwards."""
    with tools.unit_of_work() as work, as_analyst(work.session, claim.project_id):
        insight = work.session.get(Insight, claim.interview_id)
        if insight is not None:
            kind, scripts = InsightKind(insight.kind), read_scripts(work.session, insight)
    return read_analysis(outputs) if insight is None else read_insight_result(kind, outputs, scripts)


def fail_attempt(
    tools: RunTools,
    claim: InterviewClaim,
    failure: AnalysisFailure,
    counted: Sequence[Counted] = (),
    *,
    usage: Usage = UNKNOWN_USAGE,
) -> None:
    """Raises RunOutdated."""
    with answered_run(tools, claim, usage, counted) as held:
        ask_for_unknown(held, usage)
        fail_interview(held, failure, tools.clock.now())


def ask_for_unknown(held: HeldRun, usage: Usage) -> None:
    """Have MISO's logs asked what a call has used whose answer does not tell it: however little can be made of that, it
    is paid for. Nobody waits for it."""
    if usage.total_tokens is None:
        give_up_call(held.session, held.run)


@contextmanager
def answered_run(
    tools: RunTools, claim: InterviewClaim, usage: Usage, counted: Sequence[Counted] = ()
) -> Iterator[HeldRun]:
    """As `held_run`, with what the call has used: noted once, however often its answer is read, and also where the run
    has moved on meanwhile and nothing else comes of the answer. Raises RunOutdated."""
    try:
        with held_run(tools.unit_of_work, claim) as held:
            used = note_usage(held, claim.attempt, usage, tools.clock.now())
            yield held
            add_counts(held.session, [*counted, *used])
    except RunOutdated:
        with locked_run(tools.unit_of_work, claim.project_id, claim.interview_id) as moved_on:
            now = tools.clock.now()
            add_counts(moved_on.session, [*counted, *note_late_usage(moved_on, claim.attempt, usage, now)])
        raise


def note_late_usage(held: HeldRun, attempt: int, usage: Usage, now: datetime) -> list[Counted]:
    """The same when no change of the interview tells the project any more."""
    used = note_usage(held, attempt, usage, now)
    if used:
        tell_project(held.work, held.run.project_id, ProjectPart.COSTS, now)
    return used


def note_usage(held: HeldRun, attempt: int, usage: Usage, now: datetime) -> list[Counted]:
    """With the attempt's cost, and with the run where it is its present attempt: tokens that are known are reserved no
    more. What is to be counted of it."""
    if usage == UNKNOWN_USAGE:
        return []
    tokens, seconds = usage.total_tokens or 0, usage.elapsed_seconds or 0
    news = note_cost(held.session, held.analysed, now, tokens=tokens, seconds=seconds, attempt=attempt)
    held.run.tokens += news
    if usage.total_tokens is not None:
        free_reservation(held.session, held.run, attempt)
    if usage.elapsed_seconds is not None and attempt == held.run.attempt:
        held.run.elapsed_seconds = usage.elapsed_seconds
    return [Counted(MISO_TOKENS, "", news)] if news else []
