"""Projects of a company, who is in them, and what their interviews taught about them."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table, one_of

OF_PROJECT = "welno.projects.id"
_OF_COMPANY = "welno.companies.id"


class ProjectRole(StrEnum):
    """What a member may do in a project; each includes those before it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def includes(self, other: "ProjectRole") -> bool:
        order = list(ProjectRole)
        return order.index(self) >= order.index(other)


class Project(Table):
    """`event_seq` is the number of the last event of `project:{id}`. `monthly_token_limit` None: without a limit."""

    __tablename__ = "projects"
    __table_args__ = (Index(None, "company_id"), Index(None, "changed_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_COMPANY))
    name: Mapped[str]
    description: Mapped[str | None]
    purpose: Mapped[str | None]
    target_audience: Mapped[str | None]
    research_method: Mapped[str | None]
    requires_consent: Mapped[bool] = mapped_column(server_default=text("false"))
    monthly_token_limit: Mapped[int | None]
    event_seq: Mapped[int] = mapped_column(server_default=text("0"))
    changed_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())
    created_at: Mapped[CreatedAt]


class ProjectMember(Table):
    """One account in one project."""

    __tablename__ = "project_members"
    __table_args__ = (one_of("role", ProjectRole), Index(None, "account_id"))

    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("welno.accounts.account_id"), primary_key=True)
    role: Mapped[str]
    created_at: Mapped[CreatedAt]


class ScriptSection(Table):
    """A section that interviews of the project have been cut into; told to MISO with the next one."""

    __tablename__ = "script_sections"
    __table_args__ = (UniqueConstraint("project_id", "section_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_COMPANY))
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    section_name: Mapped[str]


class KeyTakeaway(Table):
    """The same of a takeaway."""

    __tablename__ = "key_takeaways"
    __table_args__ = (UniqueConstraint("project_id", "takeaway_text"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_COMPANY))
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    takeaway_text: Mapped[str]


class PersonaCombination(Table):
    """A persona of a company, which an analysis may match by its code. `project_id`: made of this project's interviews,
    which alone knows it; null: the company's own."""

    __tablename__ = "persona_combinations"
    __table_args__ = (UniqueConstraint("company_id", "persona_code"), Index(None, "project_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_COMPANY))
    project_id: Mapped[UUID | None] = mapped_column(ForeignKey(OF_PROJECT))
    persona_code: Mapped[str]
    title: Mapped[str]
    description: Mapped[str | None]
