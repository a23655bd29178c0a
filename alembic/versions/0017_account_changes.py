"""account changes: who was given which access, when and by whom; append-only by triggers."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0017"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = "welno.account_changes"
_EXISTING = """
    insert into welno.account_changes (account_id, kind, role, what, by, changed_at)
    select account_id, kind, role, 'added', 'unknown: before there was this record', created_at from welno.accounts
"""


def upgrade() -> None:
    op.create_table(
        "account_changes",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column(
            "changed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_changes")),
        schema="welno",
    )
    op.create_index(op.f("ix_account_changes_account_id_id"), "account_changes", ["account_id", "id"], schema="welno")
    op.execute("""
        create function welno.refuse_account_changes_change() returns trigger language plpgsql as $$
        begin
            raise exception 'account changes are append-only: % refused', tg_op using errcode = 'insufficient_privilege';
        end $$
    """)
    op.execute(f"""
        create trigger append_only before update or delete on {_TABLE}
        for each row execute function welno.refuse_account_changes_change()
    """)
    op.execute(f"""
        create trigger never_truncated before truncate on {_TABLE}
        for each statement execute function welno.refuse_account_changes_change()
    """)
    # Whoever has an account by now was given it at a time that nobody wrote down.
    op.execute(_EXISTING)


def downgrade() -> None:
    op.drop_table("account_changes", schema="welno")
    op.execute("drop function welno.refuse_account_changes_change()")
