"""Browsers that are told notifications while their page is closed. Expand: code of before tells none."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0065"
down_revision: str | None = "0064"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = "web_push_subscriptions"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("endpoint_hash", sa.Text(), nullable=False),
        sa.Column("sid", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("told_id", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("last_result", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_hash", name=op.f("pk_web_push_subscriptions")),
        sa.ForeignKeyConstraint(
            ["sid"], ["welno.logins.sid"], name=op.f("fk_web_push_subscriptions_sid"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["welno.users.user_id"],
            name=op.f("fk_web_push_subscriptions_user_id"),
            ondelete="CASCADE",
        ),
        schema="welno",
    )
    op.create_index(op.f("ix_web_push_subscriptions_sid"), _TABLE, ["sid"], unique=True, schema="welno")
    op.create_index(op.f("ix_web_push_subscriptions_user_id"), _TABLE, ["user_id"], schema="welno")


def downgrade() -> None:
    op.drop_table(_TABLE, schema="welno")
