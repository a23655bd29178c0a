"""The push passes of a device before its newest: expand. Code of before ends or replaces the newest alone, with which those
written beside it end."""

from collections.abc import Sequence

from alembic import op

revision: str = "0063"
down_revision: str | None = "0062"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("alter table welno.welno_thread_devices add column earlier_passes jsonb default '[]' not null")
    op.execute("""
        create index ix_welno_thread_devices_earlier_passes on welno.welno_thread_devices
        using gin (earlier_passes jsonb_path_ops)
    """)


def downgrade() -> None:
    op.execute("alter table welno.welno_thread_devices drop column earlier_passes")
