"""what the interviews' run has to remember of its calls, and what is counted of the analyses: expand."""

from collections.abc import Sequence

from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COLUMNS = ("takeovers", "sends", "sent_at", "called_at", "lost", "stop_task_id", "stop_user")


def upgrade() -> None:
    op.execute("""
        alter table welno.interview_runs
            add column takeovers bigint default 0 not null,
            add column sends bigint default 0 not null,
            add column sent_at timestamptz,
            add column called_at timestamptz,
            add column lost jsonb,
            add column stop_task_id text,
            add column stop_user text
    """)
    op.execute(
        "create index ix_interview_runs_to_stop on welno.interview_runs (sent_at) where stop_task_id is not null"
    )
    op.execute("""
        create table welno.interview_counts (
            name text not null,
            label text not null,
            total double precision not null,
            constraint pk_interview_counts primary key (name, label)
        );
        grant select, insert, update on welno.interview_counts to welno_analyst;
    """)


def downgrade() -> None:
    op.execute("drop table welno.interview_counts")
    op.execute("drop index welno.ix_interview_runs_to_stop")
    for column in _COLUMNS:
        op.execute(f"alter table welno.interview_runs drop column {column}")
