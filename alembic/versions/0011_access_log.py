"""access log: append-only by triggers, a partition per day, a key per patient."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_LOG, _OTHER = "welno.welno_access_log", "welno_log.access_other"


def upgrade() -> None:
    op.create_table(
        "welno_access_log",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "seq", name=op.f("pk_welno_access_log")),
        schema="welno",
        postgresql_partition_by="RANGE (day)",
    )
    columns = ["subject", "day", "seq"]
    op.create_index(op.f("ix_welno_access_log_subject_day_seq"), "welno_access_log", columns, schema="welno")
    op.execute(f"create table {_OTHER} partition of {_LOG} default")
    _refuse_changes()
    op.create_table(
        "welno_access_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_welno_access_days")),
        schema="welno",
    )
    op.create_table(
        "welno_patient_keys",
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_welno_patient_keys_patient_uuid"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("patient_uuid", name=op.f("pk_welno_patient_keys")),
        sa.UniqueConstraint("subject", name=op.f("uq_welno_patient_keys_subject")),
        schema="welno",
    )


def _refuse_changes() -> None:
    """A trigger holds for the owner too, and for superusers unless they switch it off. That for rows is inherited by
    every partition; TRUNCATE has none for rows, so each partition needs its own."""
    op.execute("""
        create function welno.refuse_access_log_change() returns trigger language plpgsql as $$
        begin
            raise exception 'the access log is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
        end $$
    """)
    op.execute(f"""
        create trigger append_only before update or delete on {_LOG}
        for each row execute function welno.refuse_access_log_change()
    """)
    for table in (_LOG, _OTHER):
        op.execute(f"""
            create trigger never_truncated before truncate on {table}
            for each statement execute function welno.refuse_access_log_change()
        """)
        op.execute(f"revoke update, delete, truncate on {table} from public, current_user")


def downgrade() -> None:
    op.drop_table("welno_patient_keys", schema="welno")
    op.drop_table("welno_access_days", schema="welno")
    op.drop_table("welno_access_log", schema="welno")
    op.execute("drop function welno.refuse_access_log_change()")
