"""Which placeholders a conversation's questions have used, and for whom, as keyed hashes: expand. Null for conversations of
before, and of the code before: nobody knows whom theirs mean, and further questions have no numbers. What the code before
asks in a conversation of the code after, while both run, is numbered by itself and does not stand here."""

from collections.abc import Sequence

from alembic import op

revision: str = "0059"
down_revision: str | None = "0058"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OWN = "account_id = nullif(current_setting('welno.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("alter table welno.conversations add column placeholders jsonb")
    op.execute("grant update (placeholders) on welno.conversations to welno_member")
    op.execute(
        f"create policy members_number on welno.conversations for update to welno_member using ({_OWN})"
        f" with check ({_OWN})"
    )


def downgrade() -> None:
    op.execute("drop policy members_number on welno.conversations")
    op.execute("revoke update (placeholders) on welno.conversations from welno_member")
    op.execute("alter table welno.conversations drop column placeholders")
