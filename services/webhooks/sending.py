"""Sends a message, notes what came of it, and when it is tried again: at least once, for 24 hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import httpx
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.clock import Clock
from core.logs import get_logger
from core.sealing import Sealer, SealError
from models.webhooks import Webhook, WebhookDelivery
from services.delivery.unit_of_work import UnitOfWork
from services.webhooks.signing import secret_context, signed_headers
from upstream.http.exchange import ExchangeError, ExchangeLimits, send

log = get_logger(__name__)

# docs/integration.md promises them. A worker that stops lets its tasks end, and needs half of its ten seconds for all
# else that it does.
_LIMITS = ExchangeLimits(total_seconds=4, max_response_bytes=64 * 1024)
_CLAIM = timedelta(seconds=60)
# As Standard Webhooks propose; together 24 hours.
_PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600, 8 * 3600 + 1495)
)
_GONE = 410
_UNSEALABLE = "secret_unreadable"


@dataclass(frozen=True, slots=True)
class _Message:
    id: UUID
    webhook_id: UUID
    url: str
    sealed_secret: bytes
    body: str
    claimed_until: datetime


def send_message(unit_of_work: UnitOfWork, http: httpx.Client, sealer: Sealer, clock: Clock, delivery_id: UUID) -> None:
    """One attempt. Nothing where the message has ended, or somebody else may be sending it."""
    with unit_of_work() as work:
        message = _claim(work.session, delivery_id, clock.now())
    if message is None:
        return
    result = _post(http, sealer, message, clock.now())
    with unit_of_work() as work:
        _note(work.session, message, result, clock.now())


def list_due(session: Session, now: datetime, limit: int) -> Sequence[UUID]:
    """Messages whose attempt is due and that nobody is sending."""
    free = or_(WebhookDelivery.claimed_until.is_(None), WebhookDelivery.claimed_until < now)
    due = select(WebhookDelivery.id).where(WebhookDelivery.ended_at.is_(None), WebhookDelivery.due_at <= now, free)
    return session.scalars(due.order_by(WebhookDelivery.due_at).limit(limit)).all()


def _claim(session: Session, delivery_id: UUID, now: datetime) -> _Message | None:
    row = session.get(WebhookDelivery, delivery_id, with_for_update={"skip_locked": True})
    if row is None or row.ended_at is not None or (row.claimed_until is not None and row.claimed_until > now):
        return None
    webhook = session.get_one(Webhook, row.webhook_id)
    if webhook.disabled_at is not None:
        row.ended_at = now
        return None
    row.attempts += 1
    row.claimed_until = now + _CLAIM
    row.due_at = now + _CLAIM
    return _Message(row.id, webhook.id, webhook.url, webhook.secret, row.body, row.claimed_until)


def _post(http: httpx.Client, sealer: Sealer, message: _Message, now: datetime) -> str:
    """The HTTP status, or the word for what kept it from coming."""
    try:
        secret = sealer.open(message.sealed_secret, secret_context(message.webhook_id)).decode()
        headers = signed_headers(secret, str(message.id), now, message.body)
        request = http.build_request("POST", message.url, headers=headers, content=message.body.encode())
        return str(send(http, request, _LIMITS).status)
    except ExchangeError as exc:
        return exc.reason
    except SealError:
        return _UNSEALABLE


def _note(session: Session, message: _Message, result: str, now: datetime) -> None:
    row = session.get(WebhookDelivery, message.id, with_for_update=True)
    if row is None:  # removed meanwhile, with its receiver or its session
        return
    if row.claimed_until != message.claimed_until:  # `resend` or another attempt counts now, whatever came of this one
        log.info("webhook_attempt_overtaken", delivery_id=str(row.id), result=result)
        return
    row.claimed_until, row.last_result = None, result
    if result.startswith("2"):
        row.is_delivered, row.ended_at = True, now
    elif result == str(_GONE):
        session.get_one(Webhook, message.webhook_id).disabled_at = row.ended_at = now
    elif row.attempts > len(_PAUSES):
        row.ended_at = now
    else:
        row.due_at = now + _PAUSES[row.attempts - 1]
    told = {"delivery_id": str(row.id), "webhook_id": str(row.webhook_id), "attempt": row.attempts, "result": result}
    log.info("webhook_attempted", delivered=row.is_delivered, ended=row.ended_at is not None, **told)
