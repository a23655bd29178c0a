"""The step `save`: MISO's answer becomes the interview's result, at once or from where it was kept."""

from collections.abc import Sequence

from models.interviews import InterviewStep
from services.interviews.analysis_failures import AnalysisFailure, AnalysisFault, failure_of, failure_of_miso
from services.interviews.costs import note_cost
from services.interviews.counts import MISO_TOKENS, Counted, add_counts
from services.interviews.endings import complete_interview, fail_interview
from services.interviews.files import read_answer
from services.interviews.run_tools import RunTools
from services.interviews.runs import InterviewClaim, held_run
from spool import DamagedFile, UnknownFile
from upstream.miso.answers import WorkflowAnswer, read_workflow
from upstream.miso.errors import MisoError


def save_kept(tools: RunTools, claim: InterviewClaim) -> None:
    """Without a call. Raises RunOutdated, SpoolError."""
    try:
        answer = read_workflow(read_answer(tools.files, claim.interview_id, claim.attempt), claim.output_names)
    except MisoError as exc:
        fail_attempt(tools, claim, failure_of_miso(exc))
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
    tokens, now = answer.total_tokens or 0, tools.clock.now()
    with held_run(tools.unit_of_work, claim) as held:
        held.run.step = InterviewStep.SAVE
        held.run.tokens += tokens
        held.run.elapsed_seconds = answer.elapsed_seconds
        note_cost(held.session, held.analysed, now, tokens=tokens, seconds=answer.elapsed_seconds or 0)
        complete_interview(held, answer.outputs, now)
        add_counts(held.session, [*counted, Counted(MISO_TOKENS, "", tokens)])


def fail_attempt(
    tools: RunTools, claim: InterviewClaim, failure: AnalysisFailure, counted: Sequence[Counted] = ()
) -> None:
    """Raises RunOutdated."""
    with held_run(tools.unit_of_work, claim) as held:
        fail_interview(held, failure, tools.clock.now())
        add_counts(held.session, counted)
