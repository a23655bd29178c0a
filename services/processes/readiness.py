"""What readiness asks PostgreSQL: whether it takes writes, how far it is migrated, which processes live."""

from sqlalchemy import Connection, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert

from core.names import ProcessKind
from models.processes import ProcessLease, WriteProbe

_ONLY_ROW = 1


def write_probe(connection: Connection) -> None:
    """Write the row of the probe; it proves something once it is committed."""
    statement = insert(WriteProbe).values(id=_ONLY_ROW, written_at=func.clock_timestamp())
    written = {"written_at": statement.excluded.written_at}
    connection.execute(statement.on_conflict_do_update(index_elements=[WriteProbe.id], set_=written))


def applied_revisions(connection: Connection) -> frozenset[str]:
    """Of the migrations; empty before the first."""
    if connection.execute(text("select to_regclass('public.alembic_version')")).scalar_one() is None:
        return frozenset()
    return frozenset(connection.execute(text("select version_num from public.alembic_version")).scalars())


def has_live_process(connection: Connection, kind: ProcessKind) -> bool:
    """Whether one of the kind keeps its lease, by the database's clock."""
    alive = exists().where(ProcessLease.kind == kind, ProcessLease.lease_until > func.now())
    return bool(connection.execute(select(alive)).scalar_one())
