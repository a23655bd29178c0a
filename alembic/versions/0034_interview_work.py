"""what analyses cost, speakers' names, highlights, insights: expand. Costs of before are taken from the runs."""

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
_HIGHLIGHTS = """
    alter table welno.interviews add column speakers jsonb;
    create table welno.highlights (
        id uuid not null,
        project_id uuid not null,
        interview_id uuid not null,
        first_utterance_id bigint not null,
        last_utterance_id bigint not null,
        tags jsonb not null,
        note text not null,
        account_id uuid not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint pk_highlights primary key (id),
        constraint fk_highlights_project_id foreign key(project_id) references welno.projects (id),
        constraint fk_highlights_interview_id foreign key(interview_id) references welno.interviews (id),
        constraint fk_highlights_account_id foreign key(account_id) references welno.accounts (account_id)
    );
    create index ix_highlights_list on welno.highlights (project_id, created_at desc, id desc);
    create index ix_highlights_interview_id on welno.highlights (interview_id);
    alter table welno.highlights enable row level security;
    alter table welno.highlights force row level security;
    create policy members_read on welno.highlights for select to welno_member
        using (project_id in (select welno.my_projects()));
    create policy members_write on welno.highlights for all to welno_member
        using (project_id in (select welno.my_projects())) with check (project_id in (select welno.my_projects()));
    create policy analysts_read on welno.highlights for select to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid);
    create policy analysts_write on welno.highlights for delete to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid);
    grant select, insert, update, delete on welno.highlights to welno_member;
    grant select, delete on welno.highlights to welno_analyst;
"""
_INSIGHTS = """
    create table welno.insights (
        id uuid not null,
        company_id uuid not null,
        project_id uuid not null,
        kind text not null,
        status text not null,
        attempt bigint default 1 not null,
        revision bigint default 1 not null,
        interview_ids jsonb not null,
        created_by uuid not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        metadata jsonb default '{}' not null,
        error jsonb,
        result jsonb,
        persona_combination_id uuid,
        erased_at timestamptz,
        constraint pk_insights primary key (id),
        constraint ck_insights_kind check (kind in ('themes', 'persona')),
        constraint ck_insights_status check (status in ('processing', 'analyzing', 'completed', 'failed')),
        constraint fk_insights_company_id foreign key(company_id) references welno.companies (id),
        constraint fk_insights_project_id foreign key(project_id) references welno.projects (id),
        constraint fk_insights_created_by foreign key(created_by) references welno.accounts (account_id),
        constraint fk_insights_persona_combination_id foreign key(persona_combination_id)
            references welno.persona_combinations (id)
    );
    create index ix_insights_list on welno.insights (project_id, created_at desc, id desc);
    create unique index ix_insights_under_way on welno.insights (project_id)
        where kind = 'themes' and status in ('processing', 'analyzing');
    alter table welno.insights enable row level security;
    alter table welno.insights force row level security;
    create policy members_read on welno.insights for select to welno_member
        using (project_id in (select welno.my_projects()));
    create policy members_write on welno.insights for all to welno_member
        using (project_id in (select welno.my_projects())) with check (project_id in (select welno.my_projects()));
    create policy analysts_read on welno.insights for select to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid);
    create policy analysts_write on welno.insights for all to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid)
        with check (project_id = nullif(current_setting('welno.project_id', true), '')::uuid);
    grant select, insert, update on welno.insights to welno_member;
    grant select, update on welno.insights to welno_analyst;
    create policy analysts_write on welno.persona_combinations for insert to welno_analyst
        with check (company_id in (select company_id from welno.projects));
    grant insert on welno.persona_combinations to welno_analyst;
    -- A run is an interview's or an insight's; neither's rows are ever deleted.
    alter table welno.interview_runs drop constraint fk_interview_runs_interview_id;
"""
# Ids only, and the owner has to look for what is due: row-level security is not forced, as of interview_runs.
_KNOWLEDGE = """
    create table welno.knowledge_entries (
        interview_id uuid not null,
        project_id uuid not null,
        is_wanted boolean not null,
        document_id text,
        is_begun boolean default false not null,
        is_filling boolean default false not null,
        is_filled boolean default false not null,
        due_at timestamptz not null,
        tries bigint default 0 not null,
        constraint pk_knowledge_entries primary key (interview_id),
        constraint fk_knowledge_entries_interview_id foreign key(interview_id) references welno.interviews (id),
        constraint fk_knowledge_entries_project_id foreign key(project_id) references welno.projects (id)
    );
    create index ix_knowledge_entries_due_at on welno.knowledge_entries (due_at)
        where not (is_wanted and is_filled);
    create index ix_knowledge_entries_project_id on welno.knowledge_entries (project_id);
    alter table welno.knowledge_entries enable row level security;
    create policy members_write on welno.knowledge_entries for all to welno_member
        using (project_id in (select welno.my_projects())) with check (project_id in (select welno.my_projects()));
    create policy analysts_write on welno.knowledge_entries for all to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid)
        with check (project_id = nullif(current_setting('welno.project_id', true), '')::uuid);
    grant select, insert, update on welno.knowledge_entries to welno_member, welno_analyst;
"""
_WITHOUT_INSIGHTS = """
    delete from welno.interview_runs where interview_id in (select id from welno.insights);
    alter table welno.interview_runs add constraint fk_interview_runs_interview_id foreign key (interview_id)
        references welno.interviews (id) on delete cascade;
    revoke insert on welno.persona_combinations from welno_analyst;
    drop policy analysts_write on welno.persona_combinations;
    drop table welno.insights;
"""


def upgrade() -> None:
    op.execute(_COSTS)
    op.execute(_HIGHLIGHTS)
    op.execute(_INSIGHTS)
    op.execute(_KNOWLEDGE)


def downgrade() -> None:
    op.execute("drop table welno.knowledge_entries")
    op.execute(_WITHOUT_INSIGHTS)
    op.execute("drop table welno.highlights")
    op.execute("alter table welno.interviews drop column speakers")
    op.execute("drop table welno.miso_costs")
