"""Who may push: whoever is known, or holds the push pass of a device, as bearer token or in its cookie."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from flask import Response, g, request

from services.threads.audit import AuditedCaller
from services.threads.push_pass import find_holder
from webapp.auth.access import mark_access
from webapp.auth.credentials import bearer_token
from webapp.auth.thread_members import require_known
from webapp.cookies import PUSH_COOKIE, PUSH_PATH, cookie_name
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.origins import require_listed_origin

P = ParamSpec("P")
R = TypeVar("R")
_DAY_SECONDS = 86_400
# Of a login that is over, which is what the pass is for.
_OVER = frozenset({Code.UNAUTHORIZED, Code.TOKEN_EXPIRED, Code.TOKEN_REVOKED})


@dataclass(frozen=True, slots=True)
class Sender:
    """`only_device`: whose pass it is, which speaks for no other device."""

    caller: AuditedCaller
    only_device: str | None = None


def require_sender() -> Sender:
    """Raises ApiError."""
    try:
        return Sender(require_known().as_caller())
    except ApiError as exc:
        sender = _find_holder() if exc.code in _OVER else None
        if sender is None:
            raise
        return sender


def find_holder_of(device_ids: set[str]) -> Sender | None:
    """Whose pass the browser's cookie is, whoever else is signed in there, if all of these are the pass's device.
    Raises ApiError."""
    holder = _find_holder()
    return holder if holder is not None and device_ids == {holder.only_device} else None


def _find_holder() -> Sender | None:
    bearer, cookie = bearer_token(), request.cookies.get(_cookie_name())
    token = bearer or cookie
    if token is None:
        return None
    here = stores()
    with here.sessions() as session:
        holder = find_holder(session, token, here.clock.now())
    if holder is None:
        return None
    if bearer is None:
        require_listed_origin()
    return Sender(AuditedCaller.at(holder.member, request.remote_addr, g.request_id), holder.device_id)


def for_sender(function: Callable[Concatenate[Sender, P], R]) -> Callable[P, R]:
    """A view that takes envelopes; it gets the sender."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(require_sender(), *args, **kwargs)

    return mark_access(guarded, "thread_sender")


def keep_push_cookie(response: Response, token: str) -> Response:
    settings = stores().settings
    response.set_cookie(
        _cookie_name(),
        token,
        max_age=settings.threads.push_pass_days * _DAY_SECONDS,
        httponly=True,
        samesite="Strict",
        secure=settings.web.cookie_secure,
        path=PUSH_PATH,
    )
    return response


def _cookie_name() -> str:
    return cookie_name(PUSH_COOKIE, is_secure=stores().settings.web.cookie_secure, path=PUSH_PATH)
