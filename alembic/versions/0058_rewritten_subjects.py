"""Subjects, by hashes, whose logged events were erased or redacted, for as long as a Redis that comes back with older data
may still hold what they said: expand."""

from collections.abc import Sequence

from alembic import op

revision: str = "0058"
down_revision: str | None = "0057"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("""
        create table welno.welno_rewritten_subjects (
            subject_hash text not null,
            rewritten_at timestamptz default clock_timestamp() not null,
            constraint pk_welno_rewritten_subjects primary key (subject_hash)
        );
        create index ix_welno_rewritten_subjects_rewritten_at on welno.welno_rewritten_subjects (rewritten_at)
    """)


def downgrade() -> None:
    op.execute("drop table welno.welno_rewritten_subjects")
