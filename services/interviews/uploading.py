"""A new interview: its row, its run, and the event that tells the project of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.interviews import (
    Interview,
    InterviewRun,
    InterviewRunState,
    InterviewSource,
    InterviewStatus,
    InterviewStep,
    Project,
    ProjectRole,
)
from services.interviews.bodies import Body, describe_interview
from services.interviews.budgets import require_budget, reserve_budget
from services.interviews.errors import ConsentMissing
from services.interviews.events import tell_added
from services.interviews.files import Said
from services.interviews.masking.masker import Masker
from services.interviews.membership import require_project
from services.interviews.months import KOREA
from services.interviews.numbering import mask_upload
from services.interviews.row_security import MemberWork
from services.interviews.runs import send_run

# So that whoever uploads has seen their row before it changes.
STARTS_AFTER = timedelta(seconds=1)
TEXT_TITLE = "텍스트 인터뷰"
_MESSAGE = "인터뷰를 올렸어요. 곧 분석을 시작해요."


@dataclass(frozen=True, kw_only=True)
class UploadedInterview:
    """What lies sealed on the disk under `interview_id`, and what was said of it. `characters`: how many its text may
    have. `size` is of a file; `title`, `file_name` and `mask_words` are as they were given."""

    interview_id: UUID
    project_id: UUID
    sha256: str
    characters: int
    size: int | None = None
    file_name: str | None = None
    title: str | None = None
    last_modified: datetime | None = None
    mask_words: tuple[str, ...] = ()
    consents: bool = False

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """What makes it the same call."""
        words, modified = list(self.mask_words), self.last_modified and self.last_modified.isoformat()
        said = (self.sha256, self.size, self.file_name, self.title, modified, words, self.consents)
        return ("upload", str(self.project_id), *said)


def require_upload(member: MemberWork, project_id: UUID) -> Project:
    """Who may put an interview into it, and whether it takes one. Raises ProjectNotFound, RoleTooSmall, BudgetSpent."""
    project = require_project(member, project_id, ProjectRole.EDITOR).project
    require_budget(member.session, project, member.now)
    return project


def add_interview(member: MemberWork, upload: UploadedInterview, masker: Masker) -> Body:
    """The answer. Raises as `require_upload` does, and ConsentMissing."""
    project = require_project(member, upload.project_id, ProjectRole.EDITOR).project
    if project.requires_consent and not upload.consents:
        raise ConsentMissing
    reserved = reserve_budget(member.session, project, member.now, characters=upload.characters)
    twin = _find_twin(member.session, upload)
    interview = _make_interview(member, project, upload, masker)
    member.session.add(interview)
    member.session.flush()
    member.session.add(_make_run(member, interview, reserved))
    member.session.flush()
    tell_added(member.work, interview, member.now)
    send_run(member.work, interview.id, member.request_id)
    return {
        "interview_id": str(interview.id),
        "status": interview.status,
        "message": _MESSAGE,
        "interview": describe_interview(interview),
        "duplicate_of": twin and str(twin),
    }


def _find_twin(session: Session, upload: UploadedInterview) -> UUID | None:
    """The oldest interview of the project with the very same bytes."""
    same = (
        Interview.project_id == upload.project_id,
        Interview.file_sha256 == upload.sha256,
        Interview.deleted_at.is_(None),
    )
    return session.scalar(select(Interview.id).where(*same).order_by(Interview.created_at, Interview.id).limit(1))


def _make_interview(member: MemberWork, project: Project, upload: UploadedInterview, masker: Masker) -> Interview:
    # As its text will be, which nobody knows yet.
    said = Said(upload.file_name, upload.mask_words, upload.title or title_of(upload.file_name))
    masked = mask_upload(masker, "", said)
    consented = upload.consents
    return Interview(
        id=upload.interview_id,
        company_id=project.company_id,
        project_id=project.id,
        title=masked.title,
        source=InterviewSource.TEXT if upload.file_name is None else InterviewSource.FILE,
        file_name=masked.file_name,
        file_bytes=upload.size,
        file_sha256=upload.sha256,
        status=InterviewStatus.PROCESSING,
        attempt=1,
        revision=1,
        created_by=member.account_id,
        created_at=member.now,
        updated_at=member.now,
        interview_date=_day_of(upload.last_modified or member.now),
        details={"file_last_modified": upload.last_modified.isoformat()} if upload.last_modified else {},
        consent_at=member.now if consented else None,
        consent_by=member.account_id if consented else None,
    )


def title_of(file_name: str | None) -> str:
    """Where none was given."""
    return TEXT_TITLE if file_name is None else file_name.rpartition(".")[0] or file_name


def _day_of(moment: datetime) -> date:
    return moment.astimezone(KOREA).date()


def _make_run(member: MemberWork, interview: Interview, reserved_tokens: int) -> InterviewRun:
    """It counts as sent: the commit does so."""
    due_at = member.now + STARTS_AFTER
    return InterviewRun(
        interview_id=interview.id,
        project_id=interview.project_id,
        step=InterviewStep.EXTRACT,
        state=InterviewRunState.READY,
        due_at=due_at,
        sends=1,
        sent_at=due_at,
        request_id=member.request_id,
        reserved_tokens=reserved_tokens,
    )
