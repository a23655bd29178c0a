"""retired tag codes: whoever comes with a code that was replaced is told so."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "retired_tag_codes",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("tag_id", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["welno.nfc_tags.tag_id"], name=op.f("fk_retired_tag_codes_tag_id")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_retired_tag_codes")),
        schema="welno",
    )


def downgrade() -> None:
    op.drop_table("retired_tag_codes", schema="welno")
