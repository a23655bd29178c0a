"""let a run be declined by its person."""

from collections.abc import Sequence

from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = "welno.welno_collection_history"
_NAME = "ck_welno_collection_history_status"
_BEFORE = (
    "initiated, auth_requesting, auth_pending, auth_completed, fetching_health_data, fetching_prescription_data, "
    "identifying, saving, mediarc_generating, completed, info_required, {declined}timeout, error, expired, cancelled"
)


def upgrade() -> None:
    _replace_check("declined, ")


def downgrade() -> None:
    # The older code knows no such state; an error may be tried again, too.
    op.execute("update welno.welno_collection_history set status = 'error' where status = 'declined'")
    _replace_check("")


def _replace_check(declined: str) -> None:
    """Not checked against the rows while the table is locked: every old state is still allowed, or was just changed."""
    listed = ", ".join(f"'{one}'" for one in _BEFORE.format(declined=declined).split(", "))
    op.execute(f"alter table {_TABLE} drop constraint {_NAME}")
    op.execute(f"alter table {_TABLE} add constraint {_NAME} check (status in ({listed})) not valid")
    op.execute(f"alter table {_TABLE} validate constraint {_NAME}")
