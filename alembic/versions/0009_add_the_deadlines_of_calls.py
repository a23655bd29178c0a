"""add the deadlines of paid calls, and the count of those that had to be made again."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("welno_collection_history", sa.Column("call_until", moment, nullable=True), schema="welno")
    op.add_column("welno_processes", sa.Column("calls_until", moment, nullable=True), schema="welno")
    op.create_table(
        "welno_paid_again",
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call", name=op.f("pk_welno_paid_again")),
        schema="welno",
    )


def downgrade() -> None:
    op.drop_table("welno_paid_again", schema="welno")
    op.drop_column("welno_processes", "calls_until", schema="welno")
    op.drop_column("welno_collection_history", "call_until", schema="welno")
