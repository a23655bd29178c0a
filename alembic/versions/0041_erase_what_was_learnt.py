"""erasing an interview takes its sections and takeaways along: expand. Code of before never deletes them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0041"
down_revision: str | None = "0040"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = "welno.script_sections, welno.key_takeaways"
_ROLES = "welno_member, welno_analyst"


def upgrade() -> None:
    op.execute(f"grant delete on {_TABLES} to {_ROLES}")


def downgrade() -> None:
    op.execute(f"revoke delete on {_TABLES} from {_ROLES}")
