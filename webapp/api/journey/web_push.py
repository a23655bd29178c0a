"""Which browser of a patient is told while its page is closed."""

from typing import Any

from services.accounts.logins import LoginEnded
from services.journey.web_push.messages import PushKey
from services.journey.web_push.subscriptions import InvalidPushKey, PushTarget, make_target
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.web_push import WebPushInput, WebPushOutput
from webapp.auth.journey_callers import JourneyCaller, for_journey_patient
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import count_use

blueprint = JourneyBlueprint(
    "journey_web_push", __name__, url_prefix="/api/v1/notifications/push", description="Notifications by web push"
)
# A browser tells its subscription once for each opening of the page.
_SUBSCRIBES = "30 per 10 minutes"


@blueprint.get("/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_patient
@blueprint.response(200, WebPushOutput)
@fails(blueprint, 401, 403)
def show_web_push(caller: JourneyCaller) -> dict[str, Any]:
    """What a browser needs to subscribe."""
    here = stores()
    with here.unit_of_work.reading() as work:
        is_subscribed = here.web_push.is_kept(work.session, caller.sid)
    return _answer(is_subscribed=is_subscribed)


@blueprint.put("/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_patient
@blueprint.arguments(WebPushInput, error_status_code=400)
@blueprint.response(200, WebPushOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415, 429)
def subscribe(caller: JourneyCaller, body: dict[str, Any]) -> dict[str, Any]:
    """Have this browser told, in the place of what this login or this browser had before. It ends with the login. 404
    where web push is off."""
    here = stores()
    if not here.settings.journey.push_hosts:
        raise ApiError(Code.NOT_FOUND)
    count_use(_SUBSCRIBES, "web-push", str(caller.principal_id))
    target = _read_target(body)
    try:
        with here.unit_of_work() as work:
            here.web_push.keep(work.session, caller.sid, caller.principal_id, target)
    except LoginEnded as exc:
        raise ApiError(Code.TOKEN_REVOKED) from exc
    return _answer(is_subscribed=True)


@blueprint.delete("/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_patient
@blueprint.response(200, WebPushOutput)
@fails(blueprint, 401, 403)
def unsubscribe(caller: JourneyCaller) -> dict[str, Any]:
    """Tell this browser no more. Twice is once."""
    here = stores()
    with here.unit_of_work() as work:
        here.web_push.drop(work.session, caller.sid)
    return _answer(is_subscribed=False)


def _read_target(body: dict[str, Any]) -> PushTarget:
    """Raises ApiError. An endpoint is called by us: only hosts that an operator has named are."""
    if not stores().settings.journey.push_hosts.find(body["endpoint"]):
        raise _refusal("endpoint", "이 브라우저의 알림 서비스는 여기서 쓸 수 없어요. 화면을 켜 두면 불러 드려요.")
    try:
        return make_target(body["endpoint"], body["keys"]["p256dh"], body["keys"]["auth"])
    except InvalidPushKey as exc:
        raise _refusal("keys.p256dh", "브라우저가 준 알림 구독을 그대로 보내 주세요.") from exc


def _refusal(field: str, sentence: str) -> ApiError:
    return ApiError(Code.VALIDATION_FAILED, details={field: [sentence]})


def _answer(*, is_subscribed: bool) -> dict[str, Any]:
    journey = stores().settings.journey
    public_key = PushKey(journey.push_key).public_key if journey.push_hosts else None
    return {"success": True, "public_key": public_key, "is_subscribed": is_subscribed}
