"""A second factor that is only offered stands beside the one that holds."""

from collections.abc import Sequence

from alembic import op

revision: str = "0054"
down_revision: str | None = "0053"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("alter table welno.accounts add column totp_offered text")


def downgrade() -> None:
    op.execute("alter table welno.accounts drop column totp_offered")
