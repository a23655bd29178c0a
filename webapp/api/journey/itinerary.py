"""What a person still has to do today, in the best order: a suggestion."""

from typing import Any

from services.journey.itineraries import itinerary_body, read_itinerary
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.acting import require_own
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.actions import PatientQuery
from webapp.api.journey.schemas.itinerary import ItineraryOutput
from webapp.auth.journey_callers import JourneyCaller, for_journey
from webapp.current import stores

blueprint = JourneyBlueprint(
    "journey_itinerary", __name__, url_prefix="/api/v1/patient-journey", description="What is still to do today"
)


@blueprint.get("/itinerary")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey
@blueprint.arguments(PatientQuery, location="query", error_status_code=400)
@blueprint.response(200, ItineraryOutput)
@fails(blueprint, 400, 401, 403, 404)
def show_itinerary(caller: JourneyCaller, query: dict[str, Any]) -> dict[str, Any]:
    """Today's open appointments by the waits of this moment; staff name whose."""
    user_id = require_own(caller, query)
    itinerary = stores().journeys.read(lambda journey: read_itinerary(journey, user_id))
    return {"success": True, **itinerary_body(itinerary)}
