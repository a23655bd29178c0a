"""Accounts: made, disabled and given passwords by operators' commands; looked up by whoever signs in.

Errors: AccountsError (not retryable) > AccountExists, AccountNotFound, PasswordTooShort, PasswordTooEasy,
RoleOfAnotherKind, NotAnEmail, CompanyNeeded, LastStaffAdmin.
"""

import re
import unicodedata
from collections.abc import Collection
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.accounts import ROLES_OF, Account, AccountKind, AccountRole, Company, RevokedWhy
from services.accounts.logins import end_logins
from services.advisory_locks import lock_name
from services.delivery.unit_of_work import Work

PASSWORD_MIN_CHARACTERS = 12
# Longer ones add nothing but hashing time that anybody may ask for.
PASSWORD_MAX_CHARACTERS = 256
_DIFFERENT_CHARACTERS = 5
# Words of our own context, and what they most often stand with: they count for nothing.
_OUR_WORDS = ("welno", "웰노", "tilko", "mediarc", "operator", "auditor", "password", "admin", "12345678", "qwerty")
_SHORTEST_WORD = 2
# What is surely none; whether a letter would arrive is known to the mail server alone.
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,64}\.[^@\s.]{2,32}")


class AccountsError(Exception):
    """An account cannot be made or changed like this."""

    retryable = False


class AccountExists(AccountsError):
    """Somebody of this kind has the login already."""


class AccountNotFound(AccountsError):
    """Nobody of this kind has the login."""


class PasswordTooShort(AccountsError):
    """Passwords of accounts have at least `PASSWORD_MIN_CHARACTERS`."""


class PasswordTooEasy(AccountsError):
    """It is made of what everybody knows of us, or of few characters."""


class RoleOfAnotherKind(AccountsError):
    """The role is not one of the kind's."""


class NotAnEmail(AccountsError):
    """A member's login is their e-mail address."""


class CompanyNeeded(AccountsError):
    """Members, and they alone, belong to a company."""


class LastStaffAdmin(AccountsError):
    """Without this one nobody could make or change the hospital's staff."""


def canonical_login(login: str) -> str:
    return login.strip().lower()


def check_password_length(password: str) -> None:
    """Raises PasswordTooShort, also for one that is longer than we hash."""
    if not PASSWORD_MIN_CHARACTERS <= len(password) <= PASSWORD_MAX_CHARACTERS:
        raise PasswordTooShort(f"a password has {PASSWORD_MIN_CHARACTERS} to {PASSWORD_MAX_CHARACTERS} characters")


def check_password(password: str, login: str) -> None:
    """What a guesser of this account would try first. Raises PasswordTooShort, PasswordTooEasy."""
    check_password_length(password)
    typed, name = unicodedata.normalize("NFKC", password).casefold(), canonical_login(login)
    words = {*_OUR_WORDS, name, name.partition("@")[0]}
    rest = typed
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) >= _SHORTEST_WORD else rest
    if len(rest) < PASSWORD_MIN_CHARACTERS or len(set(rest)) < _DIFFERENT_CHARACTERS:
        raise PasswordTooEasy("without the login, our own names and repetitions too little is left of this password")


def add_account(
    session: Session,
    kind: AccountKind,
    login: str,
    name: str,
    password_hash: str,
    role: AccountRole,
    *,
    company_id: UUID | None = None,
) -> UUID:
    """Raises AccountExists, RoleOfAnotherKind; of members NotAnEmail, CompanyNeeded."""
    if role not in ROLES_OF[kind]:
        raise RoleOfAnotherKind(f"accounts of kind {kind} are {' or '.join(sorted(ROLES_OF[kind]))}")
    if (kind is AccountKind.MEMBER) != (company_id is not None):
        raise CompanyNeeded("members, and they alone, belong to a company")
    if kind is AccountKind.MEMBER and not _EMAIL.fullmatch(canonical_login(login)):
        raise NotAnEmail("a member's login is an e-mail address")
    row = {
        "account_id": uuid4(),
        "kind": kind,
        "login": canonical_login(login),
        "name": name,
        "password_hash": password_hash,
        "role": role,
        "company_id": company_id,
    }
    made: UUID | None = session.scalar(
        insert(Account)
        .values(row)
        .on_conflict_do_nothing(constraint="uq_accounts_kind_login")
        .returning(Account.account_id)
    )
    if made is None:
        raise AccountExists(f"this login is taken among accounts of kind {kind}")
    return made


def find_or_add_company(session: Session, name: str) -> UUID:
    """By its exact name."""
    # Two that make one at once would make two of them.
    lock_name(session, name)
    found = session.scalar(select(Company.id).where(Company.name == name).order_by(Company.created_at).limit(1))
    if found is not None:
        return found
    company = Company(id=uuid4(), name=name)
    session.add(company)
    session.flush()
    return company.id


def find_account(session: Session, kinds: Collection[AccountKind], login: str) -> Account | None:
    """Also one that is disabled. The kinds are looked through in their order: a login may stand in several."""
    query = select(Account).where(Account.kind.in_(kinds), Account.login == canonical_login(login))
    found = {account.kind: account for account in session.scalars(query)}
    return next((found[kind] for kind in kinds if kind in found), None)


def require_account(session: Session, kind: AccountKind, login: str) -> Account:
    """Locked until the end of the transaction. Raises AccountNotFound."""
    query = select(Account).where(Account.kind == kind, Account.login == canonical_login(login)).with_for_update()
    account = session.scalar(query)
    if account is None:
        raise AccountNotFound(f"no account of kind {kind} has this login")
    return account


def change_password(work: Work, account: Account, password_hash: str) -> None:
    """Whoever is signed in by the old one is no longer."""
    account.password_hash = password_hash
    end_logins(work, account.account_id, RevokedWhy.PASSWORD_CHANGED)


def disable_account(work: Work, account: Account) -> None:
    """Throws its logins out; what it did stays."""
    account.is_active = False
    end_logins(work, account.account_id, RevokedWhy.DISABLED)


def require_another_admin(session: Session, account_id: UUID) -> None:
    """Before an account of the staff loses the role, or is disabled. Locks all admins, before any single account, so
    that two who take it from each other do so one after the other. Raises LastStaffAdmin."""
    is_admin = (Account.kind == AccountKind.STAFF, Account.role == AccountRole.ADMIN, Account.is_active)
    query = select(Account.account_id).where(*is_admin).order_by(Account.account_id).with_for_update()
    if list(session.scalars(query)) == [account_id]:
        raise LastStaffAdmin


def enable_account(account: Account) -> None:
    account.is_active = True
