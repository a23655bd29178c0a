"""What whoever comes too late is told of an entry that somebody else has changed meanwhile."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.journey import Exam, QueueEntry
from services.journey.errors import StateConflict


def entry_conflict(session: Session, entry: QueueEntry, **also: int) -> StateConflict:
    """`room` is where the person is shown to: the entry's own, else its exam's, as in a snapshot."""
    of_exam = select(Exam.room_id).where(Exam.exam_id == entry.exam_id)
    room_id = entry.room_id or session.scalar(of_exam)
    return StateConflict({"state": entry.state, "room": room_id, **also})
