"""sessions of patients, from when on they count, tokens renewed at the approval, patients who are joined."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Whoever has records open while this is deployed keeps them.
_BACKFILL = sa.text("""
    insert into welno.welno_patient_sessions
        (id, patient_uuid, session_id, opened_by, created_at, last_seen_at, valid_from)
    select gen_random_uuid(), run.patient_uuid, run.session_id, 'authenticator',
           run.created_at, run.updated_at, run.auth_completed_at
    from welno.welno_collection_history as run
    join welno.welno_patients as patient on patient.uuid = run.patient_uuid
    where run.token_hash is not null and run.auth_completed_at is not null and run.expires_at > now()
      and run.step in ('save_files', 'import_files', 'make_report', 'finish')
""")


def upgrade() -> None:
    op.create_table(
        "welno_patient_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_welno_patient_sessions_patient_uuid"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_patient_sessions")),
        sa.UniqueConstraint("session_id", name=op.f("uq_welno_patient_sessions_session_id")),
        schema="welno",
    )
    for column in ("patient_uuid", "last_seen_at"):
        op.create_index(op.f(f"ix_welno_patient_sessions_{column}"), "welno_patient_sessions", [column], schema="welno")
    op.create_table(
        "welno_patient_joins",
        sa.Column("newer_uuid", sa.Uuid(), nullable=False),
        sa.Column("older_uuid", sa.Uuid(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("newer_uuid <> older_uuid", name=op.f("ck_welno_patient_joins_two")),
        *(
            sa.ForeignKeyConstraint(
                [column],
                ["welno.welno_patients.uuid"],
                name=op.f(f"fk_welno_patient_joins_{column}"),
                ondelete="CASCADE",
            )
            for column in ("newer_uuid", "older_uuid")
        ),
        sa.PrimaryKeyConstraint("newer_uuid", name=op.f("pk_welno_patient_joins")),
        sa.UniqueConstraint("older_uuid", name=op.f("uq_welno_patient_joins_older_uuid")),
        schema="welno",
    )
    valid_after = sa.Column("sessions_valid_after", sa.DateTime(timezone=True), nullable=True)
    op.add_column("welno_patients", valid_after, schema="welno")
    renewed_at = sa.Column("token_renewed_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("welno_collection_history", renewed_at, schema="welno")
    op.create_index(
        "ix_welno_collection_history_patient",
        "welno_collection_history",
        ["patient_uuid"],
        schema="welno",
        postgresql_where=sa.text("patient_uuid is not null"),
    )
    op.execute(_BACKFILL)


def downgrade() -> None:
    op.drop_index("ix_welno_collection_history_patient", "welno_collection_history", schema="welno")
    op.drop_column("welno_collection_history", "token_renewed_at", schema="welno")
    op.drop_column("welno_patients", "sessions_valid_after", schema="welno")
    op.drop_table("welno_patient_joins", schema="welno")
    op.drop_table("welno_patient_sessions", schema="welno")
