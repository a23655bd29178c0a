"""Scan tokens are claimed by one person, who may present theirs again. Errors: ScanTokenTaken (not retryable)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.journey import ScanToken


class ScanTokenTaken(Exception):
    """Somebody else has claimed it."""

    retryable = False


def claim_scan_token(session: Session, token_id: UUID, user_id: UUID, *, now: datetime, expires_at: datetime) -> None:
    """Locks it until the end of the transaction, and comes before the person's state in the order of locks. Raises
    ScanTokenTaken."""
    row = {"jti": token_id, "user_id": user_id, "claimed_at": now, "expires_at": expires_at}
    session.execute(insert(ScanToken).values(row).on_conflict_do_nothing())
    holder = session.scalar(select(ScanToken.user_id).where(ScanToken.jti == token_id).with_for_update())
    if holder != user_id:
        raise ScanTokenTaken(str(token_id))


def forget_scan_tokens(session: Session) -> int:
    """Those whose time is over: nobody can claim them any more."""
    return session.connection().execute(delete(ScanToken).where(ScanToken.expires_at < func.now())).rowcount
