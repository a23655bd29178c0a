"""Access tokens that are taken back, in PostgreSQL: what is not known there opens nothing.

Moments are the database's: two web processes with clocks apart must agree on what came first.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.accounts import RevokedToken, TokensValidAfter

LONGEST_TOKEN_LIFE = timedelta(hours=24)
# Kept longer than a token lives: whether it has ended is judged by a web process's clock.
_KEPT_BEYOND = timedelta(days=1)


class PrincipalKind(StrEnum):
    PATIENT = "patient"
    STAFF = "staff"


@dataclass(frozen=True)
class Principal:
    """Whom a token stands for: a patient by uuid, a member of staff by name."""

    kind: PrincipalKind
    name: str


def token_time(session: Session) -> datetime:
    """When a token is given, to be written into it. Ask before whatever entitles to the token is looked at: what takes
    it back meanwhile then takes the token back too."""
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now


def revoke_token(session: Session, token_id: str, expires_at: datetime) -> None:
    """Take back one token. Twice is once."""
    row = {"token_hash": _hash(token_id), "expires_at": expires_at}
    session.execute(insert(RevokedToken).values(row).on_conflict_do_nothing())


def revoke_earlier(session: Session, principal: Principal) -> None:
    """Take back every token that the principal was given until now, as after a changed password. Call it in the
    transaction that takes the right away, after its statements: whoever is let in by the old state was given a token
    before."""
    row = {"principal_hash": _hash_of(principal), "valid_after": func.clock_timestamp()}
    statement = insert(TokensValidAfter).values(row)
    later = func.greatest(TokensValidAfter.valid_after, statement.excluded.valid_after)
    session.execute(
        statement.on_conflict_do_update(index_elements=[TokensValidAfter.principal_hash], set_={"valid_after": later})
    )


def is_revoked(session: Session, token_id: str, principal: Principal, issued_at: datetime) -> bool:
    """In one statement; called at every use of a token."""
    one = exists().where(RevokedToken.token_hash == _hash(token_id))
    all_earlier = exists().where(
        TokensValidAfter.principal_hash == _hash_of(principal), TokensValidAfter.valid_after >= issued_at
    )
    return bool(session.execute(select(or_(one, all_earlier))).scalar_one())


def forget_revocations(session: Session) -> int:
    """Delete what concerns only tokens that have ended by themselves; how many rows."""
    now = func.now()
    ended = delete(RevokedToken).where(RevokedToken.expires_at < now - _KEPT_BEYOND)
    outlived = delete(TokensValidAfter).where(TokensValidAfter.valid_after < now - LONGEST_TOKEN_LIFE - _KEPT_BEYOND)
    return sum(session.connection().execute(statement).rowcount for statement in (ended, outlived))


def _hash_of(principal: Principal) -> str:
    return _hash(f"{principal.kind}:{principal.name}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
