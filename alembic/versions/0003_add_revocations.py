"""add revocations of access tokens."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "welno_revoked_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_welno_revoked_tokens")),
        schema="welno",
    )
    op.create_table(
        "welno_tokens_valid_after",
        sa.Column("principal_hash", sa.Text(), nullable=False),
        sa.Column("valid_after", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal_hash", name=op.f("pk_welno_tokens_valid_after")),
        schema="welno",
    )


def downgrade() -> None:
    op.drop_table("welno_tokens_valid_after", schema="welno")
    op.drop_table("welno_revoked_tokens", schema="welno")
