"""where quotes stand, who said what, and who read an original: expand. Processes of before know nothing of it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_EVIDENCE = "alter table welno.interviews add column evidence jsonb"
_UTTERANCES = """
    create table welno.utterances (
        interview_id uuid not null,
        position bigint not null,
        project_id uuid not null,
        interview_at timestamptz not null,
        utterance_id bigint not null,
        speaker text not null,
        said text not null,
        letters text not null,
        bigrams text[] not null,
        constraint pk_utterances primary key (interview_id, position),
        constraint fk_utterances_interview_id foreign key(interview_id)
            references welno.interviews (id) on delete cascade,
        constraint fk_utterances_project_id foreign key(project_id) references welno.projects (id)
    );
    create index ix_utterances_bigrams on welno.utterances using gin (bigrams);
    create index ix_utterances_order on welno.utterances
        (project_id, interview_at desc, interview_id desc, position);
"""
# Members add to it and read it; nobody changes what stands there.
_ORIGINAL_READS = """
    create table welno.original_reads (
        id bigserial not null,
        project_id uuid not null,
        interview_id uuid not null,
        account_id uuid not null,
        read_at timestamptz not null,
        request_id text not null,
        constraint pk_original_reads primary key (id),
        constraint fk_original_reads_project_id foreign key(project_id) references welno.projects (id),
        constraint fk_original_reads_interview_id foreign key(interview_id) references welno.interviews (id),
        constraint fk_original_reads_account_id foreign key(account_id) references welno.accounts (account_id)
    );
    create index ix_original_reads_list on welno.original_reads (project_id, id desc);
    create index ix_original_reads_interview_id on welno.original_reads (interview_id);
    alter table welno.original_reads enable row level security;
    alter table welno.original_reads force row level security;
    create policy members_read on welno.original_reads for select to welno_member
        using (project_id in (select welno.my_projects()));
    create policy members_write on welno.original_reads for insert to welno_member
        with check (project_id in (select welno.my_projects())
            and account_id = nullif(current_setting('welno.account_id', true), '')::uuid);
    grant select, insert on welno.original_reads to welno_member;
    grant usage on sequence welno.original_reads_id_seq to welno_member;
"""
# As in 0030: roles belong to the cluster.
_ROLE = """
    do $$ begin
        if not exists (select from pg_roles where rolname = 'welno_searcher') then
            create role welno_searcher nologin noinherit nosuperuser nobypassrls;
        end if;
    exception
        when duplicate_object or unique_violation then null;
        when insufficient_privilege then
            raise exception 'the role welno_searcher is missing, and this login may not make it'
                using hint = 'as an administrator: create role welno_searcher nologin; grant welno_searcher to '
                    || current_user || ' with inherit false';
    end $$;
    do $$ begin
        if not pg_has_role(current_user, 'welno_searcher', 'set') then
            grant welno_searcher to current_user;
        end if;
    exception when unique_violation then null;
    end $$
"""
# Members' policies are asked of each row before anything that is not leakproof, and no operator on arrays is: behind
# them an index on arrays is never used. So the search runs as a role that nobody takes on, whose policy shows everything,
# and the function itself shows a member their own projects only. EXECUTE plans anew with the values: how rare a pair
# of letters is decides between the two indexes.
_SEARCH = """
    create function welno.find_utterances(
        the_project uuid, wanted text[], bare text, most bigint, after_at timestamptz, after_id uuid, after_position bigint
    ) returns table (interview_id uuid, "position" bigint) language plpgsql stable security definer
    set search_path = pg_catalog, pg_temp as $$ begin
        if the_project not in (select welno.my_projects()) then
            return;
        end if;
        return query execute
            'select u.interview_id, u.position from welno.utterances u
            where u.project_id = $1 and u.bigrams @> $2 and strpos(u.letters, $3) > 0 and ($5 is null
                or (u.interview_at, u.interview_id) < ($5, $6)
                or ((u.interview_at, u.interview_id) = ($5, $6) and u.position > $7))
            order by u.interview_at desc, u.interview_id desc, u.position limit $4'
            using the_project, wanted, bare, most, after_at, after_id, after_position;
    end $$;
    revoke all on function welno.find_utterances(uuid, text[], text, bigint, timestamptz, uuid, bigint) from public;
    grant execute on function welno.find_utterances(uuid, text[], text, bigint, timestamptz, uuid, bigint) to welno_member;
    grant usage, create on schema welno to welno_searcher;
    alter function welno.find_utterances(uuid, text[], text, bigint, timestamptz, uuid, bigint) owner to welno_searcher;
    revoke create on schema welno from welno_searcher;
    grant select on welno.utterances to welno_searcher;
    grant execute on function welno.my_projects() to welno_searcher;
    create policy searchers_read on welno.utterances for select to welno_searcher using (true);
"""
_MINE = "project_id in (select welno.my_projects())"
_THE_PROJECT = "project_id = nullif(current_setting('welno.project_id', true), '')::uuid"
_GRANTS = "grant select, insert, delete on welno.utterances to welno_member, welno_analyst"


def upgrade() -> None:
    op.execute(_EVIDENCE)
    op.execute(_UTTERANCES)
    op.execute(_GRANTS)
    _protect("utterances")
    op.execute(_ORIGINAL_READS)
    op.execute(_ROLE)
    op.execute(_SEARCH)


def _protect(table: str) -> None:
    op.execute(f"alter table welno.{table} enable row level security")
    op.execute(f"alter table welno.{table} force row level security")
    for people, role, condition in (("members", "welno_member", _MINE), ("analysts", "welno_analyst", _THE_PROJECT)):
        op.execute(f"create policy {people}_read on welno.{table} for select to {role} using ({condition})")
        op.execute(
            f"create policy {people}_write on welno.{table} for all to {role} using ({condition}) with check ({condition})"
        )


def downgrade() -> None:
    """The role stays: other databases of the cluster may have it, too."""
    op.execute("drop function welno.find_utterances(uuid, text[], text, bigint, timestamptz, uuid, bigint)")
    op.execute("drop table welno.original_reads")
    op.execute("drop table welno.utterances")
    op.execute("revoke execute on function welno.my_projects() from welno_searcher")
    op.execute("revoke usage on schema welno from welno_searcher")
    op.execute("alter table welno.interviews drop column evidence")
