"""Counts what the analyses do, in PostgreSQL: with the change that is counted, or not at all."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.interviews import InterviewCount

MISO_CALLS, MISO_SECONDS, MISO_TOKENS = "miso_calls", "miso_seconds", "miso_tokens"
EXTRACTIONS, MASKED = "extractions", "masked"


class Counted(NamedTuple):
    """So many more of `name`, of the sort `label`."""

    name: str
    label: str
    amount: float = 1


def add_counts(session: Session, counted: Iterable[Counted]) -> None:
    """In one order for all, at the end of a transaction: it locks rows that every other one wants."""
    for one in sorted(counted):
        row = insert(InterviewCount).values(name=one.name, label=one.label, total=one.amount)
        more = {"total": InterviewCount.total + one.amount}
        session.execute(row.on_conflict_do_update(index_elements=["name", "label"], set_=more))


def read_counts(session: Session) -> dict[tuple[str, str], float]:
    return {(row.name, row.label): row.total for row in session.scalars(select(InterviewCount))}
