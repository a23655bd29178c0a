"""What an export holds: completed analyses with their evidence and scripts, masked as they are stored."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import UUID

from sqlalchemy import select, tuple_

from models.interviews import Interview, InterviewStatus
from services.interviews.bodies import Body, describe_whole
from services.interviews.errors import InterviewNotFound
from services.interviews.membership import require_interview, require_project
from services.interviews.row_security import MemberWork

# A batch is read in one unit: a whole project would hold its transaction for as long as somebody takes to download it.
_BATCH = 20
_LEFT_OUT = frozenset({"masked_text", "metadata", "error", "file_sha256", "deleted_at", "deleted_by"})


def read_export(member: MemberWork, interview_id: UUID) -> Body:
    """Raises InterviewNotFound, also for a deleted one."""
    interview = require_interview(member, interview_id)
    if interview.deleted_at is not None:
        raise InterviewNotFound
    return _describe(interview)


def read_exports(open_unit: Callable[[], AbstractContextManager[MemberWork]], project_id: UUID) -> Iterator[Body]:
    """Of all completed interviews of a project, oldest first; each batch asks anew who is in the project.

    Raises ProjectNotFound.
    """
    last: Interview | None = None
    while True:
        with open_unit() as member:
            batch = _read_batch(member, project_id, last)
            bodies = [_describe(interview) for interview in batch]
        yield from bodies
        if len(batch) < _BATCH:
            return
        last = batch[-1]


def _read_batch(member: MemberWork, project_id: UUID, last: Interview | None) -> list[Interview]:
    require_project(member, project_id)
    query = select(Interview).where(
        Interview.project_id == project_id,
        Interview.status == InterviewStatus.COMPLETED,
        Interview.deleted_at.is_(None),
    )
    if last is not None:
        query = query.where(tuple_(Interview.created_at, Interview.id) > (last.created_at, last.id))
    return list(member.session.scalars(query.order_by(Interview.created_at, Interview.id).limit(_BATCH)))


def _describe(interview: Interview) -> Body:
    return {name: value for name, value in describe_whole(interview).items() if name not in _LEFT_OUT}
