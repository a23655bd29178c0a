"""What a member's device is: a browser, or the code that is printed for the day when no browser is left: expand."""

from collections.abc import Sequence

from alembic import op

revision: str = "0047"
down_revision: str | None = "0046"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("""
        alter table welno.welno_thread_devices add column type text default 'browser' not null;
        alter table welno.welno_thread_devices add constraint ck_welno_thread_devices_type
            check (type in ('browser', 'recovery'));
    """)


def downgrade() -> None:
    op.execute("alter table welno.welno_thread_devices drop column type")
