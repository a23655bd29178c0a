"""Beat's jobs on what is kept only for a time: revocations, logins and pushes that have ended, old runs."""

from core.logs import get_logger
from core.names import Task
from services.accounts.logins import forget_logins
from services.accounts.revocations import forget_revocations
from services.collection.pushes import forget_pushes
from services.collection.retention import delete_ended_runs, delete_old_steps
from services.delivery.idempotency import forget_keys
from services.journey.patient_logins import note_expired_logins
from services.journey.scan_tokens import forget_scan_tokens
from services.patients.session_rows import forget_sessions
from tasks.app import app, settings
from tasks.batches import run_in_batches
from tasks.runtime import runtime

log = get_logger(__name__)

_BATCH = 1000


@app.task(name=Task.FORGET_REVOCATIONS)
def forget_ended_revocations() -> None:
    """Delete tokens, logins, pushes and idempotency keys that nobody can use any more, and note whose last login has
    expired. Twice is once."""
    with runtime().stores.unit_of_work() as work:
        forgotten = {
            "revocations": forget_revocations(work.session),
            "logins": forget_logins(work.session),
            "patients_logged_out": note_expired_logins(work.session),
            "pushes": forget_pushes(work.session),
            "patient_sessions": forget_sessions(work.session),
            "idempotency_keys": forget_keys(work.session, runtime().stores.clock.now()),
            "scan_tokens": forget_scan_tokens(work.session),
        }
    log.info("revocations_forgotten", **forgotten)


@app.task(name=Task.DELETE_OLD_RUNS)
def delete_old_runs() -> None:
    """Delete ended runs, and single tries of steps, that are older than the settings keep them. Each batch has a
    transaction of its own: cut short, the next day's run goes on. Twice is once."""
    stores = settings.stores
    runs = run_in_batches(lambda work, size: delete_ended_runs(work.session, stores.run_keep_days, size), _BATCH)
    steps = run_in_batches(lambda work, size: delete_old_steps(work.session, stores.step_keep_days, size), _BATCH)
    log.info("old_runs_deleted", runs=runs, steps=steps)
