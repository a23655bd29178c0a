"""larger things of threads: expand. Nothing reads them before."""

from collections.abc import Sequence

from alembic import op

revision: str = "0045"
down_revision: str | None = "0044"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = """
    create table welno.welno_thread_blobs (
        thread_id text not null,
        blob_id uuid not null,
        file_id uuid not null,
        member text not null,
        parts jsonb default '{}' not null,
        size_bytes bigint default 0 not null,
        sealed_hash text,
        after_seq bigint,
        created_at timestamptz default now() not null,
        changed_at timestamptz default now() not null,
        completed_at timestamptz,
        constraint pk_welno_thread_blobs primary key (thread_id, blob_id),
        constraint uq_welno_thread_blobs_file_id unique (file_id),
        constraint fk_welno_thread_blobs_thread_id foreign key(thread_id) references welno.welno_threads (id)
    );
    create index ix_welno_thread_blobs_member on welno.welno_thread_blobs (member);
    create index ix_welno_thread_blobs_unfinished on welno.welno_thread_blobs (changed_at) where completed_at is null;
    create index ix_welno_thread_blobs_completed_at on welno.welno_thread_blobs (completed_at)
"""


def upgrade() -> None:
    op.execute(_TABLE)


def downgrade() -> None:
    op.execute("drop table welno.welno_thread_blobs")
