"""Deletes runs that ended long ago, and the single tries of steps before them, in batches; by the database's clock."""

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models.collection import CollectionRun, CollectionStep, RunState


def delete_ended_runs(session: Session, keep_days: int, limit: int) -> int:
    """The oldest, with all of their steps; how many runs. A run that has not ended is never deleted."""
    is_old = CollectionRun.collection_ended_at < func.now() - func.make_interval(0, 0, 0, keep_days)
    oldest = (
        select(CollectionRun.session_id)
        .where(CollectionRun.run_state == RunState.ENDED, is_old)
        .order_by(CollectionRun.collection_ended_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # Read once: as a mere subquery a plan may run it for each row, and skip what it has locked itself.
        .cte("oldest")
    )
    statement = delete(CollectionRun).where(CollectionRun.session_id.in_(select(oldest.c.session_id)))
    return session.connection().execute(statement).rowcount


def delete_old_steps(session: Session, keep_days: int, limit: int) -> int:
    """Also of runs that are kept; how many. Tries are numbered as they end, so the lowest numbers are the oldest: no
    index on their time makes every step dearer."""
    oldest = select(CollectionStep.id, CollectionStep.ended_at).order_by(CollectionStep.id).limit(limit).subquery()
    is_old = oldest.c.ended_at < func.now() - func.make_interval(0, 0, 0, keep_days)
    statement = delete(CollectionStep).where(CollectionStep.id.in_(select(oldest.c.id).where(is_old)))
    return session.connection().execute(statement).rowcount
