"""webhooks and the messages to them: expand. Nothing reads them before."""

from collections.abc import Sequence

from alembic import op

revision: str = "0043"
down_revision: str | None = "0042"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = """
    create table welno.welno_webhooks (
        id uuid not null,
        url text not null,
        secret bytea not null,
        created_at timestamptz default now() not null,
        disabled_at timestamptz,
        constraint pk_welno_webhooks primary key (id)
    );
    create table welno.welno_webhook_deliveries (
        id uuid not null,
        webhook_id uuid not null,
        session_id uuid not null,
        kind text not null,
        body text not null,
        attempts bigint default 0 not null,
        due_at timestamptz not null,
        claimed_until timestamptz,
        last_result text,
        is_delivered boolean default false not null,
        created_at timestamptz default now() not null,
        ended_at timestamptz,
        constraint pk_welno_webhook_deliveries primary key (id),
        constraint ck_welno_webhook_deliveries_kind check (kind in ('session.completed', 'session.failed')),
        constraint fk_welno_webhook_deliveries_webhook_id foreign key(webhook_id)
            references welno.welno_webhooks (id) on delete cascade,
        constraint fk_welno_webhook_deliveries_session_id foreign key(session_id)
            references welno.welno_collection_history (session_id) on delete cascade
    );
    create index ix_welno_webhook_deliveries_webhook_id on welno.welno_webhook_deliveries (webhook_id);
    create index ix_welno_webhook_deliveries_session_id on welno.welno_webhook_deliveries (session_id);
    create index ix_welno_webhook_deliveries_due on welno.welno_webhook_deliveries (due_at) where ended_at is null
"""


def upgrade() -> None:
    op.execute(_TABLES)


def downgrade() -> None:
    op.execute("drop table welno.welno_webhook_deliveries; drop table welno.welno_webhooks")
