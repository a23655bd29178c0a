"""the triggers that keep the access log and the account changes append-only fire for replicated sessions, too: expand.
No code relies on them being silent there."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0050"
down_revision: str | None = "0049"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_LOG, _CHANGES = "welno.welno_access_log", "welno.account_changes"


def upgrade() -> None:
    """Otherwise `session_replication_role = replica` would switch them off without a trace in the table."""
    _set_triggers("enable always")


def downgrade() -> None:
    _set_triggers("enable")


def _set_triggers(how: str) -> None:
    """That for rows is inherited by the log's partitions; that against TRUNCATE each has for itself."""
    for table in (_LOG, _CHANGES):
        op.execute(f"alter table {table} {how} trigger append_only")
    log_tables = op.get_bind().execute(
        sa.text("select relid::regclass::text from pg_partition_tree(:log)"), {"log": _LOG}
    )
    for table in (*log_tables.scalars(), _CHANGES):
        op.execute(f"alter table {table} {how} trigger never_truncated")
