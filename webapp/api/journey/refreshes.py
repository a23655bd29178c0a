"""Exchanging a journey's refresh token, by cookie or in the body."""

from datetime import timedelta
from typing import Any

from flask import Response, jsonify

from core.logs import get_logger
from models.accounts import Login
from services.accounts.logins import LoginEnded, RefreshReused
from services.accounts.token_refresh import (
    Exchanged,
    RefreshKeyMismatch,
    ShownRefresh,
    TokenPair,
    exchange_refresh,
)
from services.journey.patient_logins import note_login_ended
from webapp.api.documented import fails
from webapp.api.journey import metrics
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.keys import REPLAYED_HEADER, take_key
from webapp.api.journey.schemas.logins import RefreshInput, RefreshOutput
from webapp.auth import mark_access
from webapp.auth.journey_callers import REFRESH, JourneyClaims, read_journey_token
from webapp.auth.journey_tokens import ACCESS_LIFE, keep_refresh_cookie, make_pair, new_token_id, shown_refresh_cookie
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import pseudonym

log = get_logger(__name__)
blueprint = JourneyBlueprint(
    "journey_refreshes", __name__, url_prefix="/api/v1/auth/token", description="Exchanging refresh tokens"
)


@blueprint.post("/refresh/")
@blueprint.arguments(RefreshInput, required=False, error_status_code=400)
@blueprint.response(200, RefreshOutput)
@fails(blueprint, 400, 401, 403, 409, 413, 415)
def refresh(body: dict[str, Any]) -> Response:
    """A new pair of tokens; the old refresh token ends. Shown again, it ends its login."""
    key = take_key(body)
    in_body: str | None = body.get("refresh_token")
    claims = read_journey_token(in_body or shown_refresh_cookie(), REFRESH)
    exchanged = _exchange(claims, key)
    answer = jsonify(_tokens(exchanged.pair, in_body=in_body is not None))
    if in_body is None:
        keep_refresh_cookie(answer, exchanged.pair.refresh_token)
    if exchanged.is_replayed:
        answer.headers[REPLAYED_HEADER] = "true"
    return answer


mark_access(refresh, "refresh token")


def _exchange(claims: JourneyClaims, key: str | None) -> Exchanged:
    """Raises ApiError."""
    here = stores()
    shown = ShownRefresh(claims.sid, claims.token_id, key)
    reused: RefreshReused | None = None
    with here.unit_of_work() as work:
        try:
            return exchange_refresh(work, here.sealer, shown, _issue)
        except LoginEnded as exc:
            raise ApiError(Code.TOKEN_REVOKED) from exc
        except RefreshKeyMismatch as exc:
            raise ApiError(Code.IDEMPOTENCY_MISMATCH) from exc
        except RefreshReused as exc:  # that the login was taken back must be committed
            note_login_ended(work.session, claims.sid)
            reused = exc
    metrics.REFRESH_REUSED.inc()
    log.warning("refresh_token_reused", user=pseudonym(str(claims.subject)))
    raise ApiError(Code.REFRESH_REUSED) from reused


def _issue(login: Login) -> TokenPair:
    return make_pair(login.principal_id, login.sid, new_token_id())


def _tokens(pair: TokenPair, *, in_body: bool) -> dict[str, Any]:
    tokens = {
        "success": True,
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIFE / timedelta(seconds=1)),
    }
    return tokens | ({"refresh_token": pair.refresh_token} if in_body else {})
