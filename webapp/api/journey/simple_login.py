"""Patients log in with the last four digits of their phone number and their birth date."""

from datetime import timedelta
from typing import Any

from flask import Response, g, jsonify

from core.logs import get_logger
from services.journey.scan_tokens import ScanTokenTaken
from services.journey.simple_login import LoggedIn, LoginWish, NobodyFits, ScannedTag, SeveralFit, log_in
from webapp.api.documented import fails
from webapp.api.journey import metrics
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.logins import SimpleLoginInput, SimpleLoginOutput
from webapp.auth import Role, mark_access
from webapp.auth.journey_tokens import ACCESS_LIFE, keep_refresh_cookie, make_pair, new_token_id
from webapp.auth.scan_tokens import ScanClaim, read_scan_token
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import FAILURES_PER_DEVICE, caller_place, limit_of_address, pseudonym
from webapp.origins import refuse_foreign_origin
from webapp.reserved_uses import Use, count_failures

log = get_logger(__name__)
blueprint = JourneyBlueprint("journey_logins", __name__, url_prefix="/api/v1/auth", description="Patients log in")
_PER_SCAN = "5 per 30 minutes"


@blueprint.post("/simple-login")
@blueprint.arguments(SimpleLoginInput, error_status_code=400)
@blueprint.response(200, SimpleLoginOutput)
@fails(blueprint, 400, 403, 404, 409, 410, 413, 415, 429)
def simple_login(body: dict[str, Any]) -> Response:
    """Opens the journey and no health record. With a scan token it is the arrival, too."""
    refuse_foreign_origin()
    claim = read_scan_token(body["scan_token"], body["device_id"]) if body["scan_token"] else None
    if claim is None and stores().settings.journey.login_needs_presence and body["name"] is None:
        raise ApiError(Code.VALIDATION_FAILED, details={"name": ["이름을 함께 입력해 주세요."]})
    try:
        with count_failures(*_uses_of(body, claim), failures=(NobodyFits, SeveralFit)):
            logged_in, pair_id = _log_in(body, claim)
    except (NobodyFits, SeveralFit) as exc:
        raise _refusal(exc) from exc
    metrics.LOGINS.labels("ok").inc()
    log.info("patient_logged_in", user=pseudonym(str(logged_in.user.user_id)))
    return _answer(logged_in, pair_id, in_body=body["refresh_in"] == "body")


mark_access(simple_login, "login")


def _log_in(body: dict[str, Any], claim: ScanClaim | None) -> tuple[LoggedIn, str]:
    """Raises ApiError, NobodyFits, SeveralFit."""
    phone: str | None = body["phone"] and body["phone"].replace("-", "")
    refresh_id = new_token_id()
    wish = LoginWish(
        phone_last4=phone[-4:] if phone else body["phone_last4"],
        birth_date=body["birth_date"],
        phone=phone,
        name=body["name"] and body["name"].strip(),
        device_id=body["device_id"],
        scan=None if claim is None else ScannedTag(claim.token_id, claim.tag_id, claim.expires_at),
        refresh_id=refresh_id,
    )
    here = stores()
    try:
        return here.journeys.run(lambda journey: log_in(journey, here.people, wish), g.request_id), refresh_id
    except ScanTokenTaken as exc:
        metrics.LOGINS.labels("scan_token_used").inc()
        raise ApiError(Code.SCAN_TOKEN_USED) from exc


def _uses_of(body: dict[str, Any], claim: ScanClaim | None) -> list[Use]:
    """Of which failures alone count: a waiting room of phones shares one address.

    By birth date alone, as each guess has other digits. Who stands in the hospital is counted apart: a stranger outside
    must not lock a person out.
    """
    settings, place = stores().settings.journey, caller_place()
    limit = limit_of_address(settings.login_failures_address, is_hospital=place.is_hospital)
    uses = [Use(limit, "journey-login-address", place.address)]
    if body["device_id"] is not None:
        uses.append(Use(FAILURES_PER_DEVICE, "journey-login-device", pseudonym(body["device_id"])))
    if claim is not None:
        uses.append(Use(_PER_SCAN, "journey-login-scan", claim.token_id.hex))
    where = "outside" if claim is None else "inside"
    born = pseudonym(f"journey-birth-date\x1f{body['birth_date'].isoformat()}")
    return [*uses, Use(settings.login_failures_date, f"journey-login-{where}", born)]


def _refusal(exc: NobodyFits | SeveralFit) -> ApiError:
    """No word of whom, and none of what does not fit."""
    metrics.LOGIN_FAILURES.inc()
    if isinstance(exc, SeveralFit):
        metrics.LOGINS.labels("ambiguous").inc()
        return ApiError(Code.AMBIGUOUS_LOGIN, details={"needs": ["name", "phone"]})
    metrics.LOGINS.labels("failed").inc()
    return ApiError(Code.PATIENT_NOT_FOUND)


def _answer(logged_in: LoggedIn, refresh_id: str, *, in_body: bool) -> Response:
    user = logged_in.user
    pair = make_pair(user.user_id, logged_in.sid, refresh_id)
    body = {
        "success": True,
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIFE / timedelta(seconds=1)),
        "user": {"user_id": str(user.user_id), "name": user.name, "role": Role.PATIENT},
        "journey": logged_in.snapshot,
    }
    answer = jsonify(body | ({"refresh_token": pair.refresh_token} if in_body else {}))
    if not in_body:
        keep_refresh_cookie(answer, pair.refresh_token)
    return answer
