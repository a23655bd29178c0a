"""Where in its script a highlight begins and ends, so that its lines are found without the script: expand."""

from collections.abc import Sequence

from alembic import op

revision: str = "0051"
down_revision: str | None = "0050"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Null for those of before, and of the code before: their scripts are read, as until now.
    op.execute("alter table welno.highlights add column first_position bigint, add column last_position bigint")


def downgrade() -> None:
    op.execute("alter table welno.highlights drop column first_position, drop column last_position")
