"""Writes an analysis into its interview: columns, persona, and what the project has learnt of sections and takeaways.

The caller has locked the interview, is under row-level security as an analyst, and ends the run in the same
transaction. What an analysis brings besides belongs into `save_result`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.logs import get_logger
from models.interviews import Interview, KeyTakeaway, PersonaCombination, ScriptSection
from services.interviews.evidence import resolve_evidence
from services.interviews.knowledge_wishes import want_document
from services.interviews.outputs import read_persona_code, shape_outputs
from services.interviews.personas import is_known_in
from services.interviews.utterance_index import index_utterances

log = get_logger(__name__)

# A name or a takeaway beyond this is none that the next interview could be told; an index could not hold it either.
_LONGEST_LEARNT = 500


@dataclass(frozen=True, slots=True, repr=False)
class Analysis:
    """What is made of an answer without the database: the columns with their evidence, the persona's code."""

    columns: Mapping[str, Any]
    persona_code: str | None


def read_analysis(outputs: Mapping[str, Any]) -> Analysis:
    """Pure. It may take seconds: the database would end a transaction that waits for it."""
    columns = shape_outputs(outputs)
    return Analysis(columns | {"evidence": resolve_evidence(columns)}, read_persona_code(outputs))


def save_result(session: Session, interview: Interview, analysis: Analysis) -> None:
    """Everything that follows from the analysis. Whatever of it may fail alone is tried in a savepoint."""
    for name, value in analysis.columns.items():
        setattr(interview, name, value)
    interview.persona_combination_id = _find_persona(session, interview, analysis.persona_code)
    session.flush()
    index_utterances(session, interview)
    want_document(session, interview)
    _learn_or_leave(session, interview)


def _find_persona(session: Session, interview: Interview, code: str | None) -> UUID | None:
    """None for a code that the project does not know: models invent."""
    if code is None:
        return None
    known = is_known_in(interview.company_id, interview.project_id)
    return session.scalar(select(PersonaCombination.id).where(known, PersonaCombination.persona_code == code))


def _learn_or_leave(session: Session, interview: Interview) -> None:
    """The next interview is told of it; that it cannot be kept fails no analysis."""
    try:
        with session.begin_nested():
            _learn(session, interview)
    except SQLAlchemyError as exc:
        log.warning("sections_not_learnt", interview_id=str(interview.id), error=type(exc).__name__)


def _learn(session: Session, interview: Interview) -> None:
    whose = {"company_id": interview.company_id, "project_id": interview.project_id}
    sections = _distinct(section["sector_name"] for section in interview.script_sections or ())
    takeaways = _distinct(interview.key_takeaways or ())
    for model, column, texts in (
        (ScriptSection, "section_name", sections),
        (KeyTakeaway, "takeaway_text", takeaways),
    ):
        if texts:
            rows = [whose | {column: text} for text in texts]
            session.execute(insert(model).values(rows).on_conflict_do_nothing())


def _distinct(texts: Iterable[str]) -> list[str]:
    """In one order for all: two analyses that learn the same at once must not wait for each other."""
    return sorted({text for text in texts if len(text) <= _LONGEST_LEARNT})
