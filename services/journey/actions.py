"""Actions on a journey: in which order they are refused, and how one is carried out.

Refused are, in this order: unknown actions, other people's journeys, actions of another role, people that nobody knows;
then a known key is answered from its store; then what does not fit the state; then the payload. Until all have passed
nothing is written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.journey import JourneyAction, JourneyRole, JourneyState, StateTransition
from models.journey.states import (
    PATIENT_ACTIONS,
    PAYLOAD_FIELDS,
    actions_of,
    available_actions,
    find_transition,
    is_available,
)
from services.journey.action_context import ActionContext
from services.journey.actors import JourneyActor
from services.journey.answers import JourneyAnswer, answer_once
from services.journey.arriving import scan_tag
from services.journey.bodies import Body
from services.journey.calling import call_patient
from services.journey.cancelling import cancel_appointment
from services.journey.change import JourneyChange
from services.journey.concluding import conclude
from services.journey.errors import (
    ForbiddenAction,
    ForbiddenPerson,
    InvalidAction,
    PayloadInvalid,
    StateConflict,
    UnknownAction,
)
from services.journey.examining import begin_exam, complete_exam
from services.journey.joining import confirm_arrival
from services.journey.locking import LockedJourney, lock_journey, require_user
from services.journey.no_shows import mark_no_show
from services.journey.work import JourneyWork

_DOUBLE_CLICK = timedelta(seconds=2)

# What an action does beside its step; any other action is its step alone.
_EFFECTS: Mapping[JourneyAction, Callable[[ActionContext], None]] = {
    JourneyAction.SCAN_NFC: scan_tag,
    JourneyAction.CONFIRM_ARRIVAL: confirm_arrival,
    JourneyAction.ENTER_EXAM_ROOM: begin_exam,
    JourneyAction.COMPLETE_EXAM: complete_exam,
    JourneyAction.CALL_PATIENT: call_patient,
    JourneyAction.START_EXAM: begin_exam,
    JourneyAction.MARK_NO_SHOW: mark_no_show,
    JourneyAction.CANCEL_APPOINTMENT: cancel_appointment,
}


@dataclass(frozen=True)
class Expectation:
    """What the caller sent against acting twice: the state it saw, a key for the call."""

    state: JourneyState | None = None
    key: str | None = None


NOTHING_EXPECTED = Expectation()


def perform_action(
    journey: JourneyWork,
    user_id: UUID,
    action: str,
    payload: Mapping[str, Any],
    actor: JourneyActor,
    expectation: Expectation = NOTHING_EXPECTED,
) -> JourneyAnswer:
    """Do it, and answer the snapshot for whoever acted. Raises JourneyError, KeyOfAnotherCall."""
    known = _read_action(action)
    if not actor.is_staff and actor.principal_id != user_id:
        raise ForbiddenPerson
    if known not in actions_of(actor.role):
        raise ForbiddenAction
    return _perform_once(journey, user_id, _Request(known, payload, actor, actor.role, expectation))


def assist_patient(
    journey: JourneyWork,
    user_id: UUID,
    action: str,
    payload: Mapping[str, Any],
    actor: JourneyActor,
    expectation: Expectation = NOTHING_EXPECTED,
) -> JourneyAnswer:
    """Staff do a patient's action for who has no phone. Answers the snapshot as the patient's; errors as above."""
    known = _read_action(action)
    if not actor.is_staff or known not in PATIENT_ACTIONS:
        raise ForbiddenAction
    return _perform_once(journey, user_id, _Request(known, payload, actor, JourneyRole.PATIENT, expectation))


@dataclass(frozen=True)
class _Request:
    """`role` is the one of the table that is acted as; who assists is staff, and acts as the patient."""

    action: JourneyAction
    payload: Mapping[str, Any]
    actor: JourneyActor
    role: JourneyRole
    expectation: Expectation


def _read_action(action: str) -> JourneyAction:
    try:
        return JourneyAction(action)
    except ValueError:
        raise UnknownAction from None


def _perform_once(journey: JourneyWork, user_id: UUID, request: _Request) -> JourneyAnswer:
    if request.expectation.key is not None and request.actor.is_staff:
        require_user(journey, user_id)  # before a key of somebody else is looked at
    expected = request.expectation.state
    call = (request.role, str(user_id), request.action, dict(request.payload), expected)
    return answer_once(
        journey, request.actor, request.expectation.key, call, lambda: _perform(journey, user_id, request)
    )


def _perform(journey: JourneyWork, user_id: UUID, request: _Request) -> Body:
    locked = lock_journey(journey, user_id)
    _require_expected(locked, request)
    if not is_available(locked.state, request.action, request.role):
        raise InvalidAction(locked.state, available_actions(request.role, locked.state))
    if request.action == JourneyAction.MAKE_PAYMENT and request.expectation == NOTHING_EXPECTED:
        _require_no_double_click(journey, locked, request)
    _require_known_fields(request)
    change = JourneyChange(
        journey,
        locked,
        request.action,
        request.actor,
        is_assisted=request.actor.is_staff and request.role == JourneyRole.PATIENT,
    )
    transition = find_transition(locked.state, request.action, request.role)
    context = ActionContext(change, request.action, request.payload, request.actor, transition)
    _EFFECTS.get(request.action, ActionContext.move)(context)
    return conclude(change).snapshot(request.role)


def _require_expected(locked: LockedJourney, request: _Request) -> None:
    """Raises StateConflict."""
    expected = request.expectation.state
    if expected is not None and expected != locked.state:
        raise StateConflict({"journey_state": str(locked.state)})


def _require_no_double_click(journey: JourneyWork, locked: LockedJourney, request: _Request) -> None:
    """Raises StateConflict. One action opens the payment and confirms it: without anything that tells two clicks from
    two wishes, a second one right after the first is taken for the same."""
    last = journey.session.execute(
        select(StateTransition.created_at, StateTransition.details)
        .where(StateTransition.user_id == locked.user_id, StateTransition.trigger_source == request.action)
        .order_by(StateTransition.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None or journey.now >= last.created_at + _DOUBLE_CLICK:
        return
    if last.details.get("sid") == (request.actor.sid and str(request.actor.sid)):
        raise StateConflict({"journey_state": str(locked.state)})


def _require_known_fields(request: _Request) -> None:
    unknown = sorted(set(request.payload) - PAYLOAD_FIELDS.get(request.action, frozenset()))
    if unknown:
        raise PayloadInvalid(*(f"payload.{name}" for name in unknown))
