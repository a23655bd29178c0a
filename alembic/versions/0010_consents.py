"""consents, one row per kind and session, and until when a run has those it needs."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "welno_consents",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("claimed_uuid", sa.Uuid(), nullable=True),
        sa.Column("patient_uuid", sa.Uuid(), nullable=True),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('service', 'collection', 'sensitive', 'third_party_tilko', 'third_party_mediarc')",
            name=op.f("ck_welno_consents_kind"),
        ),
        sa.CheckConstraint("ended_how in ('withdrawn', 'expired', 'erased')", name=op.f("ck_welno_consents_ended_how")),
        sa.CheckConstraint(
            "(ended_at is null) = (ended_how is null)", name=op.f("ck_welno_consents_ended_for_a_reason")
        ),
        sa.CheckConstraint("expires_at > given_at", name=op.f("ck_welno_consents_expires_later")),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_welno_consents_patient_uuid"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_consents")),
        sa.UniqueConstraint("session_id", "kind", name=op.f("uq_welno_consents_session_id_kind")),
        schema="welno",
    )
    op.create_index(op.f("ix_welno_consents_patient_uuid_id"), "welno_consents", ["patient_uuid", "id"], schema="welno")
    for column in ("claimed_uuid", "expires_at"):
        op.create_index(
            f"ix_welno_consents_{column}",
            "welno_consents",
            [column],
            schema="welno",
            postgresql_where=sa.text("ended_at is null"),
        )
    until = sa.Column("consents_until", sa.DateTime(timezone=True), nullable=True)
    op.add_column("welno_collection_history", until, schema="welno")


def downgrade() -> None:
    op.drop_column("welno_collection_history", "consents_until", schema="welno")
    op.drop_table("welno_consents", schema="welno")
