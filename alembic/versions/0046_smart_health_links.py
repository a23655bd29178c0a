"""SMART Health Links: expand. Nothing reads them before."""

from collections.abc import Sequence

from alembic import op

revision: str = "0046"
down_revision: str | None = "0045"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = """
    create table welno.welno_shl (
        id text not null,
        patient_uuid uuid not null,
        label text,
        is_long_term boolean not null,
        passcode_hash text,
        wrong_tries bigint default 0 not null,
        created_at timestamptz default now() not null,
        expires_at timestamptz,
        revoked_at timestamptz,
        constraint pk_welno_shl primary key (id)
    );
    create index ix_welno_shl_patient_uuid on welno.welno_shl (patient_uuid);
    create table welno.welno_shl_files (
        link_id text not null,
        position bigint not null,
        content_type text not null,
        jwe text not null,
        updated_at timestamptz not null,
        constraint pk_welno_shl_files primary key (link_id, position),
        constraint fk_welno_shl_files_link_id foreign key(link_id)
            references welno.welno_shl (id) on delete cascade
    );
    create table welno.welno_shl_locations (
        token_hash text not null,
        link_id text not null,
        position bigint not null,
        recipient text not null,
        expires_at timestamptz not null,
        constraint pk_welno_shl_locations primary key (token_hash),
        constraint fk_welno_shl_locations_link_id foreign key(link_id, position)
            references welno.welno_shl_files (link_id, position) on delete cascade
    );
    create index ix_welno_shl_locations_link_id_position on welno.welno_shl_locations (link_id, position);
    create index ix_welno_shl_locations_expires_at on welno.welno_shl_locations (expires_at);
    create table welno.welno_shl_fetches (
        id uuid not null,
        link_id text not null,
        kind text not null,
        recipient text not null,
        network text,
        at timestamptz default now() not null,
        constraint pk_welno_shl_fetches primary key (id),
        constraint ck_welno_shl_fetches_kind check (kind in ('manifest', 'file', 'direct', 'wrong_passcode')),
        constraint fk_welno_shl_fetches_link_id foreign key(link_id)
            references welno.welno_shl (id) on delete cascade
    );
    create index ix_welno_shl_fetches_link_id_at on welno.welno_shl_fetches (link_id, at);
"""


def upgrade() -> None:
    op.execute(_TABLES)


def downgrade() -> None:
    op.execute(
        "drop table welno.welno_shl_fetches; drop table welno.welno_shl_locations;"
        " drop table welno.welno_shl_files; drop table welno.welno_shl"
    )
