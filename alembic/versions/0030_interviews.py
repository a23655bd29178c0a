"""the interviews' tables, their row-level security and its roles: expand. Nothing reads them before."""

from collections.abc import Sequence

from alembic import op

revision: str = "0030"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_PROJECTS = """
    create table welno.companies (
        id uuid not null,
        name text not null,
        description text,
        created_at timestamptz default now() not null,
        constraint pk_companies primary key (id)
    );
    create table welno.projects (
        id uuid not null,
        company_id uuid not null,
        name text not null,
        description text,
        purpose text,
        target_audience text,
        research_method text,
        requires_consent boolean default false not null,
        monthly_token_limit bigint,
        event_seq bigint default 0 not null,
        changed_at timestamptz default clock_timestamp() not null,
        created_at timestamptz default now() not null,
        constraint pk_projects primary key (id),
        constraint fk_projects_company_id foreign key(company_id) references welno.companies (id)
    );
    create index ix_projects_changed_at on welno.projects (changed_at);
    create index ix_projects_company_id on welno.projects (company_id);
    create table welno.project_members (
        project_id uuid not null,
        account_id uuid not null,
        role text not null,
        created_at timestamptz default now() not null,
        constraint pk_project_members primary key (project_id, account_id),
        constraint ck_project_members_role check (role in ('viewer', 'editor', 'admin')),
        constraint fk_project_members_project_id foreign key(project_id) references welno.projects (id),
        constraint fk_project_members_account_id foreign key(account_id) references welno.accounts (account_id)
    );
    create index ix_project_members_account_id on welno.project_members (account_id);
    create table welno.persona_combinations (
        id uuid not null,
        company_id uuid not null,
        persona_code text not null,
        title text not null,
        description text,
        constraint pk_persona_combinations primary key (id),
        constraint uq_persona_combinations_company_id_persona_code unique (company_id, persona_code),
        constraint fk_persona_combinations_company_id foreign key(company_id) references welno.companies (id)
    );
    create table welno.script_sections (
        id bigserial not null,
        company_id uuid not null,
        project_id uuid not null,
        section_name text not null,
        constraint pk_script_sections primary key (id),
        constraint uq_script_sections_project_id_section_name unique (project_id, section_name),
        constraint fk_script_sections_company_id foreign key(company_id) references welno.companies (id),
        constraint fk_script_sections_project_id foreign key(project_id) references welno.projects (id)
    );
    create table welno.key_takeaways (
        id bigserial not null,
        company_id uuid not null,
        project_id uuid not null,
        takeaway_text text not null,
        constraint pk_key_takeaways primary key (id),
        constraint uq_key_takeaways_project_id_takeaway_text unique (project_id, takeaway_text),
        constraint fk_key_takeaways_company_id foreign key(company_id) references welno.companies (id),
        constraint fk_key_takeaways_project_id foreign key(project_id) references welno.projects (id)
    );
    alter table welno.accounts add column company_id uuid;
    alter table welno.accounts add constraint fk_accounts_company_id foreign key (company_id)
        references welno.companies (id);
    alter table welno.accounts add constraint ck_accounts_company_of_members
        check ((kind = 'member') = (company_id is not null));
"""
_INTERVIEWS = """
    create table welno.interviews (
        id uuid not null,
        company_id uuid not null,
        project_id uuid not null,
        title text not null,
        masked_text text,
        source text not null,
        file_name text,
        file_bytes bigint,
        file_sha256 text,
        status text not null,
        attempt bigint default 1 not null,
        revision bigint default 1 not null,
        created_by uuid not null,
        created_at timestamptz default now() not null,
        updated_at timestamptz default now() not null,
        interview_date date not null,
        metadata jsonb default '{}' not null,
        error jsonb,
        cleaned_script jsonb,
        session_info jsonb,
        interviewee_profile jsonb,
        interview_quality_assessment jsonb,
        key_takeaways jsonb,
        primary_pain_points jsonb,
        primary_needs jsonb,
        hmw_questions jsonb,
        script_sections jsonb,
        persona_combination_id uuid,
        deleted_at timestamptz,
        deleted_by uuid,
        erased_at timestamptz,
        consent_at timestamptz,
        consent_by uuid,
        constraint pk_interviews primary key (id),
        constraint ck_interviews_status check (status in ('processing', 'analyzing', 'completed', 'failed')),
        constraint ck_interviews_source check (source in ('text', 'file')),
        constraint ck_interviews_attempt check (attempt >= 1),
        constraint ck_interviews_revision check (revision >= 1),
        constraint ck_interviews_deleted_by_somebody check ((deleted_at is null) = (deleted_by is null)),
        constraint ck_interviews_erased_only_deleted check (erased_at is null or deleted_at is not null),
        constraint ck_interviews_error_of_failed check ((status = 'failed') = (error is not null)),
        constraint ck_interviews_file_of_source check ((source = 'file') = (file_bytes is not null)),
        constraint fk_interviews_company_id foreign key(company_id) references welno.companies (id),
        constraint fk_interviews_project_id foreign key(project_id) references welno.projects (id),
        constraint fk_interviews_created_by foreign key(created_by) references welno.accounts (account_id),
        constraint fk_interviews_persona_combination_id foreign key(persona_combination_id)
            references welno.persona_combinations (id),
        constraint fk_interviews_deleted_by foreign key(deleted_by) references welno.accounts (account_id),
        constraint fk_interviews_consent_by foreign key(consent_by) references welno.accounts (account_id)
    );
    create index ix_interviews_deleted_at on welno.interviews (deleted_at) where erased_at is null;
    create index ix_interviews_list on welno.interviews (project_id, created_at desc, id desc);
    create index ix_interviews_persona_combination_id on welno.interviews (persona_combination_id);
    create index ix_interviews_same_file on welno.interviews (project_id, file_sha256) where deleted_at is null;
    create table welno.interview_runs (
        interview_id uuid not null,
        project_id uuid not null,
        step text not null,
        state text not null,
        fence bigint default 0 not null,
        owner_id bigint,
        due_at timestamptz not null,
        tries bigint default 0 not null,
        attempt bigint default 1 not null,
        deadline_at timestamptz,
        miso_user text,
        miso_task_id text,
        miso_run_id text,
        tokens bigint default 0 not null,
        elapsed_seconds double precision,
        request_id text default '' not null,
        created_at timestamptz default now() not null,
        updated_at timestamptz default now() not null,
        constraint pk_interview_runs primary key (interview_id),
        constraint ck_interview_runs_step check (step in ('extract', 'analyse', 'save')),
        constraint ck_interview_runs_state check (state in ('ready', 'running', 'ended')),
        constraint ck_interview_runs_owner_of_running check ((state = 'running') = (owner_id is not null)),
        constraint fk_interview_runs_interview_id foreign key(interview_id)
            references welno.interviews (id) on delete cascade,
        constraint fk_interview_runs_project_id foreign key(project_id) references welno.projects (id)
    );
    create index ix_interview_runs_due_at on welno.interview_runs (due_at) where state <> 'ended';
    create index ix_interview_runs_project_id on welno.interview_runs (project_id);
"""
# Of the event log: rows of days without a partition of their own are never refused.
_LOG = """
    create table welno_log.project partition of welno.welno_events
        for values in ('project') partition by range (created_at);
    create table welno_log.project_other partition of welno_log.project default;
"""
# Roles belong to the cluster, an advisory lock to one database: whoever makes them at the same time elsewhere may have
# been faster, which is as good.
_ROLE = """
    do $$ begin
        if not exists (select from pg_roles where rolname = '{role}') then
            create role {role} nologin noinherit nosuperuser nobypassrls;
        end if;
    exception
        when duplicate_object or unique_violation then null;
        when insufficient_privilege then
            raise exception 'the role {role} is missing, and this login may not make it'
                using hint = 'as an administrator: create role {role} nologin; grant {role} to ' || current_user
                    || ' with inherit false';
    end $$;
    do $$ begin
        if not pg_has_role(current_user, '{role}', 'set') then
            grant {role} to current_user;
        end if;
    exception when unique_violation then null;
    end $$
"""
_ROLES = ("welno_member", "welno_analyst")
# Asked within a sub-select, it runs once per statement and not once per row. Its owner is not held by the policies of
# project_members, so it does not ask itself.
_MY_PROJECTS = """
    create function welno.my_projects() returns setof uuid language sql stable security definer
    set search_path = pg_catalog, pg_temp as $$
        select project_id from welno.project_members
        where account_id = nullif(current_setting('welno.account_id', true), '')::uuid
    $$;
    revoke all on function welno.my_projects() from public;
    grant execute on function welno.my_projects() to welno_member;
"""
_MINE = "project_id in (select welno.my_projects())"
_THE_PROJECT = "project_id = nullif(current_setting('welno.project_id', true), '')::uuid"
# Content is forced: not even the tables' owner sees it without one of the two roles. The others are what the owner has
# to look at to know who is in which project, and which runs are due.
_FORCED = ("interviews", "script_sections", "key_takeaways")
_OF_PROJECT = (*_FORCED, "interview_runs", "project_members")
_BY_DETOUR = {
    "projects": ("id in (select welno.my_projects())", _THE_PROJECT.replace("project_id =", "id =", 1)),
    "companies": ("id in (select company_id from welno.projects)",) * 2,
    "persona_combinations": ("company_id in (select company_id from welno.projects)",) * 2,
    "accounts": ("kind = 'member' and company_id in (select company_id from welno.projects)", "false"),
}
_GRANTS = """
    grant usage on schema welno to welno_member, welno_analyst;
    grant select on welno.companies, welno.projects, welno.persona_combinations, welno.script_sections,
        welno.key_takeaways, welno.interviews, welno.interview_runs to welno_member, welno_analyst;
    grant select (account_id, kind, login, name, company_id, is_active) on welno.accounts to welno_member;
    grant select, insert, update, delete on welno.project_members to welno_member;
    grant insert, update on welno.interviews, welno.interview_runs to welno_member;
    grant update on welno.interviews, welno.interview_runs to welno_analyst;
    grant insert on welno.script_sections, welno.key_takeaways to welno_analyst;
    grant usage on sequence welno.script_sections_id_seq, welno.key_takeaways_id_seq to welno_analyst;
"""
_REVOKES = """
    revoke select (account_id, kind, login, name, company_id, is_active) on welno.accounts from welno_member;
    revoke usage on schema welno from welno_member, welno_analyst;
"""


def upgrade() -> None:
    op.execute(_PROJECTS)
    op.execute(_INTERVIEWS)
    op.execute(_LOG)
    for role in _ROLES:
        op.execute(_ROLE.format(role=role))
    op.execute(_MY_PROJECTS)
    op.execute(_GRANTS)
    for table in _OF_PROJECT:
        _protect(table, _MINE, _THE_PROJECT)
        _guard_writes(table)
    for table, (mine, the_project) in _BY_DETOUR.items():
        _protect(table, mine, the_project)
    for table in _FORCED:
        op.execute(f"alter table welno.{table} force row level security")


def _protect(table: str, mine: str, the_project: str) -> None:
    op.execute(f"alter table welno.{table} enable row level security")
    op.execute(f"create policy members_read on welno.{table} for select to welno_member using ({mine})")
    op.execute(f"create policy analysts_read on welno.{table} for select to welno_analyst using ({the_project})")


def _guard_writes(table: str) -> None:
    for people, role, condition in (
        ("members", "welno_member", _MINE),
        ("analysts", "welno_analyst", _THE_PROJECT),
    ):
        op.execute(
            f"create policy {people}_write on welno.{table} for all to {role} using ({condition}) with check ({condition})"
        )


def downgrade() -> None:
    """The roles stay: other databases of the cluster may have them, too."""
    op.execute("drop table welno_log.project")
    for table in _BY_DETOUR:
        op.execute(f"drop policy members_read on welno.{table}; drop policy analysts_read on welno.{table}")
    op.execute("alter table welno.accounts disable row level security")
    op.execute(_REVOKES)
    for table in reversed(
        (
            "projects",
            "project_members",
            "persona_combinations",
            "script_sections",
            "key_takeaways",
            "interviews",
            "interview_runs",
        )
    ):
        op.execute(f"drop table welno.{table}")
    op.execute("drop function welno.my_projects()")
    op.execute("delete from welno.accounts where kind = 'member'")
    op.execute("alter table welno.accounts drop column company_id")
    op.execute("drop table welno.companies")
