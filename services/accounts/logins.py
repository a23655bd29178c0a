"""Logins of every kind of principal: opened, looked up at each use, renewed by refresh tokens, taken back.

PostgreSQL decides, and its clock: two web processes with clocks apart must agree on what came first, and an emptied
Redis lets nobody in. Of refresh tokens only hashes of their ids are kept.

Errors: LoginError (not retryable) > LoginEnded, RefreshReused.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import and_, bindparam, delete, func, not_, or_, select, update
from sqlalchemy.orm import Session

from models.accounts import Account, Login, RevokedWhy, Scope
from services.delivery.unit_of_work import Work

# A use is written down at most this often: a page that asks every second would write a row each time.
_SEEN_EVERY = timedelta(seconds=30)
# Beyond the life of every token that names the login.
_KEPT_AFTER_END = timedelta(days=30)
_REPLIES_KEPT = timedelta(minutes=5)
# Made once, and of columns: each request asks it.
_HELD = (
    select(
        Login.kind,
        Login.principal_id,
        Login.second_factor,
        Login.last_seen_at,
        Account.is_active,
        Account.role,
        Account.name,
        func.clock_timestamp().label("now"),
    )
    .outerjoin(Account, Account.account_id == Login.principal_id)
    .where(Login.sid == bindparam("sid"), Login.scope == bindparam("scope"), Login.revoked_at.is_(None))
)


class LoginError(Exception):
    """The login opens nothing."""

    retryable = False


class LoginEnded(LoginError):
    """Taken back, unknown, or idle for too long."""


class RefreshReused(LoginError):
    """A refresh token that was exchanged already: somebody has a copy, so the whole login has been taken back."""


@dataclass(frozen=True)
class LoginState:
    """A login that holds. `role` is the account's of this moment, None for principals that have no account."""

    sid: UUID
    kind: str
    principal_id: UUID
    scope: Scope
    role: str | None
    name: str | None
    second_factor: bool


def open_login(
    session: Session,
    kind: str,
    principal_id: UUID,
    scope: Scope,
    *,
    refresh_id: str | None = None,
    device_id: str | None = None,
    platform: str | None = None,
    second_factor: bool = False,
) -> UUID:
    """The `sid` for its tokens. `refresh_id` is the id (`jti`) of its first refresh token, if it has one."""
    sid = uuid4()
    session.add(
        Login(
            sid=sid,
            kind=kind,
            principal_id=principal_id,
            scope=scope,
            refresh_hash=refresh_id and hash_token_id(refresh_id),
            device_id=device_id,
            platform=platform,
            second_factor=second_factor,
        )
    )
    session.flush()
    return sid


def check_login(
    session: Session, sid: UUID, scope: Scope, *, idle: timedelta | None = None, is_use: bool = True
) -> LoginState:
    """Look at a login at its use, and note the use. `idle`: unused for so long it has ended. `is_use`: false where only
    a program asks, whose looks must not keep a login alive that nobody uses.

    Raises LoginEnded, also for an account that was disabled and for a login of another scope.
    """
    row = session.execute(_HELD, {"sid": sid, "scope": scope}).one_or_none()
    if row is None:
        raise LoginEnded("taken back, or unknown")
    if idle is not None and row.last_seen_at < row.now - idle:
        raise LoginEnded("unused for too long")
    if row.is_active is False:  # None of a principal without an account
        raise LoginEnded("the account is disabled")
    if is_use and row.last_seen_at < row.now - _SEEN_EVERY:
        note_use(session, sid, row.now)
    return LoginState(
        sid=sid,
        kind=row.kind,
        principal_id=row.principal_id,
        scope=scope,
        role=row.role,
        name=row.name,
        second_factor=row.second_factor,
    )


def find_held(session: Session, sids: Collection[UUID], scope: Scope) -> set[UUID]:
    """Those of them that hold, with one question for all; no use is noted."""
    is_out = and_(Account.account_id.is_not(None), Account.is_active.is_(False))
    query = (
        select(Login.sid)
        .outerjoin(Account, Account.account_id == Login.principal_id)
        .where(Login.sid.in_(sids), Login.scope == scope, Login.revoked_at.is_(None), not_(is_out))
    )
    return set(session.scalars(query))


def note_use(session: Session, sid: UUID, now: datetime) -> None:
    """Never backwards, and nothing for one that was taken back meanwhile."""
    later = func.greatest(Login.last_seen_at, now)
    session.execute(update(Login).where(Login.sid == sid, Login.revoked_at.is_(None)).values(last_seen_at=later))


def lock_login(session: Session, sid: UUID) -> Login:
    """Raises LoginEnded for one that cannot be renewed: taken back, unknown, or never given a refresh token."""
    query = select(Login).where(Login.sid == sid).with_for_update().execution_options(populate_existing=True)
    login = session.scalar(query)
    if login is None or login.revoked_at is not None or login.refresh_hash is None:
        raise LoginEnded("taken back, or unknown")
    return login


def rotate_refresh(session: Session, sid: UUID, refresh_id: str, new_id: str) -> Login:
    """Exchange the refresh token that holds for a new one: the old one ends.

    Raises LoginEnded. Raises RefreshReused for one that was exchanged before, after taking the login back: commit all
    the same, as who presents it last may be the thief or the owner.
    """
    login = lock_login(session, sid)
    if login.refresh_hash != hash_token_id(refresh_id):
        revoke_login(session, sid, RevokedWhy.REFRESH_REUSED)
        raise RefreshReused("it was exchanged before")
    login.previous_hash, login.refresh_hash = login.refresh_hash, hash_token_id(new_id)
    login.last_seen_at = func.clock_timestamp()
    session.flush()
    return login


def note_second_factor(session: Session, sid: UUID) -> None:
    """Its holder has just confirmed one."""
    session.execute(update(Login).where(Login.sid == sid).values(second_factor=True))


def revoke_login(session: Session, sid: UUID, why: RevokedWhy) -> bool:
    """Whether it held until now."""
    ended = update(Login).where(Login.sid == sid, Login.revoked_at.is_(None))
    values = {"revoked_at": func.clock_timestamp(), "revoked_why": why}
    return session.scalar(ended.values(values).returning(Login.sid)) is not None


def revoke_logins(session: Session, principal_id: UUID, why: RevokedWhy, *, keep: UUID | None = None) -> list[UUID]:
    """All of a principal but `keep`; the `sid` of each that held until now, so that its sockets can be closed."""
    conditions = [Login.principal_id == principal_id, Login.revoked_at.is_(None)]
    if keep is not None:
        conditions.append(Login.sid != keep)
    values = {"revoked_at": func.clock_timestamp(), "revoked_why": why}
    return list(session.scalars(update(Login).where(*conditions).values(values).returning(Login.sid)))


def end_login(work: Work, sid: UUID, why: RevokedWhy) -> bool:
    """Take it back, and close its sockets on every process. Whether it held until now."""
    held = revoke_login(work.session, sid, why)
    work.end_login(sid)
    return held


def end_logins(work: Work, principal_id: UUID, why: RevokedWhy, *, keep: UUID | None = None) -> int:
    """The same for all of a principal but `keep`; how many held until now."""
    ended = revoke_logins(work.session, principal_id, why, keep=keep)
    for sid in ended:
        work.end_login(sid)
    return len(ended)


def forget_logins(session: Session) -> int:
    """Delete those that nobody can use any more, and answers that are repeated no more; how many logins."""
    outdated = Login.refreshed_at < func.now() - _REPLIES_KEPT
    session.execute(
        update(Login)
        .where(Login.refresh_reply.is_not(None), outdated)
        .values(refresh_reply=None, refresh_key_hash=None)
    )
    before = func.now() - _KEPT_AFTER_END
    ended = or_(Login.revoked_at < before, and_(Login.revoked_at.is_(None), Login.last_seen_at < before))
    return session.connection().execute(delete(Login).where(ended)).rowcount


def hash_token_id(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()
