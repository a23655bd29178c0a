"""How a run is taken, moved on and given up: the only place that changes who holds a run.

Every change is made in a transaction that locks the run's row and checks the fence, so a duplicate message, a second
sweep or a process that wakes up after its lease finds the run moved on and does nothing.
"""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import insert

from core.logs import get_logger
from core.names import Event, Status, Step
from core.sealing import Sealer, SealError
from models.collection import CollectionRun, CollectionStep, RunState
from models.collection.run_states import SAVING_STEPS, Retry, next_step, retry_delay, wants_report
from services.collection.events import say
from services.collection.failures import UNAVAILABLE, describe, is_retryable
from services.collection.requests import end_run, lock_run, make_ready, note_change, wait_for_phone
from services.collection.step import Claim, Settled, Tools, Verdict
from services.collection.steps import BEHAVIOURS
from services.delivery.unit_of_work import Work
from services.patients.identity import Identity, mask_name
from upstream.tilko.codec import AuthTokens
from upstream.tilko.errors import NotApproved

log = get_logger(__name__)

_WRITE_STEP = insert(CollectionStep.__table__).inline()  # type: ignore[arg-type]  # a declared table is one


def open_claim(run: CollectionRun, sealer: Sealer) -> Claim:
    """What a step needs of its run, as of now; the row itself stays behind."""
    identity = Identity.from_json(sealer.open(run.identity or b"", f"identity:{run.session_id}"))
    auth = sealer.open(run.auth, f"auth:{run.session_id}") if run.auth else None
    return _claim(run, identity, AuthTokens.from_dict(orjson.loads(auth)) if auth else None)


def _claim(run: CollectionRun, identity: Identity, auth: AuthTokens | None) -> Claim:
    return Claim(
        session_id=run.session_id,
        step=Step(run.step),
        fence=run.fence,
        attempt=run.attempts + run.takeovers + 1,
        request_id=run.request_id,
        started_at=run.step_started_at or run.updated_at,
        hospital_id=run.hospital_id,
        patient_uuid=run.patient_uuid,
        health_count=run.health_count,
        health_failed=run.health_failed,
        prescription_count=run.prescription_count,
        identity=identity,
        auth=auth,
    )


def claim_run(work: Work, session_id: UUID, step: Step, *, owner_id: int, tools: Tools) -> Claim | None:
    """Take the run for this step, or None: it moved on, somebody holds it, or it is not due."""
    now = tools.clock.now()
    run = lock_run(work.session, session_id)
    if run.run_state != RunState.READY or run.step != step or run.not_before > now:
        return None
    run.run_state = RunState.RUNNING
    run.owner_id = owner_id
    run.fence += 1
    run.resend_at = None
    try:
        claim = open_claim(run, tools.sealer)
    except SealError:
        log.exception("run_unreadable", session_id=str(run.session_id))
        stop_unreadable(work, run, now)
        return None
    _begin_step(work, run, now)
    return replace(claim, started_at=run.step_started_at or now)


def stop_unreadable(work: Work, run: CollectionRun, now: datetime) -> None:
    """Nobody can go on with what does not open, so it must not be tried for ever: an operator has to find the key."""
    run.status = Status.ERROR
    run.error_code, run.error_detail = "UNREADABLE", {"reason": "sealed with a key that is not in WELNO_SEALING_KEYS"}
    data = {"code": run.error_code, "retry_available": True}
    say(work, run.session_id, Event.ERROR, UNAVAILABLE, now=now, status=run.status, data=data)
    stop_run(work, run, now)


def _begin_step(work: Work, run: CollectionRun, now: datetime) -> None:
    """Give the step its time; say that it begins, unless it is only tried again."""
    behaviour = BEHAVIOURS[Step(run.step)]
    run.lease_until = now + timedelta(seconds=behaviour.limit_seconds)
    if run.step_started_at is not None:
        return
    run.step_started_at = now
    run.status = behaviour.begin_status or run.status
    if run.step == Step.FETCH_HEALTH_DATA:
        run.collection_started_at = run.collection_started_at or now
    behaviour.begin(work, run, now)
    note_change(work, run, now)


def _lock_claimed(work: Work, claim: Claim) -> CollectionRun | None:
    """The run, if this claim still holds it."""
    run = lock_run(work.session, claim.session_id)
    # The step, too: its next one runs under the same fence, and may not be settled in this one's name.
    if (run.fence, run.step, run.run_state) != (claim.fence, claim.step, RunState.RUNNING):
        log.info("claim_outdated", session_id=str(claim.session_id), step=claim.step)
        return None
    return run


def finish_step(work: Work, claim: Claim, result: Any, tools: Tools) -> Claim | None:
    """Commit what the step did and move the run on. The claim of the next step, or None when nothing follows here."""
    run = _lock_claimed(work, claim)
    return _settle(work, run, claim, result, tools) if run else None


def finish_steps(work: Work, claim: Claim, result: Any, tools: Tools) -> Settled:
    """As `finish_step`, together with the steps that follow and only write rows: one commit instead of several."""
    run = _lock_claimed(work, claim)
    if run is None:
        return Settled([], None)
    settled = Settled([claim.step], _settle(work, run, claim, result, tools))
    while settled.following is not None and BEHAVIOURS[settled.following.step].only_rows:
        settled.done.append(settled.following.step)
        settled.following = _settle(work, run, settled.following, None, tools)
    return settled


def _settle(work: Work, run: CollectionRun, claim: Claim, result: Any, tools: Tools) -> Claim | None:
    BEHAVIOURS[claim.step].finish(work, run, result, tools=tools, claim=claim)
    _record(work, run, claim, "done", None, tools.clock.now())
    return _move_on(work, run, claim, tools)


def _move_on(work: Work, run: CollectionRun, claim: Claim, tools: Tools) -> Claim | None:
    now = tools.clock.now()
    run.attempts = run.takeovers = 0
    run.step_started_at = None
    following = next_step(claim.step, wants_report=wants_report(run.redirect_path, run.health_count))
    if following is None:
        end_run(run, Status(run.status), now)
        note_change(work, run, now)
        return None
    if following == Step.POLL_SIMPLE_AUTH:
        first_poll = now + timedelta(seconds=tools.settings.collection.poll_interval_seconds)
        wait_for_phone(work, run, not_before=first_poll, now=now)
        return None
    run.step = following
    _begin_step(work, run, now)
    note_change(work, run, now)
    # Identity and tokens stay the same for as long as this process holds the run: they need not be opened again.
    return _claim(run, claim.identity, claim.auth)


def fail_step(work: Work, claim: Claim, error: Exception, tools: Tools) -> Claim | None:
    """Have the step tried again later, or give it up and do what it decides."""
    run = _lock_claimed(work, claim)
    if run is None:
        return None
    now = tools.clock.now()
    run.attempts += 1
    delay = _delay_after(error, run.attempts, tools)
    outcome = "failed" if delay is None else "retrying"
    failure = describe(error)
    _record(work, run, claim, outcome, failure.code, now)
    log.info("step_failed", session_id=str(run.session_id), step=claim.step, outcome=outcome, **failure.detail)
    if delay is not None:
        _release(run, now + delay)
        return None
    if failure.code == "SERVICE_UNAVAILABLE":
        log.error("provider_rejects_our_configuration", step=claim.step, **failure.detail)
    run.error_code, run.error_detail = failure.code, failure.detail
    behaviour = BEHAVIOURS[claim.step]
    return _carry_out(behaviour.give_up(work, run, failure, claim=claim, now=now), work, run, claim, tools)


def _delay_after(error: Exception, failed_attempts: int, tools: Tools) -> timedelta | None:
    # An approval that is missing is no fault that passes by itself: the poller waits for it, not a worker.
    if not is_retryable(error) or isinstance(error, NotApproved):
        return None
    settings = tools.settings.collection
    retry = Retry(settings.step_max_attempts, settings.step_retry_base_seconds, settings.step_retry_max_seconds)
    asked = getattr(error, "retry_after_seconds", None)
    # Not a secret: the spread keeps many sessions from coming back at once.
    return retry_delay(retry, failed_attempts, chance=random.random(), asked_seconds=asked)  # noqa: S311


def _carry_out(verdict: Verdict, work: Work, run: CollectionRun, claim: Claim, tools: Tools) -> Claim | None:
    now = tools.clock.now()
    if verdict is Verdict.GO_ON:
        run.error_code = run.error_detail = None
        return _move_on(work, run, claim, tools)
    if verdict is Verdict.WAIT_FOR_PHONE:
        wait_for_phone(work, run, not_before=now, now=now)
    elif verdict is Verdict.END:
        end_run(run, Status(run.status), now)
        note_change(work, run, now)
    else:
        stop_run(work, run, now)
        _plan_resumption(run, now, tools)
    return None


def stop_run(work: Work, run: CollectionRun, now: datetime) -> None:
    """Leave the run where it stands, for the person or an operator to resume."""
    run.run_state = RunState.IDLE
    run.owner_id = None
    run.fence += 1
    run.step_started_at = None
    run.lease_until = run.resend_at = None
    note_change(work, run, now)


def _plan_resumption(run: CollectionRun, now: datetime, tools: Tools) -> None:
    """A run that stopped while saving is taken up again as often, and after such pauses, as a failed file."""
    pauses = tools.settings.files.retry_delays_seconds
    if run.step in SAVING_STEPS and run.resumes < len(pauses):
        run.resend_at = now + timedelta(seconds=pauses[run.resumes])
        run.resumes += 1


def _release(run: CollectionRun, not_before: datetime) -> None:
    run.run_state = RunState.READY
    run.owner_id = None
    run.lease_until = None
    run.not_before = run.resend_at = not_before
    run.sends = 0


def hand_back(work: Work, claim: Claim, tools: Tools) -> None:
    """Give up the claim unfinished, because this process is told to stop; another takes the step at once."""
    run = _lock_claimed(work, claim)
    if run is not None:
        _record(work, run, claim, "handed_back", None, tools.clock.now())
        make_ready(work, run, claim.step, now=tools.clock.now())


def _record(work: Work, run: CollectionRun, claim: Claim, outcome: str, reason: str | None, now: datetime) -> None:
    # Past the session, which would sort, number and keep a row that nobody here reads, and write the run twice.
    work.session.connection().execute(
        _WRITE_STEP,
        {
            "session_id": run.session_id,
            "step": claim.step,
            "fence": claim.fence,
            "attempt": claim.attempt,
            "outcome": outcome,
            "reason": reason,
            "started_at": claim.started_at,
            "ended_at": now,
        },
    )


def record_approval(work: Work, claim: Claim, health_count: int, tools: Tools) -> None:
    """The phone has approved, and the answer is on disk: let a worker go on. Called by the poller."""
    run = lock_run(work.session, claim.session_id)
    if run.fence != claim.fence or run.run_state != RunState.WAITING:
        return
    now = tools.clock.now()
    run.auth_completed_at = now
    run.health_count = health_count
    run.status = Status.AUTH_COMPLETED
    run.collect_requested = False
    run.step_started_at = None
    data = {"user_name": mask_name(claim.identity.user_name)}
    say(work, run.session_id, Event.AUTH_COMPLETED, "인증이 완료됐어요.", now=now, status=run.status, data=data)
    _record(work, run, claim, "done", None, now)
    make_ready(work, run, Step.FETCH_HEALTH_DATA, now=now)
