"""Calls of MISO that nobody waits for, each in a row of its own: expand. The two columns that noted one call of a run stay
until the code that uses them has gone: a later migration drops them, their index, and the trigger that keeps the table
equal to what that code notes."""

from collections.abc import Sequence

from alembic import op

revision: str = "0053"
down_revision: str | None = "0052"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MINE = "project_id in (select welno.my_projects())"
_THE_PROJECT = "project_id = nullif(current_setting('welno.project_id', true), '')::uuid"
# Ids only, and the owner has to look for what is due: row-level security is not forced, as of interview_runs.
_TABLE = f"""
    create table welno.interview_unsettled_calls (
        miso_user text not null,
        interview_id uuid not null,
        project_id uuid not null,
        task_id text,
        noted_at timestamptz default now() not null,
        sends bigint default 0 not null,
        sent_at timestamptz,
        claimed_until timestamptz,
        constraint pk_interview_unsettled_calls primary key (miso_user),
        constraint fk_interview_unsettled_calls_interview_id foreign key(interview_id)
            references welno.interview_runs (interview_id) on delete cascade,
        constraint fk_interview_unsettled_calls_project_id foreign key(project_id) references welno.projects (id)
    );
    create index ix_interview_unsettled_calls_interview_id on welno.interview_unsettled_calls (interview_id);
    create index ix_interview_unsettled_calls_project_id on welno.interview_unsettled_calls (project_id);
    alter table welno.interview_unsettled_calls enable row level security;
    create policy members_write on welno.interview_unsettled_calls for all to welno_member
        using ({_MINE}) with check ({_MINE});
    create policy analysts_write on welno.interview_unsettled_calls for all to welno_analyst
        using ({_THE_PROJECT}) with check ({_THE_PROJECT});
    grant select, insert, update on welno.interview_unsettled_calls to welno_member;
    grant select, insert, update, delete on welno.interview_unsettled_calls to welno_analyst;
"""
# Copied, and not taken away: the code before goes on with them, and an end that both find is counted once.
_COPY = """
    insert into welno.interview_unsettled_calls (miso_user, interview_id, project_id, task_id, noted_at)
        select stop_user, interview_id, project_id, nullif(stop_task_id, ''), updated_at from welno.interview_runs
        where stop_user is not null
"""
# As its owner: under row-level security, members delete no calls.
_FOLLOW = """
    create function welno.follow_noted_call() returns trigger language plpgsql security definer
        set search_path = pg_catalog, pg_temp as $$
    begin
        if new.stop_user is null then
            delete from welno.interview_unsettled_calls where miso_user = old.stop_user;
        else
            insert into welno.interview_unsettled_calls as noted (miso_user, interview_id, project_id, task_id)
                values (new.stop_user, new.interview_id, new.project_id, nullif(new.stop_task_id, ''))
                on conflict (miso_user) do update set task_id = coalesce(excluded.task_id, noted.task_id);
        end if;
        return null;
    end $$;
    create trigger follow_noted_call after update of stop_task_id, stop_user on welno.interview_runs for each row
        when ((old.stop_task_id, old.stop_user) is distinct from (new.stop_task_id, new.stop_user))
        execute function welno.follow_noted_call();
"""
# A run has room for one: the last.
_MOVE_ONE_BACK = """
    update welno.interview_runs set stop_task_id = null, stop_user = null where stop_user is not null;
    update welno.interview_runs as run set stop_task_id = coalesce(call.task_id, ''), stop_user = call.miso_user,
        sends = 0, sent_at = null
    from (
        select distinct on (interview_id) * from welno.interview_unsettled_calls
        order by interview_id, noted_at desc, miso_user
    ) as call
    where call.interview_id = run.interview_id
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(_COPY)
    op.execute(_FOLLOW)


def downgrade() -> None:
    op.execute("drop trigger follow_noted_call on welno.interview_runs; drop function welno.follow_noted_call()")
    op.execute(_MOVE_ONE_BACK)
    op.execute("drop table welno.interview_unsettled_calls")
