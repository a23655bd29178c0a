"""replace the outbox by the event log.

No rolling upgrade: a release that numbers its events in Redis must have stopped before. Runs under way go on; their
numbers begin anew under a new epoch, and browsers are told to resync.
"""

import secrets
import time
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_table("welno_outbox", schema="welno")
    # The partitions have a schema of their own: there are thousands of them in time, and none is ever named in a query.
    op.execute("create schema welno_log")
    op.create_table(
        "welno_events",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        schema="welno",
        postgresql_partition_by="LIST (kind)",
    )
    op.create_index(op.f("ix_welno_events_subject_seq"), "welno_events", ["subject", "seq"], schema="welno")
    # Where rows land until a day has a partition of its own.
    op.execute("""
        create table welno_log.tilko_session partition of welno.welno_events
        for values in ('tilko_session') partition by range (created_at)
    """)
    op.execute("create table welno_log.tilko_session_other partition of welno_log.tilko_session default")
    op.create_table(
        "welno_subjects",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_welno_subjects")),
        schema="welno",
    )
    op.create_index(op.f("ix_welno_subjects_changed_at"), "welno_subjects", ["changed_at"], schema="welno")
    op.create_table(
        "welno_epoch",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_welno_epoch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_epoch")),
        schema="welno",
    )
    epoch = sa.text("insert into welno.welno_epoch (id, epoch) values (1, :epoch)")
    op.get_bind().execute(epoch, {"epoch": f"{int(time.time()):08x}{secrets.token_hex(4)}"})
    history = "welno_collection_history"
    zero = sa.Column("event_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column(history, zero, schema="welno")
    changed_at = sa.DateTime(timezone=True)
    changed = sa.Column("changed_at", changed_at, server_default=sa.func.clock_timestamp(), nullable=False)
    op.add_column(history, changed, schema="welno")
    op.create_index(op.f("ix_welno_collection_history_changed_at"), history, ["changed_at"], schema="welno")


def downgrade() -> None:
    history = "welno_collection_history"
    op.drop_index(op.f("ix_welno_collection_history_changed_at"), table_name=history, schema="welno")
    op.drop_column(history, "changed_at", schema="welno")
    op.drop_column(history, "event_seq", schema="welno")
    op.drop_table("welno_epoch", schema="welno")
    op.drop_table("welno_subjects", schema="welno")
    op.drop_table("welno_events", schema="welno")
    op.execute("drop schema welno_log")
    op.create_table(
        "welno_outbox",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_outbox")),
        schema="welno",
    )
    op.create_index(op.f("ix_welno_outbox_subject_id"), "welno_outbox", ["subject", "id"], schema="welno")
