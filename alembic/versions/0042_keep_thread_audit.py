"""the triggers that keep the threads' audit append-only fire for replicated sessions, too: expand. No code relies on
them being silent there."""

from collections.abc import Sequence

from alembic import op

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TRIGGERS = ("append_only", "never_truncated")


def upgrade() -> None:
    """Otherwise `session_replication_role = replica` would switch them off without a trace in the table."""
    for name in _TRIGGERS:
        op.execute(f"alter table welno.welno_thread_audit enable always trigger {name}")


def downgrade() -> None:
    for name in _TRIGGERS:
        op.execute(f"alter table welno.welno_thread_audit enable trigger {name}")
