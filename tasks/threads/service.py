"""What the back end does as a member of threads: seeing to their keys, and sending records. Arguments are ids alone."""

from uuid import UUID

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.threads.record_sending import RecordSender, give_up_sendings, resend_sendings
from services.threads.tending import ThreadTender
from tasks.app import app
from tasks.runtime import runtime

log = get_logger(__name__)


@app.task(name=Task.TEND_THREADS_OF_DEVICE)
def tend_threads_of_device(device_id: str) -> None:
    """After a device came or went. Twice is once; what is lost is made up for by the sweep."""
    log.info("threads_tended", device_id=device_id, count=_tender().tend_of_device(UUID(device_id)))


@app.task(name=Task.TEND_DUE_THREADS)
def tend_due_threads() -> None:
    """Make the keys and wraps that are due or missing, and send sendings again that nobody carries out, or give them
    up. Twice is once, also at once."""
    here = runtime().stores
    given_up = give_up_sendings(here.threads, clock.now())
    with here.unit_of_work() as work:
        sent = resend_sendings(work, clock.now())
    count = _tender().tend_due()
    if count or sent or given_up:
        log.info("threads_tended", count=count, sendings_sent_again=sent, sendings_given_up=given_up)


@app.task(name=Task.SEND_RECORDS)
def send_records(sending_id: str) -> None:
    """Put a patient's records into a thread. Twice is once, also at once; where it breaks off, the sweep sends it
    again."""
    here = runtime().stores
    sender = RecordSender(here.sessions, here.threads, here.service_member, here.settings.threads.payload_max_bytes)
    try:
        result = sender.run(UUID(sending_id))
    except Exception as exc:  # noqa: BLE001 the edge of a task: Celery would log the error's text, which may quote rows
        log.error("records_broke_off", sending_id=sending_id, error=type(exc).__name__)  # noqa: TRY400 the same of the traceback
        return
    log.info("records_sent", sending_id=sending_id, result=result)


def _tender() -> ThreadTender:
    here = runtime().stores
    return ThreadTender(here.threads, here.service_member)
