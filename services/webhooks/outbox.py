"""Writes the messages about a session's outcome, in the transaction of that outcome: none is lost, none is early."""

from datetime import datetime, timedelta
from uuid import UUID

import orjson
from sqlalchemy import text

from core.names import Task
from models.webhooks import WebhookKind
from services.delivery.unit_of_work import Work

# The task that is sent after the commit is first; what is lost on its way is found by beat's job.
_SWEPT_AFTER = timedelta(seconds=30)

_WRITE = text("""
    insert into welno.welno_webhook_deliveries (id, webhook_id, session_id, kind, body, due_at)
    select gen_random_uuid(), id, :session_id, :kind, :body, :due_at from welno.welno_webhooks where disabled_at is null
    returning id
""")


def queue_outcome(work: Work, kind: WebhookKind, session_id: UUID, facts: dict[str, str], now: datetime) -> None:
    """One message for each receiver. `facts` are codes and statuses: nothing that tells of a person."""
    body = {
        "type": kind.value,
        "timestamp": now.isoformat(timespec="milliseconds"),
        "data": {"session_id": str(session_id), **facts},
    }
    written = {
        "session_id": session_id,
        "kind": kind.value,
        "body": orjson.dumps(body).decode(),
        "due_at": now + _SWEPT_AFTER,
    }
    for delivery_id in work.session.scalars(_WRITE, written):
        work.send(Task.SEND_WEBHOOK, str(delivery_id), "")
