"""One person's journey: where they are, what they or staff do, what has been."""

from typing import Any

from flask import Response, g

from services.journey.reading import read_history, read_snapshot
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.acting import ActionRequest, act, require_own
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.keys import answer_of, take_key
from webapp.api.journey.schemas.actions import (
    HistoryOutput,
    HistoryQuery,
    JourneyOutput,
    PatientQuery,
    PerformInput,
)
from webapp.auth.journey_callers import JourneyCaller, for_journey
from webapp.current import stores
from webapp.limits import caller_place

blueprint = JourneyBlueprint(
    "journey_patients", __name__, url_prefix="/api/v1/patient-journey", description="One person's journey"
)


@blueprint.get("/current-state/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(PatientQuery, location="query", error_status_code=400)
@blueprint.response(200, JourneyOutput)
@fails(blueprint, 400, 401, 403, 404)
def show_state(caller: JourneyCaller, query: dict[str, Any]) -> dict[str, Any]:
    """The snapshot; staff name whose."""
    user_id = require_own(caller, query)
    snapshot = stores().journeys.read(lambda journey: read_snapshot(journey, user_id, caller.actor.role))
    return {"success": True, **snapshot}


@blueprint.post("/perform-action/")
@blueprint.post("/perform_action/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(PerformInput, error_status_code=400)
@blueprint.response(200, JourneyOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 410, 413, 415, 429)
def perform(caller: JourneyCaller, body: dict[str, Any]) -> Response:
    """An action of the caller's own role; the server decides where it leads."""
    key = take_key(body)
    return answer_of(act(stores(), caller, ActionRequest.of(body, key), g.request_id, caller_place()))


@blueprint.get("/history")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(HistoryQuery, location="query", error_status_code=400)
@blueprint.response(200, HistoryOutput)
@fails(blueprint, 400, 401, 403, 404)
def show_history(caller: JourneyCaller, query: dict[str, Any]) -> dict[str, Any]:
    """The steps of one visit, the oldest first; without `visit_id` of the present or last one."""
    user_id = require_own(caller, query)
    history = stores().journeys.read(lambda journey: read_history(journey, user_id, query["visit_id"]))
    return {"success": True, "visit_id": history.visit_id, "transitions": history.transitions}
