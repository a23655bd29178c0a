"""Exchanging a refresh token for a new pair, once; whoever shows one again loses the whole login.

An answer can be lost on its way. So the same token, shown again with the same idempotency key within a minute and
while the answer's own refresh token is unused, is answered by the same pair. Without the key, or for tokens further
back, a grace would let a thief in.

Errors: those of `services.accounts.logins`, and RefreshKeyMismatch (not retryable).
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.sealing import Sealer, SealError
from models.accounts import Login
from services.accounts.logins import RefreshReused, hash_token_id, lock_login, rotate_refresh
from services.delivery.unit_of_work import Work

GRACE = timedelta(seconds=60)


class RefreshKeyMismatch(Exception):
    """The idempotency key went with another refresh token before."""

    retryable = False


@dataclass(frozen=True)
class ShownRefresh:
    """A refresh token whose signature holds: its login, its id, and the idempotency key that came with it."""

    sid: UUID
    token_id: str
    key: str | None = None


@dataclass(frozen=True)
class TokenPair:
    """Of one login. `refresh_id` is the refresh token's own id."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    refresh_id: str = field(repr=False)


@dataclass(frozen=True)
class Exchanged:
    """`is_replayed`: the pair was given before, and is given once more."""

    pair: TokenPair
    is_replayed: bool = False


def exchange_refresh(work: Work, sealer: Sealer, shown: ShownRefresh, issue: Callable[[Login], TokenPair]) -> Exchanged:
    """Raises LoginEnded and RefreshKeyMismatch. Raises RefreshReused after taking the login back: commit all the same.

    Two that come at once wait for each other at the login's row.
    """
    login = lock_login(work.session, shown.sid)
    kept = _find_kept(work.session, sealer, login, shown)
    if kept is not None:
        return Exchanged(kept, is_replayed=True)
    pair = issue(login)
    try:
        rotate_refresh(work.session, shown.sid, shown.token_id, pair.refresh_id)
    except RefreshReused:
        work.end_login(shown.sid)
        raise
    login.refreshed_at = func.clock_timestamp()
    login.refresh_key_hash = _hash_key(shown.key) if shown.key else None
    login.refresh_reply = sealer.seal_text(json.dumps(asdict(pair)), _context_of(shown.sid)) if shown.key else None
    work.session.flush()
    return Exchanged(pair)


def _find_kept(session: Session, sealer: Sealer, login: Login, shown: ShownRefresh) -> TokenPair | None:
    if shown.key is None or login.refresh_reply is None or login.refresh_key_hash != _hash_key(shown.key):
        return None
    fresh = select(func.clock_timestamp() - Login.refreshed_at < GRACE).where(Login.sid == login.sid)
    if not session.scalar(fresh):
        return None
    if hash_token_id(shown.token_id) == login.refresh_hash:
        raise RefreshKeyMismatch("this key went with an earlier token")
    if hash_token_id(shown.token_id) != login.previous_hash:
        return None
    try:
        return TokenPair(**json.loads(sealer.open_text(login.refresh_reply, _context_of(login.sid))))
    except SealError:
        return None


def _hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _context_of(sid: UUID) -> str:
    return f"refresh:{sid}"
