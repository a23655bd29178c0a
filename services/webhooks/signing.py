"""The headers of a message, by Standard Webhooks: HMAC-SHA256 of its id, the attempt's time and the body."""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from standardwebhooks import Webhook as WebhookSigner

_SECRET_BYTES = 32  # the standard allows 24 to 64


def new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def secret_context(webhook_id: UUID) -> str:
    """What the sealed secret is bound to."""
    return f"webhook:{webhook_id}"


def signed_headers(secret: str, message_id: str, at: datetime, body: str) -> Mapping[str, str]:
    """`at`: aware, of this attempt."""
    return {
        "content-type": "application/json",
        "user-agent": "welno-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": WebhookSigner(secret).sign(message_id, at.astimezone(UTC), body),
    }
