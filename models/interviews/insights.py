"""What MISO makes of many interviews of a project: themes, or a persona."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.interviews import InterviewStatus, JsonObject
from models.interviews.projects import OF_PROJECT
from models.table import Moment, Table, one_of

_OF_ACCOUNT = "welno.accounts.account_id"


class InsightKind(StrEnum):
    THEMES = "themes"
    PERSONA = "persona"


class Insight(Table):
    """Run as an interview is, by a row of `interview_runs` under its own id.

    `interview_ids`: of what it was made; before the call, of what was chosen, and all completed ones where it is empty.
    `result`: themes or a persona, each text with the quotes that bear it out. `erased_at`: one of its interviews was
    erased, and what was made of it went along.
    """

    __tablename__ = "insights"
    __table_args__ = (
        one_of("kind", InsightKind),
        one_of("status", InterviewStatus),
        Index("ix_insights_list", "project_id", text("created_at desc"), text("id desc")),
        # One after the other: each is billed, and would say the same.
        Index(
            "ix_insights_under_way",
            "project_id",
            unique=True,
            postgresql_where=text("kind = 'themes' and status in ('processing', 'analyzing')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("welno.companies.id"))
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    kind: Mapped[str]
    status: Mapped[str]
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    interview_ids: Mapped[list[Any]]
    created_by: Mapped[UUID] = mapped_column(ForeignKey(_OF_ACCOUNT))
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    error: Mapped[JsonObject]
    result: Mapped[JsonObject]
    persona_combination_id: Mapped[UUID | None] = mapped_column(ForeignKey("welno.persona_combinations.id"))
    erased_at: Mapped[Moment | None]
