"""People who work with the product under a login of their own: operators, a hospital's staff, members of a company."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table


class AccountKind(StrEnum):
    """Whose people they are; each kind has logins of its own."""

    OPERATOR = "operator"
    STAFF = "staff"
    MEMBER = "member"


class AccountRole(StrEnum):
    """What an account may do within its kind."""

    OPERATOR = "operator"
    AUDITOR = "auditor"
    STAFF = "staff"
    ADMIN = "admin"
    MEMBER = "member"


ROLES_OF = {
    AccountKind.OPERATOR: frozenset({AccountRole.OPERATOR, AccountRole.AUDITOR}),
    AccountKind.STAFF: frozenset({AccountRole.STAFF, AccountRole.ADMIN}),
    AccountKind.MEMBER: frozenset({AccountRole.MEMBER}),
}


class Account(Table):
    """One person. Login is lower case and unique within its kind; a member's is their e-mail address.

    `totp_secret` is sealed for `totp:{account_id}`; its codes are asked for once `totp_confirmed`. `totp_offered` is
    sealed in the same way: the one to come, until a code of it was shown. `totp_counter` is the time step of the last
    code that was taken: none is taken twice.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("kind", "login"),
        CheckConstraint(
            "(kind = 'operator' and role in ('operator', 'auditor'))"
            " or (kind = 'staff' and role in ('staff', 'admin')) or (kind = 'member' and role = 'member')",
            name="role_of_kind",
        ),
        CheckConstraint("(kind = 'member') = (company_id is not null)", name="company_of_members"),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    login: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    totp_secret: Mapped[str | None]
    totp_offered: Mapped[str | None]
    totp_confirmed: Mapped[bool] = mapped_column(server_default=text("false"))
    totp_counter: Mapped[int] = mapped_column(server_default=text("0"))
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("welno.companies.id"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[CreatedAt]
