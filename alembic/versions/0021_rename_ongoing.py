"""the journey's old names of states: `ongoing` and `pending`, as a hospital that comes from an earlier system has them.

On the way down `pending` does not come back: nothing tells any more which waiting entry it was.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OF_JOURNEYS = (
    ("patient_states", "current_state"),
    ("state_transitions", "from_state"),
    ("state_transitions", "to_state"),
)
_OF_QUEUES = (
    ("queues", "state"),
    ("queue_status_logs", "previous_state"),
    ("queue_status_logs", "new_state"),
)


def upgrade() -> None:
    for table, column in _OF_JOURNEYS:
        _rename(table, column, ("ONGOING", "ongoing"), "IN_PROGRESS")
    for table, column in _OF_QUEUES:
        _rename(table, column, ("ongoing", "ONGOING"), "in_progress")
        _rename(table, column, ("pending", "PENDING"), "waiting")


def downgrade() -> None:
    for table, column in _OF_JOURNEYS:
        _rename(table, column, ("IN_PROGRESS",), "ONGOING")
    for table, column in _OF_QUEUES:
        _rename(table, column, ("in_progress",), "ongoing")


def _rename(table: str, column: str, old: Sequence[str], new: str) -> None:
    listed = ", ".join(f"'{name}'" for name in old)
    op.execute(f"update welno.{table} set {column} = '{new}' where {column} in ({listed})")  # noqa: S608 our own names
