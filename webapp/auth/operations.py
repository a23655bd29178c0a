"""Operators and auditors: by bearer token only, signed in with a second factor, or holding a command's token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import structlog
from flask import request

from models.accounts import Scope
from services.accounts.logins import LoginEnded, LoginState, check_login
from webapp.auth.access import mark_access
from webapp.auth.tokens import Role, verified_claims
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

P = ParamSpec("P")
R = TypeVar("R")


def require_operations(*roles: Role) -> str:
    """The name under which whoever asks stands in the logs: an account's id, or what a command's token was made for.

    By bearer token only: no cookie, so no page can borrow it. Raises ApiError.
    """
    claims = _operations_claims()
    role = claims.get("role")
    if "sid" in claims:
        login = _live_login(claims)
        if not login.second_factor and not stores().settings.accounts.demo:
            raise ApiError(Code.SECOND_FACTOR_REQUIRED)
        role = login.role
    if role not in roles:
        raise ApiError(Code.FORBIDDEN)
    name = str(claims["sub"])
    structlog.contextvars.bind_contextvars(staff=name)
    return name


@dataclass(frozen=True)
class AccountToken:
    """Of whom a token is. `sid` is None for a command's token, which has no login."""

    name: str
    role: str
    sid: UUID | None
    token_id: str
    expires_at: datetime


def require_account() -> AccountToken:
    """A valid token of operators or of the journey, whatever it may do. Raises ApiError."""
    claims = verified_claims("headers")
    if claims is None or claims.get("scope") not in {Scope.OPERATIONS, Scope.JOURNEY}:
        raise ApiError(Code.UNAUTHORIZED)
    sid = UUID(claims["sid"]) if "sid" in claims else None
    return AccountToken(
        str(claims["sub"]), str(claims["role"]), sid, str(claims["jti"]), datetime.fromtimestamp(claims["exp"], UTC)
    )


def require_operator_login() -> LoginState:
    """An operator's or auditor's own login, also one that has no second factor yet. Raises ApiError."""
    claims = _operations_claims()
    if "sid" not in claims:
        raise ApiError(Code.FORBIDDEN)
    return _live_login(claims)


def _operations_claims() -> dict[str, Any]:
    claims = verified_claims("headers")
    if claims is None:
        raise ApiError(Code.UNAUTHORIZED)
    if claims.get("scope") != Scope.OPERATIONS:
        raise ApiError(Code.FORBIDDEN)
    return claims


def _live_login(claims: dict[str, Any]) -> LoginState:
    idle = timedelta(seconds=stores().settings.accounts.operator_idle_seconds)
    # A page that refreshes itself says so: nobody needs to be there.
    is_use = request.headers.get("X-Welno-Background") is None
    with stores().unit_of_work() as work:
        try:
            return check_login(work.session, UUID(claims["sid"]), Scope.OPERATIONS, idle=idle, is_use=is_use)
        except LoginEnded as exc:
            raise ApiError(Code.UNAUTHORIZED) from exc


def _for_roles(*roles: Role) -> Callable[[Callable[Concatenate[str, P], R]], Callable[P, R]]:
    def decorate(function: Callable[Concatenate[str, P], R]) -> Callable[P, R]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            return function(require_operations(*roles), *args, **kwargs)

        return mark_access(guarded, "operations")

    return decorate


def for_operator_login(function: Callable[Concatenate[LoginState, P], R]) -> Callable[P, R]:
    """A view of operators and auditors, also of those who have no second factor yet; it gets their login."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(require_operator_login(), *args, **kwargs)

    return mark_access(guarded, "operations")


# Views of operators, of auditors, of both; each gets their name for the log.
for_operator = _for_roles(Role.OPERATOR)
for_auditor = _for_roles(Role.AUDITOR)
for_operations = _for_roles(Role.OPERATOR, Role.AUDITOR)
