"""Find who said to be a person in consents that have ended, too: they are erased with the person."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from alembic import op

revision: str = "0055"
down_revision: str | None = "0054"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE: dict[str, Any] = {"table_name": "welno_consents", "schema": "welno", "postgresql_concurrently": True}
_ALL, _HOLDING = "ix_welno_consents_claimed", "ix_welno_consents_claimed_uuid"


def upgrade() -> None:
    # Beside the writers; the old one goes when the new one is there.
    with op.get_context().autocommit_block():
        op.drop_index(_ALL, if_exists=True, **_TABLE)
        op.create_index(_ALL, columns=["claimed_uuid"], **_TABLE)
        op.drop_index(_HOLDING, if_exists=True, **_TABLE)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(_HOLDING, if_exists=True, **_TABLE)
        op.create_index(_HOLDING, columns=["claimed_uuid"], postgresql_where=sa.text("ended_at is null"), **_TABLE)
        op.drop_index(_ALL, if_exists=True, **_TABLE)
