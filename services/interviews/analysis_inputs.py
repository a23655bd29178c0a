"""What MISO is told of an interview: its masked text, the project, and what the project has learnt so far."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.accounts import Company
from models.interviews import Interview, KeyTakeaway, PersonaCombination, Project, ScriptSection
from services.interviews.masking.placeholders import without_numbers
from services.interviews.personas import is_known_in

# An input of the app has a longest length, and a project may have hundreds of interviews: the latest count.
_MOST_LISTED, _LONGEST_LIST = 100, 8_000


def build_inputs(session: Session, interview: Interview) -> dict[str, str]:
    """Under row-level security, of a text that is masked."""
    project = session.get_one(Project, interview.project_id)
    here = ScriptSection.project_id == project.id
    sections = _latest(session, ScriptSection.section_name, here, ScriptSection.id)
    takeaways = _latest(session, KeyTakeaway.takeaway_text, KeyTakeaway.project_id == project.id, KeyTakeaway.id)
    personas = _latest(
        session,
        PersonaCombination.persona_code,
        is_known_in(project.company_id, project.id),
        PersonaCombination.persona_code,
    )
    return describe_project_to_miso(session, project.id) | {
        "context": interview.masked_text or "",
        "preprocess_type": "interview",
        "interview_sections": _joined(sections),
        "key_takeaways": _joined(takeaways),
        "personas": _joined(personas),
    }


def describe_project_to_miso(session: Session, project_id: UUID) -> dict[str, str]:
    """What it is about, and whose it is."""
    project = session.get_one(Project, project_id)
    company = session.get_one(Company, project.company_id)
    return {
        "company_name": company.name,
        "company_info": company.description or "",
        "interview_objective": project.purpose or "",
        "target_audience": project.target_audience or "",
    }


def _latest(session: Session, column: InstrumentedAttribute[str], whose: Any, order: Any) -> list[str]:
    """Each once. They are of other interviews, whose placeholders mean others than those of the text at hand."""
    query = select(column).where(whose).order_by(order.desc()).limit(_MOST_LISTED)
    return list(dict.fromkeys(map(without_numbers, session.scalars(query))))


def _joined(texts: Iterable[str]) -> str:
    """As many as fit, the oldest first."""
    listed = list(texts)
    lengths = accumulate(len(text) + 2 for text in listed)
    fitting = [text for text, length in zip(listed, lengths, strict=True) if length <= _LONGEST_LIST]
    return ", ".join(reversed(fitting))
