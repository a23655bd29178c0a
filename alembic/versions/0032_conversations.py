"""conversations with personas, each for its account alone: expand. Nothing reads them before."""

from collections.abc import Sequence

from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = """
    create table welno.conversations (
        account_id uuid not null,
        provider_id text not null,
        persona_combination_id uuid not null,
        created_at timestamptz default now() not null,
        constraint pk_conversations primary key (account_id, provider_id),
        constraint fk_conversations_account_id foreign key(account_id)
            references welno.accounts (account_id) on delete cascade,
        constraint fk_conversations_persona_combination_id foreign key(persona_combination_id)
            references welno.persona_combinations (id) on delete cascade
    );
    create index ix_conversations_persona_combination_id on welno.conversations (persona_combination_id);
    grant select, insert on welno.conversations to welno_member;
    alter table welno.conversations enable row level security;
    alter table welno.conversations force row level security
"""
# Of the account, not of a project: a colleague in the same project sees none of them.
_OWN = "account_id = nullif(current_setting('welno.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(f"create policy members_read on welno.conversations for select to welno_member using ({_OWN})")
    op.execute(f"create policy members_write on welno.conversations for insert to welno_member with check ({_OWN})")


def downgrade() -> None:
    op.execute("drop table welno.conversations")
