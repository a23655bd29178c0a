"""The demo's people for threads: staff who write, and an auditor; made again where one is missing. No thread is made.

What is there already is left as it is.
"""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import Account, AccountKind, AccountRole
from services.accounts.accounts import add_account

_PEOPLE = (
    (AccountKind.STAFF, AccountRole.STAFF, "doctor1", "시연 의사 1"),
    (AccountKind.STAFF, AccountRole.STAFF, "doctor2", "시연 의사 2"),
    (AccountKind.STAFF, AccountRole.STAFF, "nurse1", "시연 간호사 1"),
    (AccountKind.STAFF, AccountRole.STAFF, "nurse2", "시연 간호사 2"),
    (AccountKind.OPERATOR, AccountRole.AUDITOR, "auditor1", "시연 감사자 1"),
)


def seed_correspondents(session: Session, password_hash: Callable[[], str]) -> None:
    """`password_hash` is asked for only where somebody is missing: it takes long."""
    known = {tuple(row) for row in session.execute(select(Account.kind, Account.login))}
    for kind, role, login, name in _PEOPLE:
        if (kind, login) not in known:
            add_account(session, kind, login, name, password_hash(), role)
