"""exports: archives that a person asked for."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "welno_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("link_hash", sa.Text(), nullable=True),
        sa.Column("link_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("resend_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('building', 'ready', 'fetched')", name=op.f("ck_welno_exports_state")),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_welno_exports_patient_uuid"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_exports")),
        schema="welno",
    )
    op.create_index(op.f("ix_welno_exports_patient_uuid"), "welno_exports", ["patient_uuid"], schema="welno")
    op.create_index(op.f("ix_welno_exports_expires_at"), "welno_exports", ["expires_at"], schema="welno")


def downgrade() -> None:
    op.drop_table("welno_exports", schema="welno")
