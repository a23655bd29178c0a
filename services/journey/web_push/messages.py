"""A message to a push service: encrypted for the browser alone (RFC 8291), signed by our own key (VAPID, RFC 8292).

The push service learns that this server has something to say to this browser, and nothing of what.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import http_ece
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.allowed_hosts import origin_of
from core.base64url import decode_bytes, encode_bytes
from models.journey import Notification
from services.journey.web_push.subscriptions import PushTarget

# All of one length, or it would tell the kinds apart. The longest notification is half as long.
_PLAIN_BYTES = 512
# At most a day (RFC 8292, section 2); a host's clock may be off by hours.
_SIGNED_FOR = timedelta(hours=12)
_TOPIC_BYTES = 18
_EMAIL = re.compile(r"[^@\s:<>]+@[^@\s:<>]+\.[^@\s:<>]+")


class PushKey:
    """The server's pair of keys: `text` is the private one, 32 bytes in base64url."""

    def __init__(self, text: str) -> None:
        self._private = ec.derive_private_key(int.from_bytes(decode_bytes(text, 32) or b""), ec.SECP256R1())

    @property
    def id(self) -> str:
        """Tells this pair from another one."""
        return hashlib.sha256(self.public_key.encode()).hexdigest()[:16]

    @property
    def public_key(self) -> str:
        """As browsers want it for `applicationServerKey`: the uncompressed point in base64url."""
        point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return encode_bytes(point)

    def authorization(self, endpoint: str, contact: str | None, now: datetime) -> str:
        """The header's value."""
        claims = {"aud": origin_of(endpoint), "exp": int((now + _SIGNED_FOR).timestamp())}
        token = jwt.encode(claims | ({"sub": contact} if contact else {}), self._private, algorithm="ES256")
        return f"vapid t={token}, k={self.public_key}"


@dataclass(frozen=True, slots=True, repr=False)
class PushMessage:
    """A request's headers and body."""

    headers: Mapping[str, str]
    body: bytes


def make_message(
    key: PushKey, target: PushTarget, notification: Notification, contact: str | None, now: datetime, ttl: timedelta
) -> PushMessage:
    """`ttl`: how long the push service keeps it for a browser that it cannot reach. Raises ECEException."""
    headers = {
        "authorization": key.authorization(target.endpoint, contact, now),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "topic": _topic_of(notification),
        "ttl": str(max(1, int(ttl.total_seconds()))),
        "urgency": "high",
    }
    told = {
        "id": notification.id,
        "kind": notification.kind,
        "body": notification.body,
        "queue_id": notification.queue_id and str(notification.queue_id),
    }
    return PushMessage(headers, _encrypt(target, orjson.dumps(told).ljust(_PLAIN_BYTES)))


def contact_of(contact: str, origins: Collection[str]) -> str | None:
    """Whom a push service tells of trouble (`sub`; Apple's refuses a message without): an e-mail address, or where the
    product is found."""
    if _EMAIL.fullmatch(contact):
        return f"mailto:{contact}"
    return next((origin for origin in origins if origin.startswith("https://")), None)


def _topic_of(notification: Notification) -> str:
    """A message that the browser has not fetched is replaced by the next one of the same place in a line: a withdrawn
    call is not shown late, and no other line hides a call. At most 32 letters of base64url (RFC 8030, section 5.4)."""
    about = b"" if notification.queue_id is None else notification.queue_id.bytes
    return encode_bytes(hashlib.sha256(b"web_push_topic\x1f" + about).digest()[:_TOPIC_BYTES])


def _encrypt(target: PushTarget, plain: bytes) -> bytes:
    encrypted: bytes = http_ece.encrypt(
        plain,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decode_bytes(target.public_key),
        auth_secret=decode_bytes(target.auth),
        version="aes128gcm",
    )
    return encrypted
