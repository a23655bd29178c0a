"""index every sweep: what a poller asks for, and what is deleted by age."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_HISTORY = "welno_collection_history"
_INDEXES: tuple[tuple[str, str, str, str | None], ...] = (
    ("ix_welno_collection_history_left", _HISTORY, "owner_id", "run_state = 'ended' and owner_id is not null"),
    ("ix_welno_collection_history_asked", _HISTORY, "owner_id", "run_state = 'waiting' and collect_requested"),
    ("ix_welno_collection_history_ended", _HISTORY, "collection_ended_at", "run_state = 'ended'"),
    ("ix_welno_revoked_tokens_expires_at", "welno_revoked_tokens", "expires_at", None),
    ("ix_welno_tokens_valid_after_valid_after", "welno_tokens_valid_after", "valid_after", None),
)


def upgrade() -> None:
    # Beside the writers. What an attempt that was cut short left behind is not valid, and is made anew.
    with op.get_context().autocommit_block():
        for name, table, column, where in _INDEXES:
            options: dict[str, Any] = {} if where is None else {"postgresql_where": sa.text(where)}
            op.drop_index(name, table_name=table, schema="welno", postgresql_concurrently=True, if_exists=True)
            op.create_index(name, table, [column], schema="welno", postgresql_concurrently=True, **options)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, *_ in reversed(_INDEXES):
            op.drop_index(name, table_name=table, schema="welno", postgresql_concurrently=True, if_exists=True)
