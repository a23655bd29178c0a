"""Accounts, their logins, and access tokens that are no longer taken."""

from models.accounts.account_changes import AccountChange, AccountChangeKind
from models.accounts.accounts import ROLES_OF, Account, AccountKind, AccountRole
from models.accounts.companies import Company
from models.accounts.logins import Login, RevokedWhy, Scope
from models.accounts.revocations import RevokedToken, TokensValidAfter

__all__ = [
    "ROLES_OF",
    "Account",
    "AccountChange",
    "AccountChangeKind",
    "AccountKind",
    "AccountRole",
    "Company",
    "Login",
    "RevokedToken",
    "RevokedWhy",
    "Scope",
    "TokensValidAfter",
]
