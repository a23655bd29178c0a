"""The tokens of a member's login, and the cookies that hold them."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from flask import Response, request
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from models.accounts import Scope
from services.accounts.token_claims import is_well_formed
from services.accounts.token_refresh import ShownRefresh, TokenPair
from webapp.auth.tokens import Role
from webapp.cookies import ACCOUNT_COOKIE, ACCOUNT_REFRESH_COOKIE, cookie_name
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.origins import require_listed_origin

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=14)
_REFRESH_PATH = "/api/v1/accounts"
_ACCESS, _REFRESH = "access", "refresh"


def new_refresh_id() -> str:
    return str(uuid4())


def make_member_pair(account_id: UUID, sid: UUID, refresh_id: str) -> TokenPair:
    """`refresh_id` is to be the refresh token's id, which the login knows it by."""
    claims = {"role": Role.MEMBER, "scope": Scope.INTERVIEWS, "sid": str(sid)}
    access = create_access_token(str(account_id), expires_delta=ACCESS_LIFE, additional_claims=claims)
    refresh = create_refresh_token(
        str(account_id), expires_delta=REFRESH_LIFE, additional_claims=claims | {"jti": refresh_id}
    )
    return TokenPair(access, refresh, refresh_id)


def read_member_sid(token: str) -> UUID:
    """The login that an access token names. Raises ApiError."""
    try:
        claims = _claims_of(token, _ACCESS)
    except ExpiredSignatureError as exc:
        raise ApiError(Code.UNAUTHORIZED) from exc
    return UUID(claims["sid"])


def read_member_refresh(token: str | None, key: str | None) -> ShownRefresh:
    """Raises ApiError, which tells a token whose time is over from what is none."""
    if token is None:
        raise ApiError(Code.UNAUTHORIZED)
    try:
        claims = _claims_of(token, _REFRESH)
    except ExpiredSignatureError as exc:
        raise ApiError(Code.TOKEN_EXPIRED) from exc
    return ShownRefresh(UUID(claims["sid"]), str(claims["jti"]), key)


def _claims_of(token: str, kind: str) -> dict[str, Any]:
    """Raises ExpiredSignatureError, ApiError."""
    try:
        claims = cast("dict[str, Any]", decode_token(token))
    except ExpiredSignatureError:
        raise
    except (JWTExtendedException, PyJWTError) as exc:
        raise ApiError(Code.UNAUTHORIZED) from exc
    if not is_well_formed(claims) or "sid" not in claims:
        raise ApiError(Code.UNAUTHORIZED)
    if claims.get("type") != kind or claims.get("scope") != Scope.INTERVIEWS:
        raise ApiError(Code.UNAUTHORIZED)
    return claims


def access_cookie() -> str | None:
    """Raises ApiError for an unsafe call of a page that is not listed."""
    return _shown(ACCOUNT_COOKIE, "/")


def refresh_cookie() -> str | None:
    """The same."""
    return _shown(ACCOUNT_REFRESH_COOKIE, _REFRESH_PATH)


def _shown(name: str, path: str) -> str | None:
    token = request.cookies.get(cookie_name(name, is_secure=_is_secure(), path=path))
    if token is not None:
        require_listed_origin()
    return token


def keep_member_cookies(response: Response, pair: TokenPair) -> None:
    _keep(response, ACCOUNT_COOKIE, pair.access_token, ACCESS_LIFE, "/")
    _keep(response, ACCOUNT_REFRESH_COOKIE, pair.refresh_token, REFRESH_LIFE, _REFRESH_PATH)


def _keep(response: Response, name: str, token: str, life: timedelta, path: str) -> None:
    response.set_cookie(
        cookie_name(name, is_secure=_is_secure(), path=path),
        token,
        max_age=int(life.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=_is_secure(),
        path=path,
    )


def drop_member_cookies(response: Response) -> None:
    secure = _is_secure()
    for name, path in ((ACCOUNT_COOKIE, "/"), (ACCOUNT_REFRESH_COOKIE, _REFRESH_PATH)):
        named = cookie_name(name, is_secure=secure, path=path)
        response.delete_cookie(named, path=path, httponly=True, samesite="Strict", secure=secure)


def _is_secure() -> bool:
    return stores().settings.web.cookie_secure
