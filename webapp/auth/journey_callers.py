"""Patients and staff of the journey: by bearer token of a login that holds, and by nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

import structlog
from flask_jwt_extended import decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from models.accounts import AccountKind, Scope
from models.journey import JourneyRole
from services.accounts.blacklist import TokenBlacklist
from services.accounts.logins import LoginEnded, LoginState, check_login
from services.accounts.token_claims import is_well_formed
from services.journey.actors import JourneyActor
from services.stores import Stores
from webapp.auth.access import mark_access
from webapp.auth.credentials import bearer_token
from webapp.auth.operations import require_operations
from webapp.auth.tokens import Role
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import pseudonym

P = ParamSpec("P")
R = TypeVar("R")

ACCESS, REFRESH = "access", "refresh"
# The kind of the logins of patients, who have no account.
PATIENT_LOGIN = "patient"
STAFF_ROLES = frozenset({Role.STAFF, Role.ADMIN})


@dataclass(frozen=True)
class JourneyClaims:
    """What a journey's token says whose signature and time hold; whether its login does is not asked yet."""

    sid: UUID
    token_id: str
    subject: UUID
    expires_at: datetime


@dataclass(frozen=True)
class JourneyCaller:
    """Whose login it is. `principal_id` is a patient's user_id, or a staff_id."""

    sid: UUID
    principal_id: UUID
    role: Role
    name: str | None = None

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    @property
    def actor(self) -> JourneyActor:
        return JourneyActor(JourneyRole(self.role), self.principal_id, self.sid)


def read_journey_token(token: str | None, kind: str = ACCESS) -> JourneyClaims:
    """Raises ApiError: TOKEN_EXPIRED for one of ours whose time is over, else UNAUTHORIZED."""
    if token is None:
        raise ApiError(Code.UNAUTHORIZED)
    try:
        return _journey_claims(token, kind)
    except ExpiredSignatureError as exc:
        _journey_claims(token, kind, allow_expired=True)
        raise ApiError(Code.TOKEN_EXPIRED) from exc


def _journey_claims(token: str, kind: str, *, allow_expired: bool = False) -> JourneyClaims:
    try:
        claims = cast("dict[str, Any]", decode_token(token, allow_expired=allow_expired))
    except ExpiredSignatureError:
        raise
    except (JWTExtendedException, PyJWTError) as exc:
        raise ApiError(Code.UNAUTHORIZED) from exc
    if not is_well_formed(claims) or claims.get("type") != kind or claims.get("scope") != Scope.JOURNEY:
        raise ApiError(Code.UNAUTHORIZED)
    try:
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return JourneyClaims(UUID(claims["sid"]), str(claims["jti"]), UUID(claims["sub"]), expires_at)
    except (KeyError, ValueError) as exc:
        raise ApiError(Code.UNAUTHORIZED) from exc


def find_caller(here: Stores, claims: JourneyClaims) -> JourneyCaller:
    """Whose login the token names, asked of PostgreSQL. Needs no request. Raises LoginEnded."""
    if TokenBlacklist(here.redis, here.clock).holds(claims.token_id):
        raise LoginEnded("the token was taken back")
    with here.unit_of_work() as work:
        return caller_of(check_login(work.session, claims.sid, Scope.JOURNEY))


def caller_of(login: LoginState) -> JourneyCaller:
    """Raises LoginEnded for what is neither a patient nor a member of staff."""
    if login.kind == PATIENT_LOGIN:
        return JourneyCaller(login.sid, login.principal_id, Role.PATIENT)
    if login.kind != AccountKind.STAFF or login.role is None:
        raise LoginEnded("the account is gone")
    return JourneyCaller(login.sid, login.principal_id, Role(login.role), login.name)


def require_journey(*roles: Role) -> JourneyCaller:
    """By bearer token only: no cookie, so no page can borrow it. Raises ApiError."""
    caller = _require_caller(read_journey_token(bearer_token()))
    if caller.role not in roles:
        raise ApiError(Code.FORBIDDEN)
    return caller


def _require_caller(claims: JourneyClaims) -> JourneyCaller:
    try:
        caller = find_caller(stores(), claims)
    except LoginEnded as exc:
        raise ApiError(Code.TOKEN_REVOKED) from exc
    structlog.contextvars.bind_contextvars(user=pseudonym(str(caller.principal_id)))
    return caller


def find_present_caller() -> JourneyCaller | None:
    """Of a route that strangers may call, too: None without a token. Raises ApiError for a token that is not taken."""
    token = bearer_token()
    return None if token is None else _require_caller(read_journey_token(token))


def _for_roles(*roles: Role) -> Callable[[Callable[Concatenate[JourneyCaller, P], R]], Callable[P, R]]:
    def decorate(function: Callable[Concatenate[JourneyCaller, P], R]) -> Callable[P, R]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            return function(require_journey(*roles), *args, **kwargs)

        return mark_access(guarded, "journey")

    return decorate


# Views of patients, of a hospital's staff, of its admins, of all of them; each gets the caller.
for_journey_patient = _for_roles(Role.PATIENT)
for_journey_staff = _for_roles(Role.STAFF, Role.ADMIN)
for_journey_admin = _for_roles(Role.ADMIN)
for_journey = _for_roles(Role.PATIENT, Role.STAFF, Role.ADMIN)


def for_journey_overseer(function: Callable[P, R]) -> Callable[P, R]:
    """A view of the hospital's admins and of operators, who may see how the journey fares and nothing else of it."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            require_journey(Role.ADMIN)
        except ApiError as exc:
            if exc.code is not Code.UNAUTHORIZED:
                raise
            require_operations(Role.OPERATOR)
        return function(*args, **kwargs)

    return mark_access(guarded, "operations")
