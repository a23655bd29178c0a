"""The record of grants: every change of an account, in the transaction that makes it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import Account, AccountChange, AccountChangeKind


def record_change(session: Session, account: Account, what: AccountChangeKind, by: str) -> None:
    """`by` is an account's id or a name; the role is that of this moment."""
    change = AccountChange(account_id=account.account_id, kind=account.kind, role=account.role, what=what, by=by)
    session.add(change)
    session.flush()


def list_changes(session: Session, account_id: UUID) -> Sequence[AccountChange]:
    """Oldest first."""
    return session.scalars(
        select(AccountChange).where(AccountChange.account_id == account_id).order_by(AccountChange.id)
    ).all()
