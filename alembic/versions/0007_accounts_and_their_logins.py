"""accounts and their logins, locks of passwords that grow, the buyer's phone of an order."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_confirmed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("totp_counter", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'operator' and role in ('operator', 'auditor'))"
            " or (kind = 'staff' and role in ('staff', 'admin')) or (kind = 'member' and role = 'member')",
            name=op.f("ck_accounts_role_of_kind"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("kind", "login", name=op.f("uq_accounts_kind_login")),
        schema="welno",
    )
    op.create_table(
        "logins",
        sa.Column("sid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("refresh_hash", sa.Text(), nullable=True),
        sa.Column("previous_hash", sa.Text(), nullable=True),
        sa.Column("second_factor", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_why", sa.Text(), nullable=True),
        sa.CheckConstraint("scope in ('operations', 'journey', 'interviews', 'records')", name=op.f("ck_logins_scope")),
        sa.CheckConstraint("(revoked_at is null) = (revoked_why is null)", name=op.f("ck_logins_revoked_for_a_reason")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_logins")),
        schema="welno",
    )
    op.create_index(
        "ix_logins_principal_id",
        "logins",
        ["principal_id"],
        schema="welno",
        postgresql_where=sa.text("revoked_at is null"),
    )
    op.create_index("ix_logins_last_seen_at", "logins", ["last_seen_at"], schema="welno")
    locks = sa.Column("locks", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column("welno_patient_passwords", locks, schema="welno")
    op.add_column("tb_campaign_payments", sa.Column("user_phone", sa.Text(), nullable=True), schema="welno")


def downgrade() -> None:
    op.drop_column("tb_campaign_payments", "user_phone", schema="welno")
    op.drop_column("welno_patient_passwords", "locks", schema="welno")
    op.drop_table("logins", schema="welno")
    op.drop_table("accounts", schema="welno")
