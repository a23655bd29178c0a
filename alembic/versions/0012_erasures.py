"""erasures, their receipts and tombstones."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "welno_erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("person", sa.LargeBinary(), nullable=True),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("resend_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('running', 'completed')", name=op.f("ck_welno_erasures_state")),
        sa.CheckConstraint(
            "(state = 'completed') = (person is null)", name=op.f("ck_welno_erasures_nothing_personal_at_the_end")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_erasures")),
        schema="welno",
    )
    op.create_index(op.f("ix_welno_erasures_pseudonym"), "welno_erasures", ["pseudonym"], schema="welno")
    op.create_index(
        op.f("ix_welno_erasures_resend_at"),
        "welno_erasures",
        ["resend_at"],
        schema="welno",
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "welno_tombstones",
        sa.Column("id_hash", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_welno_tombstones")),
        schema="welno",
    )
    since = sa.Column("erasing_since", sa.DateTime(timezone=True), nullable=True)
    op.add_column("welno_patients", since, schema="welno")


def downgrade() -> None:
    op.drop_column("welno_patients", "erasing_since", schema="welno")
    op.drop_table("welno_tombstones", schema="welno")
    op.drop_table("welno_erasures", schema="welno")
