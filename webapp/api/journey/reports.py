"""What pages report of themselves: kept as counters and one line of the log each, with nothing that somebody typed."""

from typing import Any

from core.logs import get_logger
from webapp.api.documented import fails
from webapp.api.journey import metrics
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.reports import ClientErrorInput, ClientMetricsInput
from webapp.auth import mark_access
from webapp.bodies import takes_json
from webapp.limits import caller_address, count_use
from webapp.origins import refuse_foreign_origin

log = get_logger(__name__)
blueprint = JourneyBlueprint("journey_reports", __name__, url_prefix="/api/v1", description="Pages about themselves")
_MAX_BYTES = 8 * 1024
_LIMIT = "60 per minute"


@blueprint.post("/client-errors")
@takes_json(_MAX_BYTES)
@blueprint.arguments(ClientErrorInput, error_status_code=400)
@blueprint.response(204)
@fails(blueprint, 400, 403, 413, 415, 429)
def report_error(body: dict[str, Any]) -> None:
    """An error that nobody has caught in a page."""
    _count("client-errors")
    metrics.CLIENT_ERRORS.labels(body["kind"]).inc()
    log.warning("client_error", **body)


@blueprint.post("/client-metrics")
@takes_json(_MAX_BYTES)
@blueprint.arguments(ClientMetricsInput, error_status_code=400)
@blueprint.response(204)
@fails(blueprint, 400, 403, 413, 415, 429)
def report_duration(body: dict[str, Any]) -> None:
    """How long a call took, as the page saw it."""
    _count("client-metrics")
    metrics.CLIENT_SECONDS.labels(body["call"], body["outcome"]).observe(body["duration_ms"] / 1000)
    log.info("client_call", **body)


def _count(what: str) -> None:
    """Raises ApiError."""
    refuse_foreign_origin()
    count_use(_LIMIT, what, caller_address())


mark_access(report_error, "public")
mark_access(report_duration, "public")
