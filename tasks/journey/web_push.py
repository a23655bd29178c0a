"""The tasks that tell browsers whose page is closed. Nothing where no push service is named, or the journey is off."""

from uuid import UUID

from core.logs import get_logger
from core.names import Task
from services.journey.web_push.sending import forget_ended, list_due
from tasks.app import app
from tasks.runtime import runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)

_BATCH = 500


@app.task(name=Task.SEND_WEB_PUSH)
def send_web_push(user_id: str) -> None:
    """Tell a person's browsers their newest notification. Twice at once, each browser is told by one; the sweep makes
    up for a message that was lost."""
    sender = runtime().web_push
    if sender is None:
        return
    try:
        sender.tell(UUID(user_id), lambda: not is_stopping())
    except Exception as exc:  # noqa: BLE001 the edge of a task: Celery would log the error's text, which may quote rows
        log.error("web_push_broke_off", error=type(exc).__name__)  # noqa: TRY400 no text


@app.task(name=Task.SWEEP_WEB_PUSH)
def sweep_web_push() -> None:
    """Have sent what is due: what a push service did not take, and what no task came for. Twice is once."""
    here = runtime()
    if here.web_push is None:
        return
    with here.stores.unit_of_work() as work:
        forget_ended(work.session)
        due = list_due(work.session, here.stores.web_push.key_id, here.stores.clock.now(), _BATCH)
        for user_id in due if not is_stopping() else ():
            work.send(Task.SEND_WEB_PUSH, str(user_id), "")
    if due:
        log.info("web_push_swept", count=len(due))
