"""How the journey fares, for operators and the hospital's admins: the checker, the day's figures."""

from typing import Any

from services.journey.health import HealthReport, check_health, health_body
from services.journey.statistics import read_exam_days, statistics_body
from services.journey.work import JourneyWork
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.oversight import JourneyHealthOutput, JourneyStatsOutput
from webapp.auth.journey_callers import for_journey_overseer
from webapp.current import stores

blueprint = JourneyBlueprint("journey_oversight", __name__, url_prefix="/api/v1/admin/journey", description="Oversight")


@blueprint.get("/health")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_overseer
@blueprint.response(200, JourneyHealthOutput)
@fails(blueprint, 401, 403)
def show_health() -> dict[str, Any]:
    """Whether people and lines agree, and every visit is a chain of known steps. Reads all there is."""
    report: HealthReport = stores().journeys.read(check_health)
    return {"success": True, **health_body(report)}


@blueprint.get("/stats")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_overseer
@blueprint.response(200, JourneyStatsOutput)
@fails(blueprint, 401, 403)
def show_stats() -> dict[str, Any]:
    """People, lines, and for each exam how today goes."""

    def read(journey: JourneyWork) -> dict[str, Any]:
        return statistics_body(check_health(journey, journey.now), read_exam_days(journey))

    return {"success": True, **stores().journeys.read(read)}
