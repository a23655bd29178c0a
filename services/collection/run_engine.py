"""How a run is claimed for a step, moved on and given up.

Every change compares the claim's fence, so a duplicate message, a second sweep or a process that wakes up after its
lease finds the run moved on and does nothing. Errors: SessionNotFound, ClaimOutdated.
"""

import random
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from core.clock import CLOCK_TOLERANCE
from core.logs import get_logger
from core.names import Event, Status, Step
from core.sealing import Sealer, SealError, UnknownSealingKey
from models.collection import CollectionRun, RunState
from models.collection.run_states import (
    SAVING_STEPS,
    Retry,
    is_overdue,
    key_delay,
    lacks_consent,
    next_step,
    retry_delay,
    wants_report,
)
from services.collection import transitions
from services.collection.call_deadlines import read_turn
from services.collection.call_turn import CallStands, CallTurn
from services.collection.consents import ConsentCode, end_for_consent, skip_prescriptions
from services.collection.errors import UnreadableRun
from services.collection.events import say
from services.collection.failures import SEALING_KEY_UNKNOWN, UNAVAILABLE, describe, is_retryable
from services.collection.requests import send_step
from services.collection.run_store import ClaimOutdated, StepTry, lock_run, save_run
from services.collection.step import AfterFailure, Claim, FailedStep, Settled
from services.collection.step_tools import Tools
from services.delivery.unit_of_work import Work
from services.patients.identity import Identity, mask_name
from spool import AnswerKind, FileTaken
from upstream.tilko.codec import AuthTokens
from upstream.tilko.errors import ApprovalUnknown

log = get_logger(__name__)

# While another's call may be under way, the disk is looked at so often for its answer.
_LOOK_AGAIN_SECONDS = 1.0
# In a bucket the claim of a dead process stands for a minute, and each look at a file costs requests.
_HELD_FILE_PAUSE = timedelta(seconds=2)
_FETCHED = {Step.FETCH_HEALTH_DATA: AnswerKind.HEALTH, Step.FETCH_PRESCRIPTIONS: AnswerKind.PRESCRIPTION}


def open_claim(run: CollectionRun, sealer: Sealer) -> Claim:
    """What a step needs of its run, as of now; the row itself stays behind. Raises UnknownSealingKey, UnreadableRun."""
    try:
        identity = Identity.from_json(sealer.open(run.identity or b"", f"identity:{run.session_id}"))
        auth = sealer.open(run.auth, f"auth:{run.session_id}") if run.auth else None
        tokens = AuthTokens.from_dict(orjson.loads(auth)) if auth else None
    except UnknownSealingKey:
        raise
    except (SealError, AttributeError, KeyError, TypeError, ValueError) as exc:
        # Not chained: the error may quote the person's values.
        raise UnreadableRun(type(exc).__name__) from None
    return _claim_of(run, identity, tokens)


def _claim_of(run: CollectionRun, identity: Identity, auth: AuthTokens | None) -> Claim:
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
        turn=CallTurn(time.monotonic()),
        consents_until=run.consents_until,
        approve_by=run.approve_by,
        identity=identity,
        auth=auth,
    )


def claim_run(work: Work, session_id: UUID, step: Step, *, owner_id: int, tools: Tools) -> Claim | None:
    """Take the run for this step, or None: it moved on, somebody holds it, it is not due, or its consents are over."""
    now = tools.clock.now()
    run = lock_run(work.session, session_id)
    if run.run_state != RunState.READY or run.step != step or run.not_before > now + CLOCK_TOLERANCE:
        return None
    turn = read_turn(work.session, run)
    if lacks_consent(step, run.consents_until, now) and not _is_answered(run, step, tools):
        _skip_without_consent(work, run, turn, now)
        save_run(work, run)
        return None
    if step == Step.REQUEST_SIMPLE_AUTH and run.expires_at <= now:
        return None  # nobody waits for this push any more; the sweep ends the session
    transitions.claim(run, owner_id)
    try:
        claim = open_claim(run, tools.sealer)
    except UnknownSealingKey as exc:
        log.warning("sealing_key_unknown", session_id=str(run.session_id), key_id=exc.key_id)
        _put_off(run, now)
        save_run(work, run, [StepTry(step, run.fence, run.attempts + 1, "retrying", SEALING_KEY_UNKNOWN, now, now)])
        return None
    except UnreadableRun as exc:
        stop_unreadable(work, run, exc, now)
        return None
    _start_step(work, run, tools, now)
    if turn.is_ours:
        transitions.begin_call(run, tools.handlers[step].call_seconds)
    save_run(work, run)
    return replace(claim, started_at=run.step_started_at or now, run=run, turn=turn)


def _is_answered(run: CollectionRun, step: Step, tools: Tools) -> bool:
    """Whether what this step fetches is on disk, paid for while the consents held: it is read, and nobody is asked."""
    kind = _FETCHED.get(step)
    return kind is not None and tools.spool.find_incoming(str(run.session_id), kind) is not None


def _skip_without_consent(work: Work, run: CollectionRun, turn: CallTurn, now: datetime) -> None:
    """Of a run whose step may ask nobody any more: have what was collected saved, or end it where there is nothing."""
    if turn.stands_until is not None:
        # A process that was taken for lost may still put the answer on the disk.
        left = max(turn.stands_until - time.monotonic(), 0)
        transitions.release(run, now + timedelta(seconds=min(left, _LOOK_AGAIN_SECONDS)))
        return
    following = _skip_step(work, run, Step(run.step), now)
    if following is not None:
        run.step_started_at = None
        transitions.end_call(run)
        transitions.make_ready(run, following, now=now)
        send_step(work, run)


def _skip_step(work: Work, run: CollectionRun, step: Step, now: datetime) -> Step | None:
    """The step that follows without this one, which lacks its consent; None where the run has ended for that."""
    has_checkups = run.health_count is not None and not run.health_failed
    if step == Step.FETCH_PRESCRIPTIONS and has_checkups and run.consents_until is not None:
        skip_prescriptions(work, run, now)
        return next_step(step, wants_report=wants_report(run.redirect_path, run.health_count))
    end_for_consent(work, run, ConsentCode.EXPIRED, now)
    return None


def _put_off(run: CollectionRun, now: datetime) -> None:
    """Offer the run again a little later, for as long as it takes: the tries of its step are not for this."""
    transitions.release(run, now + key_delay(now - run.updated_at))


def stop_unreadable(work: Work, run: CollectionRun, error: UnreadableRun, now: datetime) -> None:
    """Nobody can go on with what is damaged, so it must not be tried for ever."""
    log.error("run_unreadable", session_id=str(run.session_id), error=str(error))
    run.status = Status.ERROR
    run.error_code, run.error_detail = "UNREADABLE", {"reason": "what the row keeps sealed is damaged"}
    data = {"code": run.error_code, "retry_available": True}
    say(work, run.session_id, Event.ERROR, UNAVAILABLE, now=now, status=run.status, data=data)
    transitions.stop_run(run, now)
    save_run(work, run)


def _start_step(work: Work, run: CollectionRun, tools: Tools, now: datetime) -> None:
    """Give the step its time; say that it starts, unless it is only tried again."""
    handler = tools.handlers[Step(run.step)]
    run.lease_until = now + timedelta(seconds=handler.limit_seconds)
    if run.step_started_at is not None:
        return
    run.step_started_at = now
    run.status = handler.start_status or run.status
    if run.step == Step.FETCH_HEALTH_DATA:
        run.collection_started_at = run.collection_started_at or now
    handler.on_start(work, run, now)
    transitions.note_change(run, now)


def finish_steps(work: Work, claim: Claim, result: Any, tools: Tools) -> Settled:
    """Commit what the step did, together with the steps that follow and only write rows, and move the run on. Nobody
    reads the run again: the claim has it, and what is written compares its fence. Raises ClaimOutdated."""
    if claim.run is None:
        raise AssertionError("claimed by a worker, which keeps the row")
    now = tools.clock.now()
    tries: list[StepTry] = []
    settled = Settled([claim.step], _finish(work, claim.run, claim, result, tools=tools, now=now, tries=tries))
    while settled.following is not None and tools.handlers[settled.following.step].only_rows:
        settled.done.append(settled.following.step)
        settled.following = _finish(work, claim.run, settled.following, None, tools=tools, now=now, tries=tries)
    save_run(work, claim.run, tries)
    return settled


def finish_step(work: Work, claim: Claim, result: Any, tools: Tools) -> Claim | None:
    """The step alone, on the run as it is read now: for after a failure of the steps that joined it. The claim of the
    next step, or None when nothing follows here. Raises ClaimOutdated."""
    run = _lock_claimed(work, claim)
    tries: list[StepTry] = []
    following = _finish(work, run, claim, result, tools=tools, now=tools.clock.now(), tries=tries)
    save_run(work, run, tries)
    return following


def _lock_claimed(work: Work, claim: Claim) -> CollectionRun:
    """The run, if this claim still holds it. Raises ClaimOutdated."""
    run = lock_run(work.session, claim.session_id)
    # The step, too: its next one runs under the same fence, and may not be settled in this one's name.
    if (run.fence, run.step, run.run_state) != (claim.fence, claim.step, RunState.RUNNING):
        raise ClaimOutdated(str(claim.session_id))
    return run


def _finish(
    work: Work, run: CollectionRun, claim: Claim, result: Any, *, tools: Tools, now: datetime, tries: list[StepTry]
) -> Claim | None:
    tools.handlers[claim.step].on_success(work, run, result, claim=claim, now=now)
    tries.append(_tried(claim, "done", None, now))
    return _move_on(work, run, claim, tools, now)


def _move_on(work: Work, run: CollectionRun, claim: Claim, tools: Tools, now: datetime) -> Claim | None:
    run.attempts = run.takeovers = 0
    run.step_started_at = None
    transitions.end_call(run)
    following = next_step(claim.step, wants_report=wants_report(run.redirect_path, run.health_count))
    if following is None:
        transitions.end_run(run, Status(run.status), now)
        return None
    if following == Step.POLL_SIMPLE_AUTH:
        first_poll = now + timedelta(seconds=tools.settings.collection.poll_interval_seconds)
        transitions.wait_for_phone(run, not_before=first_poll, now=now)
        return None
    if lacks_consent(following, run.consents_until, now) and not _is_answered(run, following, tools):
        following = _skip_step(work, run, following, now)
        if following is None:
            return None
    transitions.move_to_step(run, following)
    _start_step(work, run, tools, now)
    # Identity and tokens stay the same for as long as this process holds the run: they need not be opened again.
    begun = replace(_claim_of(run, claim.identity, claim.auth), run=run)
    transitions.begin_call(run, tools.handlers[following].call_seconds)
    transitions.note_change(run, now)
    return begun


def fail_step(work: Work, claim: Claim, error: Exception, tools: Tools) -> FailedStep:
    """Have the step tried again later, or give it up and do what its handler decides. Raises ClaimOutdated."""
    run = _lock_claimed(work, claim)
    now = tools.clock.now()
    if isinstance(error, CallStands):
        # No fault of this step's: whoever makes the call may still put its answer on the disk.
        transitions.release(run, now + timedelta(seconds=min(error.seconds_left, _LOOK_AGAIN_SECONDS)))
        save_run(work, run)
        return FailedStep(None, is_retried=True)
    if claim.turn.is_ours:
        transitions.end_call(run)
    failure = describe(error)
    if failure.code == SEALING_KEY_UNKNOWN:
        log.warning("sealing_key_unknown", session_id=str(run.session_id), step=claim.step)
        _put_off(run, now)
        save_run(work, run, [_tried(claim, "retrying", failure.code, now)])
        return FailedStep(None, is_retried=True)
    if isinstance(error, FileTaken):
        # No fault of this step's: its holder goes on with the file, or has died, and its claim ends by itself.
        transitions.release(run, now + _HELD_FILE_PAUSE)
        save_run(work, run)
        return FailedStep(None, is_retried=True)
    run.attempts += 1
    if isinstance(error, ApprovalUnknown) and not is_overdue(run.approve_by, now):
        # Never an error for the person, as long as the request lives: the last try is not used up.
        run.attempts = min(run.attempts, max(tools.settings.collection.step_max_attempts - 1, 1))
    delay = _delay_after(error, run.attempts, tools)
    outcome = "failed" if delay is None else "retrying"
    log.info("step_failed", session_id=str(run.session_id), step=claim.step, outcome=outcome, **failure.detail)
    following = None
    if delay is not None:
        transitions.release(run, now + delay)
    else:
        if failure.code == "SERVICE_UNAVAILABLE":
            log.error("provider_rejects_our_configuration", step=claim.step, **failure.detail)
        run.error_code, run.error_detail = failure.code, failure.detail
        decided = tools.handlers[claim.step].on_failure(work, run, failure, claim=claim, now=now)
        following = _carry_out(decided, work, run, claim, tools=tools, now=now)
    save_run(work, run, [_tried(claim, outcome, failure.code, now)])
    return FailedStep(following, is_retried=delay is not None)


def _delay_after(error: Exception, failed_attempts: int, tools: Tools) -> timedelta | None:
    if not is_retryable(error):
        return None
    settings = tools.settings.collection
    retry = Retry(settings.step_max_attempts, settings.step_retry_base_seconds, settings.step_retry_max_seconds)
    asked = getattr(error, "retry_after_seconds", None)
    # Not a secret: the spread keeps many sessions from coming back at once.
    return retry_delay(retry, failed_attempts, chance=random.random(), asked_seconds=asked)  # noqa: S311


def _carry_out(
    decided: AfterFailure, work: Work, run: CollectionRun, claim: Claim, *, tools: Tools, now: datetime
) -> Claim | None:
    if decided is AfterFailure.CONTINUE:
        run.error_code = run.error_detail = None
        return _move_on(work, run, claim, tools, now)
    if decided is AfterFailure.END:
        transitions.end_run(run, Status(run.status), now)
    else:
        transitions.stop_run(run, now)
        _plan_resumption(run, now, tools)
    return None


def _plan_resumption(run: CollectionRun, now: datetime, tools: Tools) -> None:
    """A run that stopped while saving is taken up again as often, and after such pauses, as a failed file."""
    pauses = tools.settings.files.retry_delays_seconds
    if run.step in SAVING_STEPS and run.resumes < len(pauses):
        run.resend_at = now + timedelta(seconds=pauses[run.resumes])
        run.resumes += 1


def hand_back(work: Work, claim: Claim, tools: Tools) -> None:
    """Give up the claim unfinished, because this process is told to stop; another takes the step at once. Raises
    ClaimOutdated."""
    run = _lock_claimed(work, claim)
    now = tools.clock.now()
    if claim.turn.is_ours:
        transitions.end_call(run)  # it was not made
    transitions.make_ready(run, claim.step, now=now)
    send_step(work, run)
    save_run(work, run, [_tried(claim, "handed_back", None, now)])


def _tried(claim: Claim, outcome: str, reason: str | None, now: datetime) -> StepTry:
    return StepTry(claim.step, claim.fence, claim.attempt, outcome, reason, claim.started_at, now)


def record_approval(work: Work, claim: Claim, health_count: int | None, tools: Tools) -> bool:
    """The phone has approved: let a worker go on. `health_count`: of the checkups that came with it and are on disk;
    None where they are still to be fetched. Called by the poller. False when the run waits no longer, or for another
    push than the one that was approved."""
    now = tools.clock.now()
    run = lock_run(work.session, claim.session_id)
    if run.fence != claim.fence or run.run_state != RunState.WAITING:
        return False
    run.health_count = health_count
    say_approved(work, run, claim, now)
    transitions.make_ready(run, Step.FETCH_HEALTH_DATA, now=now)
    send_step(work, run)
    save_run(work, run, [_tried(claim, "done", None, now)])
    return True


def say_approved(work: Work, run: CollectionRun, claim: Claim, now: datetime) -> None:
    """The phone has approved, whatever becomes of the data."""
    run.auth_completed_at = now
    run.status = Status.AUTH_COMPLETED
    run.collect_requested = False
    run.step_started_at = None
    data = {"user_name": mask_name(claim.identity.user_name)}
    say(work, run.session_id, Event.AUTH_COMPLETED, "인증이 완료됐어요.", now=now, status=run.status, data=data)
