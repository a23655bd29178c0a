"""refresh replies: the last answer to a refresh, so that one that was lost on its way can be given again."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0024"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("logins", sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True), schema="welno")
    op.add_column("logins", sa.Column("refresh_key_hash", sa.Text(), nullable=True), schema="welno")
    op.add_column("logins", sa.Column("refresh_reply", sa.Text(), nullable=True), schema="welno")


def downgrade() -> None:
    for name in ("refresh_reply", "refresh_key_hash", "refreshed_at"):
        op.drop_column("logins", name, schema="welno")
