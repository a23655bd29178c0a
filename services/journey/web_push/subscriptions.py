"""Which browsers are told: a row each, sealed, for as long as the login that subscribed it.

Errors: InvalidPushKey (not retryable): the browser's public key is no point of P-256.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.base64url import encode_bytes
from core.sealing import Sealer, SealError
from models.accounts import Login
from models.journey import Notification, WebPushSubscription
from services.accounts.logins import LoginEnded
from services.patients.pseudonyms import PseudonymOf, pseudonym_of

PUBLIC_KEY_BYTES = 65
AUTH_BYTES = 16
# Of one person: each notification is sent to all of them.
_MOST_BROWSERS = 5


class InvalidPushKey(Exception):
    retryable = False


@dataclass(frozen=True, slots=True, repr=False)
class PushTarget:
    """What a browser's `PushSubscription` says (W3C Push API). Who knows the endpoint can have this browser told.

    `public_key`: an uncompressed point of P-256, 65 bytes. `auth`: 16 bytes. Both in base64url here.
    """

    endpoint: str
    public_key: str
    auth: str


class WebPushSubscriptions:
    """Built once from the settings; every method works in the transaction of its session. `key_id` is of the server's
    pair of keys; empty where web push is off."""

    def __init__(self, sealer: Sealer, pseudonym_key: str, key_id: str) -> None:
        self._sealer = sealer
        self._key = pseudonym_key
        self.key_id = key_id

    def keep(self, session: Session, sid: UUID, user_id: UUID, target: PushTarget) -> None:
        """In the place of what the login, or the browser, had before; of a person's the newest few are kept. What they
        were told until now is not told again. Raises LoginEnded."""
        held = select(Login.sid).where(Login.sid == sid, Login.revoked_at.is_(None)).with_for_update(key_share=True)
        if session.scalar(held) is None:
            raise LoginEnded("taken back meanwhile")
        endpoint_hash = pseudonym_of(self._key, PseudonymOf.PUSH_ENDPOINT, target.endpoint)
        # Two browsers that change places must not wait for each other.
        theirs = or_(WebPushSubscription.user_id == user_id, WebPushSubscription.endpoint_hash == endpoint_hash)
        rows = select(WebPushSubscription).where(theirs).order_by(WebPushSubscription.endpoint_hash).with_for_update()
        present = session.scalars(rows.execution_options(populate_existing=True)).all()
        self._drop_beyond(session, [row for row in present if row.endpoint_hash != endpoint_hash], sid)
        told = select(func.coalesce(func.max(Notification.id), 0)).where(Notification.user_id == user_id)
        row = {
            "sid": sid,
            "user_id": user_id,
            "key_id": self.key_id,
            "sealed": self._seal(target, endpoint_hash),
            "told_id": told.scalar_subquery(),
            "claimed_until": None,
            "last_result": None,
            "created_at": func.now(),
        }
        written = insert(WebPushSubscription).values(endpoint_hash=endpoint_hash, **row)
        session.execute(written.on_conflict_do_update(index_elements=["endpoint_hash"], set_=row))

    def _drop_beyond(self, session: Session, others: Sequence[WebPushSubscription], sid: UUID) -> None:
        of_login = [row for row in others if row.sid == sid]
        older = sorted((row for row in others if row.sid != sid), key=lambda row: row.created_at, reverse=True)
        for row in [*of_login, *older[_MOST_BROWSERS - 1 :]]:
            session.delete(row)
        session.flush()

    def is_kept(self, session: Session, sid: UUID) -> bool:
        """With the key of now."""
        mine = (WebPushSubscription.sid == sid) & (WebPushSubscription.key_id == self.key_id)
        query = select(WebPushSubscription.endpoint_hash).where(mine)
        return session.scalar(query) is not None

    def drop(self, session: Session, sid: UUID) -> None:
        """Twice is once."""
        session.execute(delete(WebPushSubscription).where(WebPushSubscription.sid == sid))

    def open(self, row: WebPushSubscription) -> PushTarget:
        """Raises SealError."""
        opened = orjson.loads(self._sealer.open(row.sealed, subscription_context(row.endpoint_hash)))
        try:
            return PushTarget(**opened)
        except TypeError as exc:
            raise SealError("another form than this release writes") from exc

    def _seal(self, target: PushTarget, endpoint_hash: str) -> bytes:
        plain = orjson.dumps({"endpoint": target.endpoint, "public_key": target.public_key, "auth": target.auth})
        return self._sealer.seal(plain, subscription_context(endpoint_hash))


def has_browser(session: Session, user_id: UUID) -> bool:
    """Whether a person has one to tell."""
    theirs = select(WebPushSubscription.endpoint_hash).where(WebPushSubscription.user_id == user_id)
    return session.scalar(theirs.limit(1)) is not None


def make_target(endpoint: str, public_key: bytes, auth: bytes) -> PushTarget:
    """Raises InvalidPushKey."""
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
    except ValueError as exc:
        raise InvalidPushKey from exc
    return PushTarget(endpoint, encode_bytes(public_key), encode_bytes(auth))


def subscription_context(endpoint_hash: str) -> str:
    """What the seal is bound to."""
    return f"web_push_subscription:{endpoint_hash}"
