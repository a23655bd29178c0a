"""How far the day before had come when a day of the access log began: expand. Days that the code before begins tell
nothing of it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0057"
down_revision: str | None = "0056"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "alter table welno.welno_access_days"
        " add column previous_day date, add column previous_seq bigint, add column previous_hash bytea"
    )


def downgrade() -> None:
    op.execute(
        "alter table welno.welno_access_days"
        " drop column previous_day, drop column previous_seq, drop column previous_hash"
    )
