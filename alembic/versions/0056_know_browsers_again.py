"""By what number a browser's next visit is known: expand. Those of the code before have none."""

from collections.abc import Sequence

from alembic import op

revision: str = "0056"
down_revision: str | None = "0055"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("alter table welno.welno_patient_sessions add column browser_hash text")


def downgrade() -> None:
    op.execute("alter table welno.welno_patient_sessions drop column browser_hash")
