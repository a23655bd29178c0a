"""whose request lies on which phone, and until when it can be approved."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "welno_pushes",
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_welno_pushes")),
        schema="welno",
    )
    op.create_index(op.f("ix_welno_pushes_session_id"), "welno_pushes", ["session_id"], schema="welno")
    op.create_index(op.f("ix_welno_pushes_taken_at"), "welno_pushes", ["taken_at"], schema="welno")
    approve_by = sa.Column("approve_by", sa.DateTime(timezone=True), nullable=True)
    op.add_column("welno_collection_history", approve_by, schema="welno")


def downgrade() -> None:
    op.drop_column("welno_collection_history", "approve_by", schema="welno")
    op.drop_table("welno_pushes", schema="welno")
