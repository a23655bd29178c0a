"""Whose a persona is: the company's, or, made of interviews, their project's alone."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.interviews import PersonaCombination

_ERASED = "지워진 페르소나"
_Id = UUID | InstrumentedAttribute[UUID]


def is_known_in(company_id: _Id, project_id: _Id) -> ColumnElement[bool]:
    """Of personas: those that this project of the company may know."""
    own = or_(PersonaCombination.project_id.is_(None), PersonaCombination.project_id == project_id)
    return and_(PersonaCombination.company_id == company_id, own)


def empty_personas(session: Session, insight_ids: Sequence[UUID]) -> int:
    """Made by these insights, which are erased; how many. Their rows stay: conversations refer to them, and interviews
    were matched to them."""
    made = update(PersonaCombination).where(PersonaCombination.id.in_(insight_ids))
    emptied = made.values(title=_ERASED, description=None).returning(PersonaCombination.id)
    return len(session.scalars(emptied).all())
