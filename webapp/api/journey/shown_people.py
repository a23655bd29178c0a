"""What the hospital's staff are shown of people, and why: each look at one person stands in the access log, for the
person to read. Beside it, and of whole lines alone, our own log names the account, and nobody by more than a pseudonym.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast
from uuid import UUID

from flask import request
from marshmallow import EXCLUDE, ValidationError

from core.logs import get_logger
from models.journey import JourneyUser
from models.patients import AccessedWhat, ActorKind
from services.journey.answers import JourneyAnswer
from services.journey.bodies import Body
from services.journey.errors import JourneyError
from services.journey.looks import (
    StaffLook,
    describe_context,
    describe_task,
    has_looked,
    read_context,
    record_look,
)
from services.journey.work import JourneyWork
from services.patients.access_log import Actor
from services.stores import Stores
from webapp.api.journey.schemas.words import ReasonQuery
from webapp.auth.journey_callers import JourneyCaller
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError, flatten_messages
from webapp.limits import pseudonym
from webapp.looks import actor_here

# A JourneyAnswer, or its body alone.
ResultT = TypeVar("ResultT")
log = get_logger(__name__)


def note_shown(caller: JourneyCaller, what: str, count: int, asked_about: Iterable[object] = ()) -> None:
    """Of a list. `asked_about`: ids of whom, or of which entry or resource, was asked for. Nothing of what patients see
    of themselves."""
    if caller.is_staff:
        people = [pseudonym(str(one)) for one in asked_about]
        log.info("people_shown", by=str(caller.principal_id), what=what, count=count, people=people)


def record_search(caller: JourneyCaller, found: Sequence[UUID], reason: str | None) -> None:
    """Of each who was found, before it is answered. Raises ApiError."""
    for user_id in found:  # each in a transaction of its own: with the log's day held, nobody's key is waited for
        _record(caller, AccessedWhat.JOURNEY_SEARCH, user_id, reason)


def show_person(
    caller: JourneyCaller, what: str, user_id: UUID, reason: str | None, *, asked_about: object, count: int = 1
) -> None:
    """That staff look at one person, before it is answered; nothing of patients. Of somebody unknown our own log tells
    alone. Raises ApiError."""
    if caller.is_staff:
        _record(caller, AccessedWhat.JOURNEY, user_id, reason)
        note_shown(caller, what, count, [asked_about])


@dataclass(frozen=True)
class StreamOpening:
    """How somebody comes to the stream of one person: known from the request, which a socket's admission has not.
    `is_resumed`: they name the place from which they go on."""

    address: str
    reason: str | None
    is_resumed: bool

    def by(self, caller: JourneyCaller) -> Actor:
        return Actor(ActorKind.STAFF, str(caller.principal_id), self.address, str(caller.role))


def record_opening(here: Stores, caller: JourneyCaller, user_id: UUID, opening: StreamOpening) -> None:
    """That staff follow one person, before they are let in, once for all that they resume. Needs no request. Raises
    ApiError."""
    if not caller.is_staff:
        return
    with here.unit_of_work() as work:
        journey, actor = here.journeys.open(work), opening.by(caller)
        user = work.session.get(JourneyUser, user_id)
        if user is None or (opening.is_resumed and has_looked(journey, here.access_log, here.people, actor, user)):
            return
        why = opening.reason or _describe(here, journey, caller, user_id)
        record_look(journey, here.access_log, here.people, StaffLook(actor, AccessedWhat.JOURNEY, user, why))
    log.info("person_followed", by=str(caller.principal_id), what="queue")


def require_reason(here: Stores, reason: str | None) -> None:
    """Before somebody is searched for who may be anybody. Raises ApiError where the hospital wants reasons."""
    if reason is None and here.settings.journey.requires_reason:
        raise ApiError(Code.VALIDATION_FAILED, details={"reason": ["왜 보는지 적어 주세요."]})


def run_with_look(
    here: Stores,
    caller: JourneyCaller,
    action: str,
    change: Callable[[JourneyWork], ResultT],
    request_id: str,
    user_id: UUID | None = None,
) -> ResultT:
    """A change in a transaction of its own; of staff with its look, and what they did as the reason. `user_id` is whose
    journey it is, where the answer has no entry that says so. A reply that was given before is no other look.

    What changes nothing, or is refused with where the person is, has shown them alone: it is a look, with the reason of
    one, and none of it is answered where that is wanted and lacks. Raises JourneyError, KeyOfAnotherCall, ApiError."""
    if not caller.is_staff:
        return here.journeys.run(change, request_id)
    actor, locked = _actor_of(caller), list[UUID]()

    def do(journey: JourneyWork) -> ResultT:
        try:
            done = change(journey)
        finally:
            locked[:] = [journey.locked_person] if journey.locked_person is not None else []
        if isinstance(done, JourneyAnswer) and done.is_replayed:
            locked.clear()
        elif journey.has_changed:
            body = done.body if isinstance(done, JourneyAnswer) else cast(Body, done)
            _record_action(here, journey, actor, action, body, user_id)
            locked.clear()
        return done

    try:
        done = here.journeys.run(do, request_id)
    except JourneyError as exc:
        if exc.tells_of_person and exc.details is not None:
            _record_locked(caller, locked)
        raise
    _record_locked(caller, locked)
    return done


def _record_locked(caller: JourneyCaller, locked: Sequence[UUID]) -> None:
    """After the end of the change: a rollback would take the look along, and its reason is asked for last."""
    for user_id in locked:
        _record(caller, AccessedWhat.JOURNEY, user_id, _asked_reason())


def _asked_reason() -> str | None:
    """Of the query. Raises ApiError."""
    try:
        reason: str | None = ReasonQuery(unknown=EXCLUDE).load(request.args)["reason"]
    except ValidationError as exc:
        raise ApiError(Code.VALIDATION_FAILED, details=flatten_messages({"query": exc.messages})) from exc
    return reason


def _record_action(
    here: Stores, journey: JourneyWork, actor: Actor, action: str, body: Body, user_id: UUID | None
) -> None:
    if user_id is None:
        user_id, exam = UUID(body["queue"]["user_id"]), body["queue"]["exam_name"]
    else:
        exam = read_context(journey, UUID(actor.name), user_id).exam
    user = journey.session.get_one(JourneyUser, user_id)
    look = StaffLook(actor, AccessedWhat.JOURNEY_ACTION, user, describe_task(action, exam))
    record_look(journey, here.access_log, here.people, look)


def _record(caller: JourneyCaller, what: AccessedWhat, user_id: UUID, reason: str | None) -> None:
    """Nothing of somebody unknown: they are read where it is written, so an erasure is not overlooked."""
    here = stores()
    with here.unit_of_work() as work:
        user = work.session.get(JourneyUser, user_id)
        if user is None:
            return
        journey = here.journeys.open(work)
        why = reason or _describe(here, journey, caller, user_id)
        record_look(journey, here.access_log, here.people, StaffLook(_actor_of(caller), what, user, why))


def _describe(here: Stores, journey: JourneyWork, caller: JourneyCaller, user_id: UUID) -> str:
    context = read_context(journey, caller.principal_id, user_id)
    if not context.is_in_line:
        require_reason(here, None)
    return describe_context(context)


def _actor_of(caller: JourneyCaller) -> Actor:
    return actor_here(ActorKind.STAFF, str(caller.principal_id), str(caller.role))
