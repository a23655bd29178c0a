"""What is erased of the messages about a person's sessions: all, also those that have not been sent yet."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete

from models.webhooks import WebhookDelivery
from services.delivery.unit_of_work import Work
from services.patients.erasing import ErasedPerson, RowEraser


def _erase_deliveries(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    """They would go with their runs, by the database, and be counted nowhere."""
    theirs = delete(WebhookDelivery).where(WebhookDelivery.session_id.in_(person.session_ids))
    return {"webhook_deliveries": work.session.connection().execute(theirs).rowcount}


WEBHOOKS_ERASER = RowEraser("webhooks", frozenset({WebhookDelivery.__tablename__}), _erase_deliveries)
