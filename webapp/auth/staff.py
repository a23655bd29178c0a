"""Members of staff: by bearer token only."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from webapp.auth.access import mark_access
from webapp.auth.tokens import Role, verified_claims
from webapp.errors import ApiError, Code

P = ParamSpec("P")
R = TypeVar("R")


def require_staff() -> str:
    """The name of the member of staff. By bearer token only: no cookie, so no page can borrow it. Raises ApiError."""
    claims = verified_claims("headers")
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
