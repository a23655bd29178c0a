"""Erasing what was deleted long enough ago, and files that no interview has: each project under row-level security."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select

from core.logs import get_logger
from models.interviews import Insight, Interview, InterviewRun, Project
from services.delivery.unit_of_work import UnitOfWork, Work
from services.interviews.erasure import ErasedInterview, ErasureTools, empty_interview, erase_for_good
from services.interviews.row_security import as_analyst
from spool import SpoolError, StreamedFiles

log = get_logger(__name__)

# An upload lies on the disk before its row exists.
_STRAY_AFTER = timedelta(days=1)


def erase_overdue(tools: ErasureTools, now: datetime, keep_days: int) -> int:
    """How many interviews. Twice is once: what breaks off between rows and files, `drop_strays` finishes."""
    before = now - timedelta(days=keep_days)
    return sum(
        len(erase_for_good(tools, partial(_empty_overdue, project_id, before, now)).receipts)
        for project_id in _projects(tools.unit_of_work)
    )


def _empty_overdue(project_id: UUID, before: datetime, now: datetime, work: Work) -> list[ErasedInterview]:
    overdue = select(Interview).where(Interview.deleted_at <= before, Interview.erased_at.is_(None))
    with as_analyst(work.session, project_id):
        return [
            empty_interview(work, interview, now, interview.deleted_by)
            for interview in work.session.scalars(overdue.with_for_update(skip_locked=True)).all()
            if interview.deleted_by is not None  # as the constraint says
        ]


def drop_strays(unit_of_work: UnitOfWork, files: StreamedFiles, now: datetime) -> int:
    """Files of uploads that broke off, and of interviews that were erased. How many owners they had."""
    known = set(_owners_with_rows(unit_of_work, files.unchanged_since(now - _STRAY_AFTER)))
    return sum(_drop_stray(files, owner) for owner, has_row in known if not has_row)


def _drop_stray(files: StreamedFiles, owner: UUID) -> bool:
    try:
        files.drop_all(owner)
    except SpoolError as exc:
        log.error("stray_files_left", owner=str(owner), reason=exc.reason)  # noqa: TRY400 it says it all
        return False
    return True


def _projects(unit_of_work: UnitOfWork) -> Sequence[UUID]:
    with unit_of_work() as work:
        return work.session.scalars(select(Project.id).order_by(Project.id)).all()


def _owners_with_rows(unit_of_work: UnitOfWork, owners: Sequence[UUID]) -> Iterator[tuple[UUID, bool]]:
    """Whether each has an interview, or an insight, that is not erased."""
    with unit_of_work() as work:
        runs = select(InterviewRun.interview_id, InterviewRun.project_id).where(InterviewRun.interview_id.in_(owners))
        project_of = {row[0]: row[1] for row in work.session.execute(runs)}
    erased: set[UUID] = set()
    for project_id in set(project_of.values()):
        with unit_of_work() as work, as_analyst(work.session, project_id):
            for model in (Interview, Insight):
                query = select(model.id).where(model.id.in_(owners), model.erased_at.is_not(None))
                erased |= set(work.session.scalars(query))
    return ((owner, owner in project_of and owner not in erased) for owner in owners)
