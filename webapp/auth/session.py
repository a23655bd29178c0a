"""The holder of a session: their own session as a view's argument, its renewal, its cookie."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Concatenate, ParamSpec, TypeVar

from flask import Response, after_this_request, g, request

from services.collection.errors import SessionNotFound
from services.collection.session_cache import SessionView
from services.stores import Stores
from webapp.approving_addresses import note_approved
from webapp.auth.access import mark_access
from webapp.auth.credentials import Credential, join_token, presented_credential, session_cookie_name
from webapp.current import stores
from webapp.origins import SAFE_METHODS, require_listed_origin

P = ParamSpec("P")
R = TypeVar("R")


def require_session(session_id: str) -> SessionView:
    """The caller's own session, renewed by this use. Once the token of the approval is in use, the one of before
    changes nothing any more. Raises SessionNotFound, SessionExpired, ApiError."""
    credential = presented_credential()
    if credential is None or not credential.is_for(session_id):
        raise SessionNotFound(session_id)
    view = stores().directory.find(session_id, credential.secret)
    if credential.by_cookie:
        require_listed_origin()
    if request.method not in SAFE_METHODS and view.token_renewed and not _is_of_approval(credential, view):
        raise SessionNotFound(session_id)
    renew_session(stores(), view)
    g.has_token_of_approval = follow_token(credential, view)
    return view


def follow_token(credential: Credential, view: SessionView) -> bool:
    """Whether this is the token of the approval, the only one that opens records. Who comes with the one of before gets
    it, as long as nobody has used it: as a cookie, or to be told by the status."""
    directory = stores().directory
    if _is_of_approval(credential, view):
        if not view.token_renewed:
            with stores().unit_of_work() as work:
                directory.note_renewed(work, view)
            note_approved(view)
        return True
    if view.auth_completed and not view.token_renewed:
        token = join_token(view.session_id, directory.tokens.renew(view))
        if credential.by_cookie:
            after_this_request(partial(_with_cookie, token=token))
        else:
            g.token_of_approval = token
    return False


def _is_of_approval(credential: Credential, view: SessionView) -> bool:
    return stores().directory.tokens.is_renewed(view, credential.secret)


def _with_cookie(response: Response, token: str) -> Response:
    keep_session_cookie(response, token)
    return response


def renew_session(here: Stores, view: SessionView) -> None:
    deadline = here.directory.renewal(view)
    if deadline is not None:
        with here.unit_of_work() as work:
            here.directory.renew(work, view, deadline)


def for_session(function: Callable[Concatenate[SessionView, P], R]) -> Callable[..., R]:
    """A view of one session: the address' id becomes the caller's own session, or the answer is 404."""

    @wraps(function)
    def guarded(session_id: str, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(require_session(session_id), *args, **kwargs)

    return mark_access(guarded, "session")


def for_own_session(function: Callable[Concatenate[SessionView, P], R]) -> Callable[P, R]:
    """A view whose address names no session: the caller's own, by what they present, or the answer is 404."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        credential = presented_credential()
        if credential is None:
            raise SessionNotFound("none")
        return function(require_session(credential.session_id), *args, **kwargs)

    return mark_access(guarded, "session")


def keep_session_cookie(response: Response, token: str) -> None:
    settings = stores().settings
    response.set_cookie(
        session_cookie_name(),
        token,
        max_age=int(settings.collection.session_max_seconds),
        httponly=True,
        samesite="Strict",
        secure=settings.web.cookie_secure,
        path="/",
    )


def drop_session_cookie(response: Response) -> None:
    response.delete_cookie(
        session_cookie_name(), path="/", httponly=True, samesite="Strict", secure=stores().settings.web.cookie_secure
    )
