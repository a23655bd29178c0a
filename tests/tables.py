"""A clean slate between tests that share a database."""

from sqlalchemy import Connection, text

from models import SCHEMA, Table

_SEEDED = {"welno_hospitals", "welno_epoch"}  # the migrations put rows into it
# Their triggers refuse it, in whichever role.
_ALWAYS_KEPT = ("welno_access_log", "account_changes", "welno_thread_audit")


def delete_all_rows(connection: Connection) -> None:
    """Of every table but the seeded. Not by TRUNCATE, which makes new files and takes fifty times as long."""
    tables = [table.name for table in reversed(Table.metadata.sorted_tables) if table.name not in _SEEDED]
    connection.execute(text("set local session_replication_role = replica"))  # without looking at foreign keys
    _set_append_only(connection, "disable")
    connection.execute(text(";".join(f"delete from {SCHEMA}.{name}" for name in tables)))
    connection.execute(text("set local session_replication_role = origin"))
    _set_append_only(connection, "enable always")


def _set_append_only(connection: Connection, how: str) -> None:
    for name in _ALWAYS_KEPT:
        connection.execute(text(f"alter table {SCHEMA}.{name} {how} trigger append_only"))
