"""Runs the migrations: one at a time on one database, each in its own transaction, none waiting long for a lock."""

import sys

from sqlalchemy import Connection, create_engine, text

from alembic import context
from core.settings import load_values
from models import SCHEMA, Table
from services.database import connect_database, find_unsuitable

# Any fixed number: two migrators of this product must not run at once.
_MIGRATION_LOCK = 7_305_512_901
# Of code that may still run beside the present one, which knows nothing of them; a later migration drops them.
_LEFT_FOR_CODE_BEFORE = {"stop_task_id", "stop_user", "ix_interview_runs_to_stop"}


def _include(name: str | None, type_: str, _parents: object) -> bool:
    return name == SCHEMA if type_ == "schema" else name not in _LEFT_FOR_CODE_BEFORE


def _configure(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        include_schemas=True,
        include_name=_include,
        version_table="alembic_version",
        version_table_schema="public",
        transaction_per_migration=True,
        compare_server_default=True,
    )


def require_direct_database(url: str) -> None:
    """Their lock and time-outs belong to a session, which a connection pooler does not keep."""
    engine = connect_database(url, pool_size=1)
    reason = find_unsuitable(engine, needs_session=True, may_inherit=True)
    engine.dispose()
    if reason:
        sys.exit(f"settings: DATABASE_URL: {reason}")


def run() -> None:
    [url] = load_values("DATABASE_URL")
    require_direct_database(url)
    # A database user named like our schema would have it as the default one, and alembic would not look into it.
    engine = create_engine(url, connect_args={"options": "-csearch_path=public"})
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.execute(text("set lock_timeout = '5s'"))
        connection.execute(text("set statement_timeout = '10min'"))
        connection.commit()
        _configure(connection)
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.commit()
    engine.dispose()


if context.is_offline_mode():
    message = "migrations run against a database; offline SQL is not supported"
    raise SystemExit(message)
run()
