"""The day of the checkup that a report was made from: expand. Reports of before have none, and their page says so."""

from collections.abc import Sequence

from alembic import op

revision: str = "0052"
down_revision: str | None = "0051"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("alter table welno.welno_mediarc_reports add column checkup_date date")


def downgrade() -> None:
    op.execute("alter table welno.welno_mediarc_reports drop column checkup_date")
