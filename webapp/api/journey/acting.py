"""One action of one caller, however it came: whose journey it is, and what of the request tells it from a double."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from models.journey import JourneyAction, JourneyState, TagAction
from services.delivery.idempotency import KeyOfAnotherCall
from services.journey.actions import Expectation, perform_action
from services.journey.answers import JourneyAnswer
from services.journey.errors import JourneyError
from services.journey.tags import FoundTag, ScannedBy
from services.journey.work import JourneyWork
from services.stores import Stores
from webapp.api.journey import metrics
from webapp.api.journey.scan_bounds import Scan, bind_scan, log_found, note_device, tell_logged
from webapp.api.journey.shown_people import run_with_look, show_person
from webapp.auth.journey_callers import JourneyCaller
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import CallerPlace

ResultT = TypeVar("ResultT")

# A caller's own words are no label.
_COUNTED = frozenset({*JourneyAction, "recall", "undo_call", "delay", "priority", "transfer"})
# Whose journey somebody means who names none that could be: known to nobody.
_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class ActionRequest:
    """As a schema has read it. `patient_id` is None where none was named."""

    action_type: str
    payload: Mapping[str, Any]
    expected_state: JourneyState | None
    key: str | None
    patient_id: str | None = None

    @classmethod
    def of(cls, read: Mapping[str, Any], key: str | None) -> "ActionRequest":
        payload = {name: value for name, value in read["payload"].items() if value is not None}
        state = read["expected_state"]
        return cls(read["action_type"], payload, state and JourneyState(state), key, read.get("patient_id"))


def act(
    here: Stores, caller: JourneyCaller, request: ActionRequest, request_id: str, place: CallerPlace
) -> JourneyAnswer:
    """Needs the app's context. Raises JourneyError, KeyOfAnotherCall, ApiError."""
    return count_action(here, caller, request.action_type, lambda: _act(here, caller, request, request_id, place))


def count_action(here: Stores, caller: JourneyCaller, action: str, do: Callable[[], ResultT]) -> ResultT:
    """Do it, and count by how it ended; of what is done, how long it took. `action` is one of the table's, or a desk's
    with an entry. Raises what it raises."""
    known = action if action in _COUNTED else "unknown"
    began = here.clock.monotonic()
    try:
        done = do()
    except (JourneyError, ApiError) as exc:
        metrics.ACTIONS.labels(known, caller.role, str(exc.code)).inc()
        raise
    except KeyOfAnotherCall:
        metrics.ACTIONS.labels(known, caller.role, str(Code.IDEMPOTENCY_MISMATCH)).inc()
        raise
    is_replayed = isinstance(done, JourneyAnswer) and done.is_replayed
    metrics.ACTIONS.labels(known, caller.role, "replayed" if is_replayed else "done").inc()
    metrics.ACTION_SECONDS.labels(known).observe(here.clock.monotonic() - began)
    return done


def _act(
    here: Stores, caller: JourneyCaller, request: ActionRequest, request_id: str, place: CallerPlace
) -> JourneyAnswer:
    user_id = whose_journey(caller, request.patient_id)
    expectation = Expectation(request.expected_state, request.key)

    def do(journey: JourneyWork) -> JourneyAnswer:
        return perform_action(journey, user_id, request.action_type, request.payload, caller.actor, expectation)

    if request.action_type == JourneyAction.SCAN_NFC and not caller.is_staff and user_id == caller.principal_id:
        return _scan(here, Scan.of_action(request.payload, ScannedBy(user_id), place), do, request_id)
    return run_with_look(here, caller, request.action_type, do, request_id, user_id)


def _scan(here: Stores, made: Scan, change: Callable[[JourneyWork], JourneyAnswer], request_id: str) -> JourneyAnswer:
    """A patient's arrival: bound and logged as any other scan."""
    found: FoundTag | None = None

    def do(journey: JourneyWork) -> JourneyAnswer:
        nonlocal found
        done, found = change(journey), journey.found_tag
        if found is not None and "tag_id" in made.named:
            found = FoundTag(found.tag_id, log_found(journey, made))
        return done

    with bind_scan(made):
        done = here.journeys.run(do, request_id)
    if found is not None:
        note_device(found.tag_id, made)
        if found.is_logged:
            tell_logged(TagAction.SCAN, found.tag_id, made)
    return done


def whose_journey(caller: JourneyCaller, patient_id: str | None) -> UUID:
    """Staff must name somebody; a patient means themselves, and whoever else is named is refused later. Raises
    ApiError."""
    if caller.is_staff:
        named = None if patient_id is None else _read_uuid(patient_id)
        if named is None:
            raise ApiError(Code.VALIDATION_FAILED, details={"patient_id": ["누구인지 보내 주세요."]})
        return named
    return caller.principal_id if patient_id is None else _read_uuid(patient_id) or _NOBODY


def require_own(caller: JourneyCaller, query: Mapping[str, Any]) -> UUID:
    """The same for a look, by a PatientQuery: a patient who names somebody else is refused at once; of staff it is
    written down, with the reason. Raises ApiError."""
    user_id = whose_journey(caller, query["patient_id"])
    if not caller.is_staff and user_id != caller.principal_id:
        raise ApiError(Code.FORBIDDEN)
    show_person(caller, "journey", user_id, query["reason"], asked_about=user_id)
    return user_id


def _read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
