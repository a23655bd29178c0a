"""What goes along when an interview is erased: themes and personas quote it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.interviews import Insight, InterviewStatus
from services.interviews.runs import end_run


def erase_insights(session: Session, interview_id: UUID, now: datetime) -> list[UUID]:
    """Those made of it, whose files are for the caller to drop after the commit. Of one that is under way nothing is
    saved any more."""
    made_of_it = Insight.interview_ids.contains([str(interview_id)]), Insight.erased_at.is_(None)
    insights = session.scalars(select(Insight).where(*made_of_it).order_by(Insight.id).with_for_update()).all()
    for insight in insights:
        end_run(session, insight.id, now)
        insight.result = insight.error = None
        insight.status, insight.erased_at, insight.updated_at = InterviewStatus.FAILED, now, now
        insight.revision += 1
    return [insight.id for insight in insights]
