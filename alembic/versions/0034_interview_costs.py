"""what analyses cost, by attempt: expand. Attempts of before are taken from their runs."""

from collections.abc import Sequence

from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COSTS = """
    create table welno.miso_costs (
        interview_id uuid not null,
        attempt bigint not null,
        project_id uuid not null,
        called_at timestamptz not null,
        calls bigint not null,
        tokens bigint not null,
        seconds double precision not null,
        constraint pk_miso_costs primary key (interview_id, attempt),
        constraint fk_miso_costs_interview_id foreign key(interview_id) references welno.interviews (id),
        constraint fk_miso_costs_project_id foreign key(project_id) references welno.projects (id)
    );
    create index ix_miso_costs_project_id_called_at on welno.miso_costs (project_id, called_at);
    insert into welno.miso_costs (interview_id, attempt, project_id, called_at, calls, tokens, seconds)
        select interview_id, attempt, project_id, created_at, 1, tokens, coalesce(elapsed_seconds, 0)
        from welno.interview_runs where tokens > 0;
    alter table welno.miso_costs enable row level security;
    alter table welno.miso_costs force row level security;
    create policy members_read on welno.miso_costs for select to welno_member
        using (project_id in (select welno.my_projects()));
    create policy analysts_read on welno.miso_costs for select to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid);
    create policy analysts_write on welno.miso_costs for all to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid)
        with check (project_id = nullif(current_setting('welno.project_id', true), '')::uuid);
    grant select on welno.miso_costs to welno_member;
    grant select, insert, update on welno.miso_costs to welno_analyst;
"""


def upgrade() -> None:
    op.execute(_COSTS)


def downgrade() -> None:
    op.execute("drop table welno.miso_costs")
