"""Who is in a project, as what: asked of PostgreSQL by each unit, under row security and in the query itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.names import project_subject
from models.accounts import Account, AccountKind
from models.interviews import Interview, Project, ProjectMember, ProjectRole
from services.advisory_locks import lock_name
from services.delivery.unit_of_work import Work
from services.interviews.errors import InterviewNotFound, LastAdmin, MemberNotFound, ProjectNotFound, RoleTooSmall
from services.interviews.events import ProjectPart, tell_project
from services.interviews.row_security import MemberWork


@dataclass(frozen=True)
class Membership:
    project: Project
    role: ProjectRole

    def require(self, least: ProjectRole) -> None:
        """Raises RoleTooSmall."""
        if not self.role.includes(least):
            raise RoleTooSmall


def require_project(member: MemberWork, project_id: UUID, least: ProjectRole = ProjectRole.VIEWER) -> Membership:
    """Raises ProjectNotFound, RoleTooSmall."""
    row = member.session.execute(
        select(Project, ProjectMember.role)
        .join(ProjectMember, ProjectMember.project_id == Project.id)
        .where(Project.id == project_id, ProjectMember.account_id == member.account_id)
    ).one_or_none()
    if row is None:
        raise ProjectNotFound
    membership = Membership(row[0], ProjectRole(row[1]))
    membership.require(least)
    return membership


def require_interview(
    member: MemberWork, interview_id: UUID, least: ProjectRole = ProjectRole.VIEWER, *, lock: bool = False
) -> Interview:
    """Also a deleted one, but none that was erased. With `lock` nobody else changes it until the end of the unit.

    Raises InterviewNotFound, RoleTooSmall.
    """
    interview, role = find_interview(member, interview_id, lock=lock)
    if not role.includes(least):
        raise RoleTooSmall
    return interview


def find_interview(member: MemberWork, interview_id: UUID, *, lock: bool = False) -> tuple[Interview, ProjectRole]:
    """Likewise, and what the member is in its project. Raises InterviewNotFound."""
    query = (
        select(Interview, ProjectMember.role)
        .join(ProjectMember, ProjectMember.project_id == Interview.project_id)
        .where(
            Interview.id == interview_id,
            Interview.erased_at.is_(None),
            ProjectMember.account_id == member.account_id,
        )
    )
    row = member.session.execute(query.with_for_update(of=Interview) if lock else query).one_or_none()
    if row is None:
        raise InterviewNotFound
    return row[0], ProjectRole(row[1])


def list_members(member: MemberWork, project_id: UUID) -> list[dict[str, Any]]:
    """Raises ProjectNotFound."""
    require_project(member, project_id)
    return describe_members(member.session, project_id)


def describe_members(session: Session, project_id: UUID) -> list[dict[str, Any]]:
    # Row-level security shows some columns of accounts only.
    rows = session.execute(
        select(Account.account_id, Account.name, Account.login, ProjectMember.role)
        .join(ProjectMember, ProjectMember.account_id == Account.account_id)
        .where(ProjectMember.project_id == project_id)
        .order_by(Account.login)
    )
    return [{"account_id": str(row[0]), "name": row[1], "email": row[2], "role": row[3]} for row in rows]


def put_member(member: MemberWork, project_id: UUID, email: str, role: ProjectRole) -> None:
    """Of the project's own company; who is in already gets the role. Raises ProjectNotFound, RoleTooSmall,
    MemberNotFound, LastAdmin."""
    project = require_project(member, project_id, ProjectRole.ADMIN).project
    give_role(member.work, project, email, role, member.now)


def give_role(work: Work, project: Project, email: str, role: ProjectRole, now: datetime) -> None:
    """As an admin or an operator; the project is told. Raises MemberNotFound, LastAdmin."""
    session = work.session
    account_id = find_colleague(session, project, email)
    if role is not ProjectRole.ADMIN:
        _require_another_admin(session, project.id, account_id)
    row = insert(ProjectMember).values(project_id=project.id, account_id=account_id, role=role)
    session.execute(row.on_conflict_do_update(constraint="pk_project_members", set_={"role": role}))
    tell_project(work, project.id, ProjectPart.MEMBERS, now)


def find_colleague(session: Session, project: Project, email: str) -> UUID:
    """Of the project's company, in the project or not. Raises MemberNotFound."""
    account_id = session.scalar(
        select(Account.account_id).where(
            Account.kind == AccountKind.MEMBER,
            Account.login == email.strip().lower(),
            Account.company_id == project.company_id,
        )
    )
    if account_id is None:
        raise MemberNotFound
    return account_id


def remove_member(member: MemberWork, project_id: UUID, account_id: UUID) -> None:
    """Their open streams end within a second. Raises ProjectNotFound, RoleTooSmall, MemberNotFound, LastAdmin."""
    require_project(member, project_id, ProjectRole.ADMIN)
    end_membership(member.work, project_id, account_id)


def end_membership(work: Work, project_id: UUID, account_id: UUID) -> None:
    """As an admin or an operator. Raises MemberNotFound, LastAdmin."""
    _require_another_admin(work.session, project_id, account_id)
    theirs = ProjectMember.project_id == project_id, ProjectMember.account_id == account_id
    if work.session.scalar(delete(ProjectMember).where(*theirs).returning(ProjectMember.account_id)) is None:
        raise MemberNotFound
    # Told as an event, whoever is out would hear of it before their stream ends.
    work.reauthorize(project_subject(project_id))


def _require_another_admin(session: Session, project_id: UUID, account_id: UUID) -> None:
    """Two that remove each other at once wait here. Raises LastAdmin."""
    lock_name(session, str(project_id))
    admins = select(ProjectMember.account_id).where(
        ProjectMember.project_id == project_id, ProjectMember.role == ProjectRole.ADMIN
    )
    if set(session.scalars(admins)) == {account_id}:
        raise LastAdmin


def find_members(session: Session, project_ids: set[UUID], account_ids: set[UUID]) -> set[tuple[UUID, UUID]]:
    """Of many readers at once, outside row-level security: (project, account) of each who is in."""
    query = select(ProjectMember.project_id, ProjectMember.account_id).where(
        ProjectMember.project_id.in_(project_ids), ProjectMember.account_id.in_(account_ids)
    )
    return {(row[0], row[1]) for row in session.execute(query)}
