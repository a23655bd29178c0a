"""what members find in an analysis: where its quotes stand: expand. A process of before knows nothing of it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0033"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_EVIDENCE = "alter table welno.interviews add column evidence jsonb"


def upgrade() -> None:
    op.execute(_EVIDENCE)


def downgrade() -> None:
    op.execute("alter table welno.interviews drop column evidence")
