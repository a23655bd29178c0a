"""The step `extract`: the upload's text, sealed as it is, and masked for everything that follows."""

from dataclasses import replace

from core.names import project_subject
from models.interviews import InterviewStep
from services.interviews.analysis_failures import AnalysisFailure, file_failure
from services.interviews.budgets import estimate_tokens
from services.interviews.counts import EXTRACTIONS, MASKED, Counted, add_counts
from services.interviews.endings import fail_interview
from services.interviews.extraction.blanks import is_blank
from services.interviews.extraction.decoding import clean_text
from services.interviews.extraction.failures import FileFault, FileUnusable
from services.interviews.extraction.kinds import FileKind, kind_of
from services.interviews.extraction.reading import extract_text
from services.interviews.files import ORIGINAL, TEXT, Said, read_said
from services.interviews.masking.placeholders import MaskedKind, without_numbers
from services.interviews.numbering import MaskedUpload, keep_numbering, mask_upload
from services.interviews.redaction import redact_title
from services.interviews.run_tools import RunTools
from services.interviews.runs import HeldRun, InterviewClaim, held_run
from spool import DamagedFile, UnknownFile

_OF_TEXT = "text_field"


def extract(tools: RunTools, claim: InterviewClaim) -> InterviewClaim | None:
    """The claim of the next step; None when the file gives nothing to analyse. Raises RunOutdated, ReaderUnavailable,
    SpoolError."""
    form = "unknown"
    try:
        said = read_said(tools.files, claim.interview_id)
        form = kind_of(said.file_name or "") or _OF_TEXT
        text = _read_text(tools, claim, said)
    except FileUnusable as exc:
        _fail(tools, claim, form, file_failure(exc))
        return None
    except (UnknownFile, DamagedFile):
        _fail(tools, claim, form, file_failure(FileUnusable(FileFault.FILE_DAMAGED)))
        return None
    masked = mask_upload(tools.masker, text, said)
    # A placeholder may be longer than what it stands for.
    if len(masked.text.text) > tools.settings.miso_context_max_chars:
        _fail(tools, claim, form, file_failure(FileUnusable(FileFault.TEXT_TOO_LONG)), masked)
        return None
    _settle(tools, claim, form, masked)
    return replace(claim, step=InterviewStep.ANALYSE)


def _read_text(tools: RunTools, claim: InterviewClaim, said: Said) -> str:
    """What was read once is not read again. Raises FileUnusable, ReaderUnavailable, SpoolError."""
    files, interview_id = tools.files, claim.interview_id
    if said.file_name is not None and TEXT not in files.names(interview_id):
        text = _extract_original(tools, claim, said.file_name)
        files.put(interview_id, TEXT, text.encode())
        return text
    text = clean_text(files.read_whole(interview_id, TEXT).decode())
    if is_blank(text):
        raise FileUnusable(FileFault.NO_TEXT)
    return text


def _extract_original(tools: RunTools, claim: InterviewClaim, file_name: str) -> str:
    pieces = tools.files.read(claim.interview_id, ORIGINAL)
    kind = kind_of(file_name) or FileKind.TEXT
    most = tools.settings.miso_context_max_chars
    return extract_text(kind, pieces, max_characters=most, readers=tools.readers)


def _settle(tools: RunTools, claim: InterviewClaim, form: str, masked: MaskedUpload) -> None:
    counts = masked.text.counts
    with held_run(tools.unit_of_work, claim) as held:
        # Under the lock that notes take, too, and not by who comes late: it knows more by now.
        keep_numbering(tools.files, claim.interview_id, masked.last)
        held.interview.masked_text = masked.text.text
        held.interview.details = held.interview.details | {"masked": counts}
        is_retitled = _mask_title(held, masked)
        held.run.step, held.run.takeovers = InterviewStep.ANALYSE, 0
        held.run.reserved_tokens = estimate_tokens(held.session, claim.project_id, len(masked.text.text))
        held.session.flush()
        found = [Counted(MASKED, MaskedKind(kind).name.lower(), times) for kind, times in counts.items()]
        add_counts(held.session, [_extraction(form, "done"), *found])
    if is_retitled:
        tools.forget_stream(project_subject(claim.project_id))


def _mask_title(held: HeldRun, masked: MaskedUpload) -> bool:
    """It was masked when it came, by itself: now it is known who speaks, and what each is called in the text. Whether
    it says something else than before; then so does what was told of it, in the same transaction."""
    interview = held.interview
    # Of an older version, which has kept it masked only: its numbers are not the text's.
    title = without_numbers(interview.title) if masked.title is None else masked.title
    file_name = interview.file_name and masked.file_name
    if (title, file_name) == (interview.title, interview.file_name):
        return False
    interview.title, interview.file_name = title, file_name
    interview.revision += 1
    project_id, interview_id = interview.project_id, interview.id
    held.outside_row_security.append(lambda work: redact_title(work, project_id, interview_id, title, file_name))
    return True


def _fail(
    tools: RunTools, claim: InterviewClaim, form: str, failure: AnalysisFailure, masked: MaskedUpload | None = None
) -> None:
    with held_run(tools.unit_of_work, claim) as held:
        is_retitled = masked is not None and _mask_title(held, masked)
        fail_interview(held, failure, tools.clock.now())
        add_counts(held.session, [_extraction(form, failure.code.lower())])
    if is_retitled:
        tools.forget_stream(project_subject(claim.project_id))


def _extraction(form: str, outcome: str) -> Counted:
    return Counted(EXTRACTIONS, f"{form}/{outcome}")
