"""Whose records a caller may open, where the address does not name a patient."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from webapp.auth.access import mark_access
from webapp.auth.thread_members import require_known
from webapp.error_codes import Code
from webapp.errors import ApiError

P = ParamSpec("P")
R = TypeVar("R")


def require_own_patient() -> UUID:
    """By the same credentials as in threads. Raises ApiError: 401 for nobody, 403 for staff."""
    kind, _, name = require_known().member.partition(":")
    if kind != "patient":
        raise ApiError(Code.FORBIDDEN)
    return UUID(name)


def for_own_patient(function: Callable[Concatenate[UUID, P], R]) -> Callable[P, R]:
    """A view of whoever asks, as a patient."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(require_own_patient(), *args, **kwargs)

    return mark_access(guarded, "own_patient")
