"""How many tokens an attempt under way, or a call that nobody waits for, may cost: expand. Code of before reserves none."""

from collections.abc import Sequence

from alembic import op

revision: str = "0060"
down_revision: str | None = "0059"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = ("interview_runs", "interview_unsettled_calls")


def upgrade() -> None:
    for table in _TABLES:
        op.execute(f"alter table welno.{table} add column reserved_tokens bigint default 0 not null")


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"alter table welno.{table} drop column reserved_tokens")
