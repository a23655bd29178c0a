"""The tasks that tell receivers of webhooks how sessions ended."""

from uuid import UUID

from core.logs import get_logger
from core.names import Task
from services.webhooks.sending import list_due, send_message
from tasks.app import app
from tasks.runtime import runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)

_BATCH = 500


@app.task(name=Task.SEND_WEBHOOK)
def send_webhook(delivery_id: str) -> None:
    """One attempt. Twice at once, the second finds it claimed; the sweep makes up for a message that was lost."""
    here = runtime()
    stores = here.stores
    try:
        send_message(stores.unit_of_work, here.webhooks_http, stores.sealer, stores.clock, UUID(delivery_id))
    except Exception as exc:  # noqa: BLE001 the edge of a task: Celery would log the error's text, which may quote rows
        log.error("webhook_broke_off", delivery_id=delivery_id, error=type(exc).__name__)  # noqa: TRY400 no text


@app.task(name=Task.SWEEP_WEBHOOKS)
def sweep_webhooks() -> None:
    """Have what is due sent: later attempts, and messages whose task was lost. Twice is once."""
    stores = runtime().stores
    with stores.unit_of_work() as work:
        due = list_due(work.session, stores.clock.now(), _BATCH)
        for delivery_id in due if not is_stopping() else ():
            work.send(Task.SEND_WEBHOOK, str(delivery_id), "")
    if due:
        log.info("webhooks_swept", count=len(due))
