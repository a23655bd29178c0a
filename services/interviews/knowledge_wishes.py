"""Says that the knowledge base shall hold an interview's results, or shall not: with the change that makes it so."""

from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.interviews import Interview, KnowledgeEntry


def want_document(session: Session, interview: Interview) -> None:
    """In whatever state it is; it is due at once, and whoever works on it finds another fence."""
    row = {"interview_id": interview.id, "project_id": interview.project_id}
    wish = {"is_wanted": True, "due_at": func.clock_timestamp(), "tries": 0}
    wanted = insert(KnowledgeEntry).values(row | wish)
    session.execute(wanted.on_conflict_do_update(constraint="pk_knowledge_entries", set_=wish))


def withdraw_document(session: Session, interview_id: UUID) -> None:
    wish = {"is_wanted": False, "due_at": func.clock_timestamp(), "tries": 0}
    session.execute(update(KnowledgeEntry).where(KnowledgeEntry.interview_id == interview_id).values(wish))
