"""What operators do for companies: make their projects, and look which there are. Nothing of an interview is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.accounts import Company
from models.interviews import Project, ProjectMember
from services.interviews.errors import ProjectNotFound


@dataclass(frozen=True, kw_only=True)
class NewProject:
    """As the analysis is told; `monthly_token_limit` None: without a limit."""

    name: str
    description: str | None = None
    purpose: str | None = None
    target_audience: str | None = None
    research_method: str | None = None
    requires_consent: bool = False
    monthly_token_limit: int | None = None


@dataclass(frozen=True)
class ListedProject:
    id: UUID
    company: str
    name: str
    members: int


def add_project(session: Session, company_id: UUID, new: NewProject) -> UUID:
    """Nobody is in it yet. Two of one name are two projects."""
    project = Project(id=uuid4(), company_id=company_id, **vars(new))
    session.add(project)
    session.flush()
    return project.id


def find_project(session: Session, project_id: UUID) -> Project:
    """Raises ProjectNotFound."""
    project = session.get(Project, project_id)
    if project is None:
        raise ProjectNotFound
    return project


def list_every_project(session: Session, company: str | None = None) -> Sequence[ListedProject]:
    """Of all companies, or of those with this name."""
    query = (
        select(Project.id, Company.name, Project.name, func.count(ProjectMember.account_id))
        .join(Company, Company.id == Project.company_id)
        .outerjoin(ProjectMember, ProjectMember.project_id == Project.id)
        .group_by(Project.id, Company.id)
        .order_by(Company.name, Project.name, Project.id)
    )
    if company is not None:
        query = query.where(Company.name == company)
    return [ListedProject(*row) for row in session.execute(query)]
