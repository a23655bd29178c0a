"""One statement tells which parts of a sweep have something to do."""

from datetime import UTC, datetime

from sqlalchemy import Select, event, literal, select
from sqlalchemy.orm import Session

from services.processes.sweep_parts import SweepPart, find_due

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _part(name: str, *, has_work_from: datetime) -> SweepPart:
    def candidates(now: datetime) -> Select[int]:
        return select(literal(1)).where(literal(has_work_from) <= now)

    return SweepPart(name, candidates, lambda _unit, _now: 0)


def test_those_with_candidates_are_due_in_their_order(db_session: Session):
    parts = [_part("late", has_work_from=NOW), _part("never", has_work_from=NOW.replace(year=9999))]
    parts.append(_part("early", has_work_from=NOW.replace(year=2000)))
    assert [part.name for part in find_due(db_session, parts, NOW)] == ["late", "early"]


def test_however_many_there_are_it_is_one_statement(db_session: Session):
    statements: list[str] = []
    connection = db_session.connection()
    event.listen(connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
    assert find_due(db_session, [_part(str(number), has_work_from=NOW) for number in range(20)], NOW)
    assert len(statements) == 1
