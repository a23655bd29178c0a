"""A dynamic tag counts its readings: how far it had counted stands with the tag, and with each scan which reading it was.
Expand: code of before leaves both empty, and knows no dynamic tag."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0064"
down_revision: str | None = "0063"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("nfc_tags", sa.Column("sun_counter", sa.BigInteger()), schema="welno")
    op.add_column("tag_logs", sa.Column("counter", sa.BigInteger()), schema="welno")


def downgrade() -> None:
    op.drop_column("tag_logs", "counter", schema="welno")
    op.drop_column("nfc_tags", "sun_counter", schema="welno")
