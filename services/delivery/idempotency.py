"""Idempotency keys: a call that comes again under its key gets the reply of the first, from the same transaction.

The key's row is written before anything else, so a second call waits there until the first has committed, or takes its
place when it was rolled back: a refusal is not stored. First in every order of locks.

Errors: KeyOfAnotherCall (not retryable): the key was used with another body.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from models.delivery import IdempotencyKey

KEYS_HOLD = timedelta(hours=24)
_CLAIM = text("""
    insert into welno.idempotency_keys as known (actor, key_hash, fingerprint, created_at)
    values (:actor, :key_hash, :fingerprint, :now)
    on conflict (actor, key_hash) do update
    set fingerprint = excluded.fingerprint, status = null, reply = null, created_at = excluded.created_at
    where known.created_at <= :outdated
    returning 1
""")


class KeyOfAnotherCall(Exception):
    """The same actor used the key for something else."""

    retryable = False


@dataclass(frozen=True)
class CallKey:
    """`actor` is whoever calls, `fingerprint` what is called with which body: see `fingerprint_of`."""

    actor: str
    key: str = field(repr=False)
    fingerprint: str

    @property
    def key_hash(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()


@dataclass(frozen=True)
class StoredReply:
    """As it was given the first time. `body` is JSON."""

    status: int
    body: Any


def fingerprint_of(*parts: Any) -> str:
    """Equal for equal calls; `parts` are JSON, in which the order of a mapping's keys says nothing."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def claim_key(session: Session, call: CallKey, now: datetime) -> StoredReply | None:
    """None: it is this transaction's to do, and to `store_reply`. Waits for whoever is doing it now.

    Raises KeyOfAnotherCall.
    """
    parameters = {
        "actor": call.actor,
        "key_hash": call.key_hash,
        "fingerprint": call.fingerprint,
        "now": now,
        "outdated": now - KEYS_HOLD,
    }
    if session.execute(_CLAIM, parameters).scalar_one_or_none() is not None:
        return None
    stored = session.execute(select(IdempotencyKey).where(*_is(call))).scalar_one()
    if stored.fingerprint != call.fingerprint:
        raise KeyOfAnotherCall("the key was used with another body")
    return StoredReply(stored.status or 200, orjson.loads(stored.reply or "null"))


def is_claimed(session: Session, call: CallKey, now: datetime) -> bool:
    """Whether there is a call under the key that holds, whatever its body. For what is refused before the body is
    known: a call that comes again must not be."""
    known = select(IdempotencyKey.created_at).where(*_is(call), IdempotencyKey.created_at > now - KEYS_HOLD)
    return session.scalar(known) is not None


def store_reply(session: Session, call: CallKey, status: int, body: Any) -> None:
    """With the change itself: whoever asks again is told this."""
    values = {"status": status, "reply": orjson.dumps(body).decode()}
    session.connection().execute(update(IdempotencyKey).where(*_is(call)).values(values))


def forget_keys(session: Session, now: datetime) -> int:
    """Delete those that hold no longer; how many. Repeatable."""
    outdated = delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEYS_HOLD)
    return session.connection().execute(outdated).rowcount


def _is(call: CallKey) -> tuple[Any, ...]:
    return IdempotencyKey.actor == call.actor, IdempotencyKey.key_hash == call.key_hash
