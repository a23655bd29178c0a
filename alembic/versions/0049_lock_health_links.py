"""When a SMART Health Link was locked, and which tries of its passcode are being compared: expand."""

from collections.abc import Sequence

from alembic import op

revision: str = "0049"
down_revision: str | None = "0048"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Until now a link was locked by its count; one that is locked meanwhile by the code before is so at its next try.
_LOCK_USED_UP = """
    update welno.welno_shl as link set locked_at = coalesce(
        (select max(fetched.at) from welno.welno_shl_fetches as fetched where fetched.link_id = link.id), now()
    )
    where passcode_hash is not null and wrong_tries >= 10
"""


def upgrade() -> None:
    op.execute("""
        alter table welno.welno_shl add column tries_under_way bigint default 0 not null;
        alter table welno.welno_shl add column tried_at timestamptz;
        alter table welno.welno_shl add column locked_at timestamptz;
    """)
    op.execute(_LOCK_USED_UP)


def downgrade() -> None:
    op.execute("alter table welno.welno_shl drop column tries_under_way, drop column tried_at, drop column locked_at")
