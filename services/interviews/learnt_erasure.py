"""What the project has learnt from an interview that is erased: later interviews must not tell MISO of it."""

from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.interviews import Interview, KeyTakeaway, ScriptSection

# Two that share a takeaway, and are erased at once, would each leave it to the other.
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('welno.learnt:' || :project, 0))")


def erase_learnt(session: Session, interview: Interview) -> dict[str, int]:
    """Delete the takeaways and sections that no other interview of the project has; how many of each. Before the
    interview's own result is emptied, and after that of those that are erased with it.

    What another interview learns at this very moment may go, too: the next one that says it brings it back.
    """
    session.flush()
    session.execute(_ONE_AT_A_TIME, {"project": str(interview.project_id)})
    takeaway, section = KeyTakeaway.takeaway_text, ScriptSection.section_name
    takeaway_entry = func.jsonb_build_array(takeaway, type_=JSONB)
    section_entry = func.jsonb_build_array(func.jsonb_build_object("sector_name", section), type_=JSONB)
    sections = [one["sector_name"] for one in interview.script_sections or ()]
    return {
        "takeaways": _erase(
            session,
            KeyTakeaway,
            [KeyTakeaway.project_id == interview.project_id, takeaway.in_(interview.key_takeaways or ())],
            _another(interview, Interview.key_takeaways.contains(takeaway_entry)),
        ),
        "sections": _erase(
            session,
            ScriptSection,
            [ScriptSection.project_id == interview.project_id, section.in_(sections)],
            _another(interview, Interview.script_sections.contains(section_entry)),
        ),
    }


def _another(interview: Interview, has_it: ColumnElement[bool]) -> ColumnElement[bool]:
    """An erased one has nothing any more."""
    return exists().where(Interview.project_id == interview.project_id, Interview.id != interview.id, has_it)


def _erase(session: Session, model: Any, learnt: list[ColumnElement[bool]], another: ColumnElement[bool]) -> int:
    return session.connection().execute(delete(model).where(*learnt, ~another)).rowcount
