"""Interviews: what was uploaded, how far its analysis is, and the result. In clear the database holds masked text."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.projects import OF_PROJECT
from models.table import CreatedAt, Moment, Table, one_of

_OF_ACCOUNT = "welno.accounts.account_id"
# An assigned None is the absence of a value, not JSON's null.
JsonObject = Annotated[dict[str, Any] | None, mapped_column(JSONB(none_as_null=True))]
_List = Annotated[list[Any] | None, mapped_column(JSONB(none_as_null=True))]
OF_INTERVIEW = "welno.interviews.id"


class InterviewStatus(StrEnum):
    """As it is stored; `uploading` exists in the browser only."""

    PROCESSING = "processing"
    ANALYZING = "analyzing"
    COMPLETED = "completed"
    FAILED = "failed"


class InterviewSource(StrEnum):
    TEXT = "text"
    FILE = "file"


# What an analysis fills; a missing one stays null.
RESULT_COLUMNS = (
    "cleaned_script",
    "session_info",
    "interviewee_profile",
    "interview_quality_assessment",
    "key_takeaways",
    "primary_pain_points",
    "primary_needs",
    "hmw_questions",
    "script_sections",
)


class Interview(Table):
    """`revision` grows with every change that members see. `file_name` and `title` are masked.

    `details` is the column `metadata`, a name that SQLAlchemy keeps for itself. `erased_at`: the text, the files and
    the result are gone for good. `evidence`: where the quotes of the result stand in the script, by column;
    `speakers`: names that members gave to its speakers, by the script's labels.
    """

    __tablename__ = "interviews"
    __table_args__ = (
        one_of("status", InterviewStatus),
        one_of("source", InterviewSource),
        CheckConstraint("attempt >= 1", name="attempt"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("(deleted_at is null) = (deleted_by is null)", name="deleted_by_somebody"),
        CheckConstraint("erased_at is null or deleted_at is not null", name="erased_only_deleted"),
        CheckConstraint("(status = 'failed') = (error is not null)", name="error_of_failed"),
        CheckConstraint("(source = 'file') = (file_bytes is not null)", name="file_of_source"),
        Index("ix_interviews_list", "project_id", text("created_at desc"), text("id desc")),
        Index("ix_interviews_same_file", "project_id", "file_sha256", postgresql_where=text("deleted_at is null")),
        Index("ix_interviews_deleted_at", "deleted_at", postgresql_where=text("erased_at is null")),
        Index(None, "persona_combination_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("welno.companies.id"))
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    title: Mapped[str]
    masked_text: Mapped[str | None]
    source: Mapped[str]
    file_name: Mapped[str | None]
    file_bytes: Mapped[int | None]
    file_sha256: Mapped[str | None]
    status: Mapped[str]
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    created_by: Mapped[UUID] = mapped_column(ForeignKey(_OF_ACCOUNT))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    interview_date: Mapped[date]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    error: Mapped[JsonObject]
    cleaned_script: Mapped[_List]
    session_info: Mapped[JsonObject]
    interviewee_profile: Mapped[JsonObject]
    interview_quality_assessment: Mapped[JsonObject]
    key_takeaways: Mapped[_List]
    primary_pain_points: Mapped[_List]
    primary_needs: Mapped[_List]
    hmw_questions: Mapped[_List]
    script_sections: Mapped[_List]
    evidence: Mapped[JsonObject]
    speakers: Mapped[JsonObject]
    persona_combination_id: Mapped[UUID | None] = mapped_column(ForeignKey("welno.persona_combinations.id"))
    deleted_at: Mapped[Moment | None]
    deleted_by: Mapped[UUID | None] = mapped_column(ForeignKey(_OF_ACCOUNT))
    erased_at: Mapped[Moment | None]
    consent_at: Mapped[Moment | None]
    consent_by: Mapped[UUID | None] = mapped_column(ForeignKey(_OF_ACCOUNT))
