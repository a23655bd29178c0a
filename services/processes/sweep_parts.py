"""What a sweep is made of: parts that look for rows which stand still. One statement asks which of them have any."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.delivery.unit_of_work import UnitOfWork, Work


@dataclass(frozen=True)
class SweepPart:
    """`candidates` selects at least each row that `run` would find at that moment; `run` says how many it found."""

    name: str
    candidates: Callable[[datetime], Select[*tuple[Any, ...]]]
    run: Callable[[UnitOfWork, datetime], int]


def in_one_unit(run: Callable[[Work, datetime], int]) -> Callable[[UnitOfWork, datetime], int]:
    """For a part whose work is one transaction."""

    def run_in_unit(unit_of_work: UnitOfWork, now: datetime) -> int:
        with unit_of_work() as work:
            return run(work, now)

    return run_in_unit


def find_due(session: Session, parts: Sequence[SweepPart], now: datetime) -> list[SweepPart]:
    """Those that have candidates, in their order. A transaction for each would cost a sweep that finds nothing, as
    nearly all do, ten times as much."""
    is_due = session.execute(select(*(part.candidates(now).exists() for part in parts))).one()
    return [part for part, is_there in zip(parts, is_due, strict=True) if is_there]
