"""What a blob takes of its member's bound, at least a block of the disk for each file and folder, and under which ids
a sending of records was asked for: expand."""

from collections.abc import Sequence

from alembic import op

revision: str = "0048"
down_revision: str | None = "0047"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("""
        alter table welno.welno_thread_blobs add column charged_bytes bigint default 0 not null;
        update welno.welno_thread_blobs set charged_bytes = 4096 + coalesce((
            select sum(greatest((part.value ->> 'size')::bigint, 4096)) from jsonb_each(parts) part
        ), 0);
        alter table welno.welno_thread_record_sendings add column asked_as jsonb default '[]' not null
    """)


def downgrade() -> None:
    op.execute("""
        alter table welno.welno_thread_record_sendings drop column asked_as;
        alter table welno.welno_thread_blobs drop column charged_bytes
    """)
