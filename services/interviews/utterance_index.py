"""Keeps the utterances of completed interviews where they are searched: as bigrams, which Korean is found by."""

from uuid import UUID

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from models.interviews import IndexedUtterance, Interview
from services.interviews.script import bare_letters, read_utterances


def index_utterances(session: Session, interview: Interview) -> None:
    """In the place of those that are there. The interview's row is in the database, and locked or new."""
    drop_utterances(session, interview.id)
    whose = {"interview_id": interview.id, "project_id": interview.project_id, "interview_at": interview.created_at}
    rows = []
    for one in read_utterances(interview.cleaned_script):
        letters = bare_letters(one.text)
        said = {"position": one.position, "utterance_id": one.ids[0], "speaker": one.speaker, "said": one.text}
        rows.append(whose | said | {"letters": letters, "bigrams": bigrams_of(letters)})
    if rows:
        session.execute(insert(IndexedUtterance), rows)


def drop_utterances(session: Session, interview_id: UUID) -> None:
    session.execute(delete(IndexedUtterance).where(IndexedUtterance.interview_id == interview_id))


def bigrams_of(letters: str) -> list[str]:
    """Each once."""
    return sorted({letters[start : start + 2] for start in range(len(letters) - 1)})
