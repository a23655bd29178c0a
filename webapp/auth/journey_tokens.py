"""The tokens of a journey's login: access and refresh tokens of patients, and the cookie that holds the latter."""

from datetime import timedelta
from uuid import UUID, uuid4

from flask import Response, request
from flask_jwt_extended import create_access_token, create_refresh_token

from models.accounts import RevokedWhy, Scope
from services.accounts.logins import end_login
from services.accounts.token_refresh import TokenPair
from services.delivery.unit_of_work import Work
from services.journey.patient_logins import REFRESH_LIFE, note_login_ended
from webapp.auth.tokens import Role
from webapp.cookies import cookie_name
from webapp.current import stores
from webapp.origins import require_listed_origin

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_COOKIE = "welno_refresh"
_COOKIE_PATH = "/api/v1/auth"


def new_token_id() -> str:
    return str(uuid4())


def make_pair(user_id: UUID, sid: UUID, refresh_id: str) -> TokenPair:
    """`refresh_id` is to be the refresh token's id, which the login knows it by."""
    claims = {"role": Role.PATIENT, "scope": Scope.JOURNEY, "sid": str(sid)}
    access = create_access_token(str(user_id), expires_delta=ACCESS_LIFE, additional_claims=claims)
    refresh = create_refresh_token(
        str(user_id), expires_delta=REFRESH_LIFE, additional_claims=claims | {"jti": refresh_id}
    )
    return TokenPair(access, refresh, refresh_id)


def shown_refresh_cookie() -> str | None:
    """Raises ApiError when a page that is not listed sent it."""
    token = request.cookies.get(_cookie_name())
    if token is not None:
        require_listed_origin()
    return token


def keep_refresh_cookie(response: Response, token: str) -> None:
    response.set_cookie(
        _cookie_name(),
        token,
        max_age=int(REFRESH_LIFE.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=stores().settings.web.cookie_secure,
        path=_COOKIE_PATH,
    )


def drop_refresh_cookie(response: Response) -> None:
    secure = stores().settings.web.cookie_secure
    response.delete_cookie(_cookie_name(), path=_COOKIE_PATH, httponly=True, samesite="Strict", secure=secure)


def _cookie_name() -> str:
    return cookie_name(REFRESH_COOKIE, is_secure=stores().settings.web.cookie_secure, path=_COOKIE_PATH)


def sign_out(work: Work, sid: UUID) -> bool:
    """Sign out, of whatever kind the login is; a patient's state says whether they are logged in anywhere else. Whether
    it held until now."""
    held = end_login(work, sid, RevokedWhy.SIGNED_OUT)
    note_login_ended(work.session, sid)
    return held
