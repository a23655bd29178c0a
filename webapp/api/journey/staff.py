"""What staff do at their desks: their shift, finding people, doing a patient's action for who has no phone."""

from typing import Any
from uuid import UUID

from flask import Response, g
from sqlalchemy import select

from models.journey import JourneyState, PatientState
from services.journey.actions import Expectation, assist_patient
from services.journey.answers import JourneyAnswer
from services.journey.errors import PersonNotFound
from services.journey.shifts import begin_shift, end_shift
from services.journey.tags import ScannedBy
from services.journey.work import JourneyWork
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.acting import ActionRequest, count_action
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.keys import answer_of, take_key
from webapp.api.journey.scan_bounds import Scan, log_refused
from webapp.api.journey.schemas.actions import JourneyOutput
from webapp.api.journey.schemas.staff import AssistInput, FindInput, FoundOutput, ShiftInput, ShiftOutput
from webapp.api.journey.shown_people import note_shown, record_search, require_reason, run_with_look
from webapp.auth.journey_callers import JourneyCaller, for_journey_staff
from webapp.current import stores
from webapp.limits import caller_place, count_use

blueprint = JourneyBlueprint("journey_staff", __name__, url_prefix="/api/v1/staff", description="At the desk")
_MOST_FOUND = 5
# Somebody who tries digits after digits at the desk reads a list of patients.
_FIND_LIMIT = "30 per minute"


@blueprint.post("/shifts")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(ShiftInput, error_status_code=400)
@blueprint.response(201, ShiftOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415)
def begin(caller: JourneyCaller, body: dict[str, Any]) -> dict[str, Any]:
    """In a room, for an exam; the shift before ends with it."""
    shift = stores().journeys.run(
        lambda journey: begin_shift(journey, caller.actor, exam_id=body["exam_id"], room_id=body["room_id"])
    )
    return {"success": True, "shift": shift}


@blueprint.delete("/shifts/current")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.response(204)
@fails(blueprint, 401, 403, 409)
def end(caller: JourneyCaller) -> None:
    """One's own."""
    stores().journeys.run(lambda journey: end_shift(journey, caller.actor))


@blueprint.post("/patients/find")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(FindInput, error_status_code=400)
@blueprint.response(200, FoundOutput)
@fails(blueprint, 400, 401, 403, 413, 415, 429)
def find(caller: JourneyCaller, body: dict[str, Any]) -> dict[str, Any]:
    """At most five people. In the body, as no address may hold what is personal. `reason` is told to whom was found,
    where they have records; without one, what the member of staff is at work on."""
    require_reason(stores(), body["reason"])
    count_use(_FIND_LIMIT, "journey-find", str(caller.sid))
    with stores().unit_of_work.reading() as work:
        people = stores().people.find_by_login(work.session, body["phone_last4"], body["birth_date"])[:_MOST_FOUND]
        query = select(PatientState.user_id, PatientState.current_state).where(
            PatientState.user_id.in_([user.user_id for user in people])
        )
        states = dict(work.session.execute(query).all())
    found_ids = [user.user_id for user in people]
    record_search(caller, found_ids, body["reason"])
    note_shown(caller, "find", len(people), found_ids)
    found = [
        {
            "user_id": user.user_id,
            "name": user.name,
            "journey_state": states.get(user.user_id, JourneyState.UNREGISTERED),
        }
        for user in people
    ]
    return {"success": True, "patients": found}


@blueprint.post("/patients/<string:user_id>/assist")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.arguments(AssistInput, error_status_code=400)
@blueprint.response(200, JourneyOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 410, 413, 415)
def assist(caller: JourneyCaller, body: dict[str, Any], user_id: str) -> Response:
    """A patient's action, done for them; the snapshot is the patient's."""
    request = ActionRequest.of(body, take_key(body))

    def assist_them() -> JourneyAnswer:
        whose, expectation = _read_id(user_id), Expectation(request.expected_state, request.key)

        def do(journey: JourneyWork) -> JourneyAnswer:
            return assist_patient(journey, whose, request.action_type, request.payload, caller.actor, expectation)

        with log_refused(Scan.of_action(request.payload, ScannedBy(), caller_place())):
            return run_with_look(here, caller, request.action_type, do, request_id, whose)

    here, request_id = stores(), g.request_id
    return answer_of(count_action(here, caller, request.action_type, assist_them))


def _read_id(text: str) -> UUID:
    """Raises PersonNotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise PersonNotFound from None
