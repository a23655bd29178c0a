"""Who read which original: written down before it is given out, and shown to a project's admins."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from models.accounts import Account
from models.interviews import Interview, OriginalRead, ProjectRole
from services.interviews.bodies import Body
from services.interviews.events import ProjectPart, tell_project
from services.interviews.membership import require_project
from services.interviews.row_security import MemberWork


def note_original_read(member: MemberWork, interview: Interview) -> None:
    """Nothing of it is given out before this is committed; the project is told."""
    member.session.add(
        OriginalRead(
            project_id=interview.project_id,
            interview_id=interview.id,
            account_id=member.account_id,
            read_at=member.now,
            request_id=member.request_id,
        )
    )
    tell_project(member.work, interview.project_id, ProjectPart.ORIGINAL_READS, member.now)


@dataclass(frozen=True)
class OriginalReadsPage:
    reads: list[Body]
    next: int | None


def list_original_reads(member: MemberWork, project_id: UUID, *, limit: int, before: int | None) -> OriginalReadsPage:
    """Newest first; `before` is the `next` of the page before. Raises ProjectNotFound, RoleTooSmall."""
    require_project(member, project_id, ProjectRole.ADMIN)
    query = (
        select(OriginalRead, Interview.title, Account.name)
        .join(Interview, Interview.id == OriginalRead.interview_id)
        .join(Account, Account.account_id == OriginalRead.account_id)
        .where(OriginalRead.project_id == project_id)
        .order_by(OriginalRead.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(OriginalRead.id < before)
    rows = member.session.execute(query).all()
    page = rows[:limit]
    reads = [_describe(*row) for row in page]
    return OriginalReadsPage(reads, page[-1][0].id if len(rows) > limit else None)


def _describe(read: OriginalRead, title: str, name: str) -> Body:
    return {
        "interview_id": str(read.interview_id),
        "title": title,
        "account_id": str(read.account_id),
        "name": name,
        "read_at": read.read_at.isoformat(),
        "request_id": read.request_id,
    }
