"""What a person was told, and that they have read it."""

from typing import Any

from services.journey.notifications import list_notifications, read_notification
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.staff import NotificationOutput, NotificationsOutput
from webapp.auth.journey_callers import JourneyCaller, for_journey_patient
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

blueprint = JourneyBlueprint(
    "journey_notifications", __name__, url_prefix="/api/v1/notifications", description="What a person was told"
)
_ID_MAX_DIGITS = 18


@blueprint.get("/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_patient
@blueprint.response(200, NotificationsOutput)
@fails(blueprint, 401, 403)
def show_notifications(caller: JourneyCaller) -> dict[str, Any]:
    """The newest first."""
    found = stores().journeys.read(lambda journey: list_notifications(journey, caller.principal_id))
    return {"success": True, "notifications": found}


@blueprint.post("/<string:notification_id>/read")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_patient
@blueprint.response(200, NotificationOutput)
@fails(blueprint, 401, 403, 404, 413)
def read(caller: JourneyCaller, notification_id: str) -> dict[str, Any]:
    """Of a call it tells the desk that the phone has shown it."""
    if not notification_id.isascii() or not notification_id.isdecimal() or len(notification_id) > _ID_MAX_DIGITS:
        raise ApiError(Code.NOT_FOUND)
    known = int(notification_id)
    notification = stores().journeys.run(lambda journey: read_notification(journey, caller.principal_id, known))
    return {"success": True, "notification": notification}
