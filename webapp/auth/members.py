"""Members of companies: by bearer token or cookie of a login that holds; what they may do is asked of PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

import structlog

from models.accounts import AccountKind, Scope
from services.accounts.logins import LoginEnded, check_login
from webapp.auth.access import mark_access
from webapp.auth.credentials import bearer_token
from webapp.auth.member_tokens import access_cookie, read_member_sid
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import pseudonym

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class MemberCaller:
    """Whose login it is."""

    sid: UUID
    account_id: UUID
    name: str


def require_member() -> MemberCaller:
    """A bearer token wins over the cookie, which no page of another site may borrow. Raises ApiError."""
    token = bearer_token() or access_cookie()
    if token is None:
        raise ApiError(Code.UNAUTHORIZED)
    sid = read_member_sid(token)
    with stores().unit_of_work() as work:
        try:
            login = check_login(work.session, sid, Scope.INTERVIEWS)
        except LoginEnded as exc:
            raise ApiError(Code.UNAUTHORIZED) from exc
    if login.kind != AccountKind.MEMBER or login.role is None:
        raise ApiError(Code.UNAUTHORIZED)
    structlog.contextvars.bind_contextvars(member=pseudonym(str(login.principal_id)))
    return MemberCaller(login.sid, login.principal_id, login.name or "")


def for_member(function: Callable[Concatenate[MemberCaller, P], R]) -> Callable[P, R]:
    """A view of members; it gets the caller."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(require_member(), *args, **kwargs)

    return mark_access(guarded, "member")
