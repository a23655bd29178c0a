"""What PostgreSQL would do for the statements of a sweep."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from services.delivery.unit_of_work import Work
from services.stores import Stores


def read_whole(stores: Stores, sweep: Callable[[Work], Any], big: set[str]) -> set[str]:
    """Those of the big tables that a sweep's statements would read in full; nothing is changed."""
    found: set[str] = set()
    with stores.sessions() as session, explained(stores.engine) as plans:
        sweep(Work(session, stores.kinds))
        session.rollback()
    for plan in plans:
        found |= seq_scans(plan)
    return found & big


@contextmanager
def explained(engine: Engine) -> Iterator[list[dict[str, Any]]]:
    """The plan of each statement that is executed in the block."""
    plans: list[dict[str, Any]] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        with connection.connection.cursor() as beside:
            beside.execute(f"explain (format json) {statement}", parameters)
            plans.append(beside.fetchone()[0][0]["Plan"])

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def seq_scans(plan: dict[str, Any]) -> set[str]:
    """Names of the tables that it reads in full, at whatever depth."""
    own = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return own.union(*(seq_scans(below) for below in plan.get("Plans", ())))
