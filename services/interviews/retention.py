"""Erasing what was deleted long enough ago, and files that no interview has: each project behind the wall."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.interviews import Insight, Interview, InterviewRun, Project
from services.delivery.unit_of_work import UnitOfWork
from services.interviews.changing import empty_interview
from services.interviews.redaction import redact_erased
from services.interviews.runs import end_run
from services.interviews.wall import as_analyst
from spool import StreamedFiles

# An upload lies on the disk before its row exists.
_STRAY_AFTER = timedelta(days=1)


def erase_overdue(unit_of_work: UnitOfWork, files: StreamedFiles, now: datetime, keep_days: int) -> int:
    """How many interviews. Twice is once: what breaks off between rows and files, `drop_strays` finishes."""
    erased = 0
    for project_id in _projects(unit_of_work):
        with unit_of_work() as work:
            with as_analyst(work.session, project_id):
                overdue = _find_overdue(work.session, now - timedelta(days=keep_days))
                owners = _empty_all(work.session, overdue, now)
            for interview in overdue:
                redact_erased(work, project_id, interview.id)
        for owner in owners:
            files.drop_all(owner)
        erased += len(overdue)
    return erased


def _empty_all(session: Session, overdue: Sequence[Interview], now: datetime) -> list[UUID]:
    """Whose files are to be dropped."""
    owners: list[UUID] = []
    for interview in overdue:
        end_run(session, interview.id, now)
        if interview.deleted_by is not None:  # as the constraint says
            owners += empty_interview(session, interview, now, interview.deleted_by).owners
    return owners


def drop_strays(unit_of_work: UnitOfWork, files: StreamedFiles, now: datetime) -> int:
    """Files of uploads that broke off, and of interviews that were erased. How many owners they had."""
    known = set(_owners_with_rows(unit_of_work, files.unchanged_since(now - _STRAY_AFTER)))
    strays = [owner for owner, has_row in known if not has_row]
    for owner in strays:
        files.drop_all(owner)
    return len(strays)


def _projects(unit_of_work: UnitOfWork) -> Sequence[UUID]:
    with unit_of_work() as work:
        return work.session.scalars(select(Project.id).order_by(Project.id)).all()


def _find_overdue(session: Session, before: datetime) -> Sequence[Interview]:
    query = select(Interview).where(Interview.deleted_at <= before, Interview.erased_at.is_(None))
    return session.scalars(query.with_for_update(skip_locked=True)).all()


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
