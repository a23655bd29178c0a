"""Screens in the hospital's halls: each by its own key, as a bearer token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

from models.journey import Display
from services.journey.hospital import NotThere, find_display
from webapp.auth.access import mark_access
from webapp.auth.credentials import bearer_token
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class HallScreen:
    """A display whose key was shown."""

    display_id: str
    key_hash: str
    exam_ids: tuple[str, ...]

    @classmethod
    def of(cls, display: Display) -> Self:
        return cls(display.display_id, display.key_hash, tuple(display.exam_ids))


def require_display(display_id: str) -> HallScreen:
    """Raises ApiError."""
    key = bearer_token()
    if key is None:
        raise ApiError(Code.UNAUTHORIZED)
    with stores().sessions() as session:
        try:
            display = find_display(session, display_id, key)
        except NotThere as exc:
            raise ApiError(Code.NOT_FOUND) from exc
    if display is None:
        raise ApiError(Code.UNAUTHORIZED)
    return HallScreen.of(display)


def for_display(function: Callable[Concatenate[HallScreen, P], R]) -> Callable[..., R]:
    """A view of one hall: the address' id becomes the screen whose key was shown."""

    @wraps(function)
    def guarded(display_id: str, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(require_display(display_id), *args, **kwargs)

    return mark_access(guarded, "display")
