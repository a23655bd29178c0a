"""the roles of the interviews are taken on, and no longer inherited: a login that inherits `welno_searcher` is under its
policy without taking it on, and reads all utterances: contract. Code of before takes them on in each unit, too."""

from collections.abc import Sequence

from alembic import op

revision: str = "0061"
down_revision: str | None = "0060"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Whoever made the roles has granted them to itself (0030, 0033), and may do so otherwise; what an administrator has
# granted only an administrator may change. A superuser is held by no policy anyhow.
_INHERIT_NO_ROLE = """
    do $$ declare wanted text; begin
        if (select rolsuper from pg_roles where rolname = current_user) then
            return;
        end if;
        foreach wanted in array array['welno_member', 'welno_analyst', 'welno_searcher'] loop
            begin
                execute format('grant %I to %I with inherit false', wanted, current_user);
            exception when insufficient_privilege then null;
            end;
            if pg_has_role(current_user, wanted, 'usage') then
                raise exception 'this login inherits the role %, and with it rows that it must not see', wanted
                    using hint = format('as an administrator: grant welno_member, welno_analyst, welno_searcher to %I'
                        ' with inherit false', current_user);
            end if;
        end loop;
    end $$
"""


def upgrade() -> None:
    op.execute(_INHERIT_NO_ROLE)


def downgrade() -> None:
    """Nothing asks for it."""
