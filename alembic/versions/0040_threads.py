"""the threads' tables, and the triggers that keep their audit append-only: expand. Nothing reads them before."""

from collections.abc import Sequence

from alembic import op

revision: str = "0040"
down_revision: str | None = "0034"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_THREADS = """
    create table welno.welno_threads (
        id text not null,
        last_seq bigint default 0 not null,
        trimmed_seq bigint default 0 not null,
        key_generation bigint default 0 not null,
        key_state text not null,
        key_seq bigint default 0 not null,
        key_made_at timestamptz,
        audit_head text not null,
        audit_count bigint default 0 not null,
        created_by text not null,
        request_id uuid not null,
        created_at timestamptz default now() not null,
        changed_at timestamptz default clock_timestamp() not null,
        closed_at timestamptz,
        constraint pk_welno_threads primary key (id),
        constraint uq_welno_threads_created_by_request_id unique (created_by, request_id),
        constraint ck_welno_threads_key_state check (key_state in ('missing', 'ok', 'due'))
    );
    create index ix_welno_threads_changed_at on welno.welno_threads (changed_at);
    create table welno.welno_thread_members (
        thread_id text not null,
        member text not null,
        role text not null,
        visible_from bigint default 1 not null,
        joined_seq bigint default 0 not null,
        acked_seq bigint default 0 not null,
        created_at timestamptz default now() not null,
        removed_at timestamptz,
        constraint pk_welno_thread_members primary key (thread_id, member),
        constraint ck_welno_thread_members_role check (role in ('reader', 'writer', 'owner')),
        constraint fk_welno_thread_members_thread_id foreign key(thread_id) references welno.welno_threads (id)
    );
    create index ix_welno_thread_members_member on welno.welno_thread_members (member);
    create table welno.welno_thread_items (
        thread_id text not null,
        seq bigint not null,
        type text not null,
        dedupe_id uuid,
        client_id uuid,
        client_seq bigint,
        digest text,
        body text not null,
        payload bytea,
        created_at timestamptz default now() not null,
        constraint pk_welno_thread_items primary key (thread_id, seq),
        constraint uq_welno_thread_items_thread_id_dedupe_id unique (thread_id, dedupe_id),
        constraint uq_welno_thread_items_thread_id_client_id_client_seq unique (thread_id, client_id, client_seq),
        constraint fk_welno_thread_items_thread_id foreign key(thread_id) references welno.welno_threads (id)
    );
    create index ix_welno_thread_items_created_at on welno.welno_thread_items (created_at) where payload is not null;
    create table welno.welno_thread_clients (
        thread_id text not null,
        client_id uuid not null,
        contiguous_seq bigint not null,
        highest_seq bigint not null,
        constraint pk_welno_thread_clients primary key (thread_id, client_id),
        constraint fk_welno_thread_clients_thread_id foreign key(thread_id) references welno.welno_threads (id)
    );
    -- Ciphertext only grows when it is compressed.
    alter table welno.welno_thread_items alter column payload set storage external;
"""
_KEYS = """
    create table welno.welno_thread_devices (
        device_id uuid not null,
        member text not null,
        kem_key text not null,
        sign_key text not null,
        signed_at text not null,
        sig text not null,
        state text not null,
        approved_by uuid,
        approval_at text,
        approval_sig text,
        pass_hash text,
        pass_until timestamptz,
        registered_at timestamptz default now() not null,
        revoked_at timestamptz,
        constraint pk_welno_thread_devices primary key (device_id),
        constraint ck_welno_thread_devices_state check (state in ('pending', 'active', 'revoked'))
    );
    create index ix_welno_thread_devices_member on welno.welno_thread_devices (member);
    create unique index ix_welno_thread_devices_pass on welno.welno_thread_devices (pass_hash)
        where pass_hash is not null;
    create table welno.welno_thread_keysets (
        thread_id text not null,
        generation bigint not null,
        seq bigint not null,
        signed_at text not null,
        created_by uuid not null,
        secret_check text not null,
        prev text not null,
        recipients jsonb not null,
        sig text not null,
        hash text not null,
        created_at timestamptz default now() not null,
        retires_at timestamptz,
        constraint pk_welno_thread_keysets primary key (thread_id, generation),
        constraint fk_welno_thread_keysets_thread_id foreign key(thread_id) references welno.welno_threads (id)
    );
    create table welno.welno_thread_wraps (
        thread_id text not null,
        generation bigint not null,
        device_id uuid not null,
        wrapped text not null,
        created_at timestamptz default now() not null,
        constraint pk_welno_thread_wraps primary key (thread_id, generation, device_id),
        constraint fk_welno_thread_wraps_thread_id foreign key(thread_id) references welno.welno_threads (id)
    );
    create index ix_welno_thread_wraps_device_id on welno.welno_thread_wraps (device_id);
"""
_AUDIT = """
    create table welno.welno_thread_audit (
        thread_id text not null,
        n bigint not null,
        at timestamptz not null,
        actor text not null,
        action text not null,
        count bigint,
        seq_from bigint,
        seq_to bigint,
        result text not null,
        ip text,
        request_id text not null,
        hash text not null,
        constraint pk_welno_thread_audit primary key (thread_id, n),
        constraint fk_welno_thread_audit_thread_id foreign key(thread_id) references welno.welno_threads (id)
    );
    -- Triggers hold for the owner too, and for superusers unless they switch them off.
    create function welno.refuse_thread_audit_change() returns trigger language plpgsql as $$
    begin
        raise exception 'the audit is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
    end $$;
    create trigger append_only before update or delete on welno.welno_thread_audit
        for each row execute function welno.refuse_thread_audit_change();
    create trigger never_truncated before truncate on welno.welno_thread_audit
        for each statement execute function welno.refuse_thread_audit_change();
    revoke update, delete, truncate on welno.welno_thread_audit from public, current_user;
"""
_TABLES = (
    "welno_thread_audit",
    "welno_thread_wraps",
    "welno_thread_keysets",
    "welno_thread_devices",
    "welno_thread_clients",
    "welno_thread_items",
    "welno_thread_members",
    "welno_threads",
)


def upgrade() -> None:
    for statements in (_THREADS, _KEYS, _AUDIT):
        op.execute(statements)


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name, schema="welno")
    op.execute("drop function welno.refuse_thread_audit_change()")
