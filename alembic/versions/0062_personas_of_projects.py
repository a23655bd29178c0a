"""A persona that was made of interviews belongs to their project, and is shown to nobody else; a company's own are still
shown to all who have a project of it: expand. Code of before tells no project, which a trigger does for it, and empties
the persona of an erased insight as the table's owner, whom row-level security now holds: another trigger does that. A
later migration drops both."""

from collections.abc import Sequence

from alembic import op

revision: str = "0062"
down_revision: str | None = "0061"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Insights are forced: their owner would find none.
_OWN = """
    alter table welno.persona_combinations add column project_id uuid
        constraint fk_persona_combinations_project_id references welno.projects (id);
    create index ix_persona_combinations_project_id on welno.persona_combinations (project_id);
    alter table welno.insights no force row level security;
    update welno.persona_combinations p set project_id = i.project_id from welno.insights i where i.id = p.id;
    alter table welno.insights force row level security;
"""
# What a company has of its own says nothing of interviews, and the owner is who puts it there. A policy for a role by its
# name would want that role wherever a backup is restored.
_PROTECT = """
    drop policy members_read on welno.persona_combinations;
    drop policy analysts_read on welno.persona_combinations;
    drop policy analysts_write on welno.persona_combinations;
    create policy members_read on welno.persona_combinations for select to welno_member
        using (project_id in (select welno.my_projects())
            or project_id is null and company_id in (select company_id from welno.projects));
    create policy analysts_read on welno.persona_combinations for select to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid
            or project_id is null and company_id in (select company_id from welno.projects));
    create policy analysts_write on welno.persona_combinations for insert to welno_analyst
        with check (project_id = nullif(current_setting('welno.project_id', true), '')::uuid
            and company_id in (select company_id from welno.projects));
    create policy members_change on welno.persona_combinations for update to welno_member
        using (project_id in (select welno.my_projects())) with check (project_id in (select welno.my_projects()));
    create policy analysts_change on welno.persona_combinations for update to welno_analyst
        using (project_id = nullif(current_setting('welno.project_id', true), '')::uuid)
        with check (project_id = nullif(current_setting('welno.project_id', true), '')::uuid);
    create policy owner_keeps_companys on welno.persona_combinations
        using (project_id is null and current_user = (
            select pg_get_userbyid(relowner) from pg_class where oid = 'welno.persona_combinations'::regclass));
    grant update (title, description) on welno.persona_combinations to welno_member, welno_analyst;
    alter table welno.persona_combinations force row level security;
"""
_FOR_CODE_BEFORE = """
    create function welno.own_persona() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        if new.project_id is null and current_user = 'welno_analyst' then
            new.project_id = nullif(current_setting('welno.project_id', true), '')::uuid;
        end if;
        return new;
    end $$;
    create trigger own_persona before insert on welno.persona_combinations
        for each row execute function welno.own_persona();
    create function welno.empty_persona() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        update welno.persona_combinations set title = '지워진 페르소나', description = null where id = new.id;
        return null;
    end $$;
    create trigger empty_persona after update of erased_at on welno.insights for each row
        when (old.erased_at is null and new.erased_at is not null) execute function welno.empty_persona();
"""
_AS_BEFORE = """
    drop trigger empty_persona on welno.insights;
    drop trigger own_persona on welno.persona_combinations;
    drop function welno.empty_persona();
    drop function welno.own_persona();
    alter table welno.persona_combinations no force row level security;
    revoke update (title, description) on welno.persona_combinations from welno_member, welno_analyst;
    drop policy owner_keeps_companys on welno.persona_combinations;
    drop policy analysts_change on welno.persona_combinations;
    drop policy members_change on welno.persona_combinations;
    drop policy analysts_write on welno.persona_combinations;
    drop policy analysts_read on welno.persona_combinations;
    drop policy members_read on welno.persona_combinations;
    create policy members_read on welno.persona_combinations for select to welno_member
        using (company_id in (select company_id from welno.projects));
    create policy analysts_read on welno.persona_combinations for select to welno_analyst
        using (company_id in (select company_id from welno.projects));
    create policy analysts_write on welno.persona_combinations for insert to welno_analyst
        with check (company_id in (select company_id from welno.projects));
    alter table welno.persona_combinations drop column project_id;
"""


def upgrade() -> None:
    op.execute(_OWN)
    op.execute(_PROTECT)
    op.execute(_FOR_CODE_BEFORE)


def downgrade() -> None:
    op.execute(_AS_BEFORE)
