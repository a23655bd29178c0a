"""What operators do with webhooks.

Errors:
    WebhookNotFound
    WebhookDisabled     its receiver has answered 410
    InvalidWebhookUrl   the sentence says why
"""

import socket
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.networks import AllowedAddresses
from core.sealing import Sealer
from models.webhooks import Webhook, WebhookDelivery
from services.webhooks.signing import new_secret, secret_context

_LONGEST_URL = 2000
PUBLIC_ONLY = AllowedAddresses()


class WebhookNotFound(Exception):
    pass


class WebhookDisabled(Exception):
    pass


class InvalidWebhookUrl(Exception):
    pass


class AddedWebhook(NamedTuple):
    """`secret` is told this once. `unknown_host`: the address's own, where nobody knows it now."""

    id: UUID
    secret: str
    unknown_host: str | None = None


def add_webhook(session: Session, sealer: Sealer, url: str, allowed: AllowedAddresses = PUBLIC_ONLY) -> AddedWebhook:
    """A host that nobody knows yet is taken, and told: where it leads to is judged again at each message. Raises
    InvalidWebhookUrl."""
    host = _check(url)
    is_known = _check_reach(host, allowed)
    added = AddedWebhook(uuid4(), new_secret(), None if is_known else host)
    sealed = sealer.seal(added.secret.encode(), secret_context(added.id))
    session.add(Webhook(id=added.id, url=url, secret=sealed))
    return added


def list_webhooks(session: Session) -> Sequence[Webhook]:
    return session.scalars(select(Webhook).order_by(Webhook.created_at)).all()


def remove_webhook(session: Session, webhook_id: UUID) -> None:
    """With its messages, sent or not. Raises WebhookNotFound."""
    if session.scalar(delete(Webhook).where(Webhook.id == webhook_id).returning(Webhook.id)) is None:
        raise WebhookNotFound(str(webhook_id))


def read_log(session: Session, webhook_id: UUID | None, limit: int) -> Sequence[WebhookDelivery]:
    """The newest messages first."""
    query = select(WebhookDelivery).order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id).limit(limit)
    return session.scalars(query if webhook_id is None else query.where(WebhookDelivery.webhook_id == webhook_id)).all()


def enable(session: Session, webhook_id: UUID) -> None:
    """Tell it of what ends from now on; what it was not told meanwhile waits for `resend`. Raises WebhookNotFound."""
    enabled = update(Webhook).where(Webhook.id == webhook_id).values(disabled_at=None).returning(Webhook.id)
    if session.scalar(enabled) is None:
        raise WebhookNotFound(str(webhook_id))


def resend(session: Session, delivery_id: UUID, now: datetime) -> None:
    """Begin its attempts anew, also when it was delivered: the receiver knows it by its id. What comes of an attempt
    under way counts no more. Raises WebhookNotFound, WebhookDisabled."""
    row = session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if row is None:
        raise WebhookNotFound(str(delivery_id))
    if session.get_one(Webhook, row.webhook_id).disabled_at is not None:
        raise WebhookDisabled(str(row.webhook_id))
    row.attempts, row.due_at, row.ended_at, row.claimed_until = 0, now, None, None
    row.is_delivered = False


def _check(url: str) -> str:
    """The host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise InvalidWebhookUrl("this is no address") from exc
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidWebhookUrl("the address must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidWebhookUrl("the address must hold neither a password nor a fragment")
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or port == 0:
        raise InvalidWebhookUrl(f"the address must be plain ASCII, of at most {_LONGEST_URL} characters")
    return parts.hostname


def _check_reach(host: str, allowed: AllowedAddresses) -> bool:
    """Whether it leads anywhere now. Raises InvalidWebhookUrl where that is inside."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    inside = sorted({str(address[0]) for *_, address in found if not allowed.holds(str(address[0]))})
    if inside:
        raise InvalidWebhookUrl(
            f"{host} leads to {', '.join(inside)}, which is not public: give another address, or name the network in"
            " WELNO_WEBHOOK_NETWORKS, here and for the workers"
        )
    return True
