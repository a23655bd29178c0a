"""Who asks: the holder of a session, a patient who typed the password, or staff; everybody else is a stranger.

A session's token on the wire is `{session_id}.{secret}`, so that the records, whose address names no session, can be
asked for with it. It travels as cookie or bearer token, or as a sub-protocol of a WebSocket; never in an address.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import structlog
from flask import Response, g, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    get_jwt,
    set_access_cookies,
    unset_access_cookies,
    verify_jwt_in_request,
)
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from redis import Redis

from core.clock import clock
from core.names import Step
from services.collection.errors import SessionNotFound
from services.collection.session_cache import SessionView
from webapp.current import stores
from webapp.errors import ApiError, Code
from webapp.extensions import PATIENT_COOKIE, PATIENT_TOKEN_LIFE
from webapp.origins import SAFE_METHODS, require_listed_origin

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

SESSION_COOKIE = "welno_session"
TOKEN_PROTOCOL = "welno.token."  # noqa: S105 how a sub-protocol with a token begins
_STEPS = list(Step)


class Role(StrEnum):
    PATIENT = "patient"
    STAFF = "staff"
    ADMIN = "admin"


@dataclass(frozen=True)
class Credential:
    """A session's token as it was presented. Its repr shows no secret."""

    session_id: str
    secret: str = field(repr=False)
    by_cookie: bool

    def is_for(self, session_id: str) -> bool:
        return _canonical(self.session_id) == _canonical(session_id) is not None


def _canonical(session_id: str) -> str | None:
    try:
        return str(UUID(session_id))
    except ValueError:
        return None


def join_token(session_id: str, secret: str) -> str:
    return f"{session_id}.{secret}"


def presented_credential() -> Credential | None:
    """A bearer token or sub-protocol wins over the cookie: a page of another site cannot make a browser send those."""
    for token in (_bearer(), _sub_protocol()):
        if token is not None and (found := _split(token, by_cookie=False)):
            return found
    return _split(request.cookies.get(SESSION_COOKIE, ""), by_cookie=True)


def _bearer() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _sub_protocol() -> str | None:
    offered = (item.strip() for item in request.headers.get("Sec-WebSocket-Protocol", "").split(","))
    return next((item[len(TOKEN_PROTOCOL) :] for item in offered if item.startswith(TOKEN_PROTOCOL)), None)


def _split(token: str, *, by_cookie: bool) -> Credential | None:
    session_id, dot, secret = token.partition(".")
    if not dot or not secret or "." in secret or _canonical(session_id) is None:
        return None
    return Credential(session_id, secret, by_cookie)


# Sessions


def require_session(session_id: str) -> SessionView:
    """The caller's own session, renewed by this use. Raises SessionNotFound, SessionExpired, ApiError."""
    credential = presented_credential()
    if credential is None or not credential.is_for(session_id):
        raise SessionNotFound(session_id)
    view = stores().directory.find(session_id, credential.secret)
    if credential.by_cookie:
        require_listed_origin()
    renew_session(view)
    return view


def renew_session(view: SessionView) -> None:
    directory = stores().directory
    deadline = directory.renewal(view)
    if deadline is not None:
        with stores().unit_of_work() as work:
            directory.renew(work, view, deadline)


def for_session(function: Callable[Concatenate[SessionView, P], R]) -> Callable[..., R]:
    """A view of one session: the address' id becomes the caller's own session, or the answer is 404."""

    @wraps(function)
    def guarded(session_id: str, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(require_session(session_id), *args, **kwargs)

    return mark_access(guarded, "session")


def keep_session_cookie(response: Response, token: str) -> None:
    settings = stores().settings
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(settings.collection.session_max_seconds),
        httponly=True,
        samesite="Strict",
        secure=settings.web.cookie_secure,
        path="/",
    )


def drop_session_cookie(response: Response) -> None:
    response.delete_cookie(
        SESSION_COOKIE, path="/", httponly=True, samesite="Strict", secure=stores().settings.web.cookie_secure
    )


# Patients


def has_identified(view: SessionView, patient_uuid: UUID) -> bool:
    """Whether the session's person proved to be this patient. A uuid that is only reserved proves nothing: the
    browser may have named it."""
    behind_identification = _STEPS.index(Step(view.step)) > _STEPS.index(Step.IDENTIFY_PATIENT)
    return view.auth_completed and behind_identification and view.patient_uuid == str(patient_uuid)


def require_patient(patient_uuid: UUID) -> None:
    """For the session that identified the patient, or after the password. Raises ApiError (404 for strangers)."""
    if not _is_identifying_session(patient_uuid) and not _knew_password(patient_uuid):
        raise ApiError(Code.PATIENT_NOT_FOUND)


def require_identifying_session(patient_uuid: UUID) -> None:
    """Only for the session that identified the patient. Raises ApiError."""
    if not _is_identifying_session(patient_uuid):
        raise ApiError(Code.PATIENT_NOT_FOUND)


def _is_identifying_session(patient_uuid: UUID) -> bool:
    credential = presented_credential()
    if credential is None:
        return False
    try:
        view = stores().directory.find(credential.session_id, credential.secret)
    except SessionNotFound:
        return False
    if not has_identified(view, patient_uuid):
        return False
    if credential.by_cookie:
        require_listed_origin()
    renew_session(view)
    return True


def _knew_password(patient_uuid: UUID) -> bool:
    """By a patient's access token, as bearer or in its cookie."""
    claims = _claims("headers") or _claims("cookies")
    if claims is None or claims.get("role") != Role.PATIENT or claims.get("sub") != str(patient_uuid):
        return False
    if request.method not in SAFE_METHODS and _claims("headers") is None:
        require_listed_origin()
    return True


def for_patient(function: Callable[Concatenate[UUID, P], R]) -> Callable[..., R]:
    """A view of one patient's records."""

    @wraps(function)
    def guarded(patient_uuid: UUID, *args: P.args, **kwargs: P.kwargs) -> R:
        require_patient(patient_uuid)
        return function(patient_uuid, *args, **kwargs)

    return mark_access(guarded, "patient")


def open_records(response: Response, patient_uuid: UUID) -> str:
    """The access token of a patient who typed the right password, also set as a cookie."""
    # To the microsecond, unlike `iat`: a token given right after a change of password must outlive it.
    claims = {"role": Role.PATIENT, "issued_at": clock.now().timestamp()}
    token: str = create_access_token(str(patient_uuid), additional_claims=claims)
    set_access_cookies(response, token, max_age=int(PATIENT_TOKEN_LIFE.total_seconds()))
    return token


def close_records(response: Response) -> None:
    unset_access_cookies(response)


# Staff


def require_staff() -> str:
    """The name of the member of staff. By bearer token only: no cookie, so no page can borrow it. Raises ApiError."""
    claims = _claims("headers")
    if claims is None:
        raise ApiError(Code.UNAUTHORIZED)
    if claims.get("role") not in {Role.STAFF, Role.ADMIN}:
        raise ApiError(Code.FORBIDDEN)
    name = str(claims["sub"])
    structlog.contextvars.bind_contextvars(staff=name)
    return name


def for_staff(function: Callable[Concatenate[str, P], R]) -> Callable[P, R]:
    """A view for operators; it gets their name for the log."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(require_staff(), *args, **kwargs)

    return mark_access(guarded, "staff")


def mark_access(function: F, access: str) -> F:
    """Note on a view who may call it; a test reads it from every route."""
    function.access = access  # type: ignore[attr-defined]
    return function


# Access tokens


def _claims(location: str) -> dict[str, Any] | None:
    """Of a valid, unrevoked access token there; None for anything else. Raises RedisError: unsure is no."""
    if (_bearer() if location == "headers" else request.cookies.get(PATIENT_COOKIE)) is None:
        return None
    # The library keeps what it found for the whole request, whatever location is asked for next.
    g.pop("_jwt_extended_jwt", None)
    try:
        verify_jwt_in_request(locations=[location])
    except (JWTExtendedException, PyJWTError):
        return None
    claims: dict[str, Any] = get_jwt()
    return claims


def answer_revoked(jwt: JWTManager) -> None:
    """Ask Redis for every token whether it was taken back."""

    @jwt.token_in_blocklist_loader
    def is_revoked(_: dict[str, Any], claims: dict[str, Any]) -> bool:
        taken_back, since = stores().redis.mget(f"blacklist:{claims['jti']}", _since_key(claims["sub"]))
        issued_at = claims.get("issued_at", claims["iat"])
        return taken_back is not None or (since is not None and issued_at <= float(since))


def revoke_token(redis: Redis, jti: str, expires_at: float, now: datetime) -> None:
    """Until it would have ended anyway."""
    left = int(expires_at - now.timestamp()) + 1
    if left > 0:
        redis.set(f"blacklist:{jti}", "1", ex=left)


def revoke_earlier(redis: Redis, subject: str, life: timedelta = PATIENT_TOKEN_LIFE) -> None:
    """Take back every token that the subject was given until now, as after a changed password."""
    redis.set(_since_key(subject), str(clock.now().timestamp()), ex=int(life.total_seconds()) + 1)


def _since_key(subject: str) -> str:
    # Hashed, because a subject is a patient's uuid or a name of staff.
    return f"blacklist:since:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"
