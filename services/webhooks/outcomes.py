"""Writes the messages about a session's outcome, in the transaction of that outcome: none is lost, none is early.

Follows the sessions' events, as `services.stores` wires it: the collection knows nothing of webhooks.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from core.names import Event, Status, Task
from models.webhooks import WebhookKind
from services.delivery.unit_of_work import Work

# The task that is sent after the commit is first; what is lost on its way is found by beat's job.
_SWEPT_AFTER = timedelta(seconds=30)
# What other systems are told: by type and status, as an event may also tell the status that a session already had. A
# person who goes on after an error may complete all the same.
_OUTCOMES: Mapping[tuple[str, str | None], WebhookKind] = {
    (Event.STREAMING_STATUS, Status.COMPLETED): WebhookKind.COMPLETED,
    (Event.ERROR, Status.ERROR): WebhookKind.FAILED,
    (Event.COLLECTION_ERROR, Status.ERROR): WebhookKind.FAILED,
    (Event.EXPIRED, Status.EXPIRED): WebhookKind.FAILED,
}
# Codes and statuses: nothing that tells of a person.
_TOLD_OF_DATA = ("code",)

_WRITE = text("""
    insert into welno.welno_webhook_deliveries (id, webhook_id, session_id, kind, body, due_at)
    select gen_random_uuid(), id, :session_id, :kind, :body, :due_at from welno.welno_webhooks where disabled_at is null
    returning id
""")


def queue_outcome(work: Work, _subject: str, event: Mapping[str, Any]) -> None:
    """Where a session's event is an outcome, one message for each receiver."""
    kind = _OUTCOMES.get((event["type"], event.get("status")))
    if kind is None:
        return
    data = event.get("data") or {}
    facts = {"status": event["status"]} | {name: data[name] for name in _TOLD_OF_DATA if name in data}
    body = {
        "type": kind.value,
        "timestamp": event["timestamp"],
        "data": {"session_id": event["session_id"], **facts},
    }
    written = {
        "session_id": UUID(event["session_id"]),
        "kind": kind.value,
        "body": orjson.dumps(body).decode(),
        "due_at": datetime.fromisoformat(event["timestamp"]) + _SWEPT_AFTER,
    }
    for delivery_id in work.session.scalars(_WRITE, written):
        work.send(Task.SEND_WEBHOOK, str(delivery_id), "")
