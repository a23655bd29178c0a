"""What a member of staff chooses from before their shift, and the shift that they have."""

from typing import Any

from services.journey.hospital_cache import HospitalCache
from services.journey.shifts import find_shift
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.shift_choices import ShiftChoicesOutput
from webapp.auth.journey_callers import JourneyCaller, for_journey_staff
from webapp.current import stores

blueprint = JourneyBlueprint(
    "journey_shift_choices", __name__, url_prefix="/api/v1/staff", description="Before the desk opens"
)


@blueprint.get("/shifts")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.response(200, ShiftChoicesOutput)
@fails(blueprint, 401, 403)
def show_choices(caller: JourneyCaller) -> dict[str, Any]:
    """All exams and rooms, and one's own open shift."""
    here = stores()
    hospital = HospitalCache(here.redis, here.sessions).look()
    shift = here.journeys.read(lambda journey: find_shift(journey, caller.actor))
    return {
        "success": True,
        "shift": shift,
        "exams": list(hospital.exams.values()),
        "rooms": list(hospital.rooms.values()),
    }
