"""Beat's job on what is kept only for a time: revocations and logins that have ended."""

from core.logs import get_logger
from core.names import Task
from services.accounts.logins import forget_logins
from services.accounts.revocations import forget_revocations
from tasks.app import app
from tasks.runtime import runtime

log = get_logger(__name__)


@app.task(name=Task.FORGET_REVOCATIONS)
def forget_ended_revocations() -> None:
    """Delete what concerns only tokens and logins that nobody can use any more. Twice is once."""
    with runtime().stores.unit_of_work() as work:
        forgotten = forget_revocations(work.session)
        logins = forget_logins(work.session)
    log.info("revocations_forgotten", count=forgotten, logins=logins)
