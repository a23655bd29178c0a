"""A session's token as a request presents it.

On the wire it is `{session_id}.{secret}`, so that the records, whose address names no session, can be asked for with
it. It travels as cookie or bearer token, or as a sub-protocol of a WebSocket; never in an address.
"""

from dataclasses import dataclass, field
from uuid import UUID

from flask import request

from webapp.cookies import SESSION_COOKIE, cookie_name
from webapp.current import stores

# Offered beside `welno.token.{token}`: a browser closes a socket whose server picks none of its protocols.
PROTOCOL = "welno.v1"
TOKEN_PROTOCOL = "welno.token."  # noqa: S105 how a sub-protocol with a token begins


@dataclass(frozen=True)
class Credential:
    """A session's token as it was presented. Its repr shows no secret."""

    session_id: str
    secret: str = field(repr=False)
    by_cookie: bool

    def is_for(self, session_id: str) -> bool:
        return is_same_session(self.session_id, session_id)


def is_same_session(one: str, other: str) -> bool:
    """However each is spelt; what is no id is no session."""
    return _canonical(one) == _canonical(other) is not None


def _canonical(session_id: str) -> str | None:
    try:
        return str(UUID(session_id))
    except ValueError:
        return None


def join_token(session_id: str, secret: str) -> str:
    return f"{session_id}.{secret}"


def presented_credential() -> Credential | None:
    """A bearer token or sub-protocol wins over the cookie: a page of another site cannot make a browser send those."""
    for token in (bearer_token(), sub_protocol_token()):
        if token is not None and (found := split_token(token, by_cookie=False)):
            return found
    return split_token(request.cookies.get(session_cookie_name(), ""), by_cookie=True)


def session_cookie_name() -> str:
    return cookie_name(SESSION_COOKIE, is_secure=stores().settings.web.cookie_secure)


def bearer_token() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def sub_protocol_token() -> str | None:
    offered = (item.strip() for item in request.headers.get("Sec-WebSocket-Protocol", "").split(","))
    return next((item[len(TOKEN_PROTOCOL) :] for item in offered if item.startswith(TOKEN_PROTOCOL)), None)


def split_token(token: str, *, by_cookie: bool) -> Credential | None:
    session_id, dot, secret = token.partition(".")
    if not dot or not secret or "." in secret or _canonical(session_id) is None:
        return None
    return Credential(session_id, secret, by_cookie)
