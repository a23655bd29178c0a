"""Signing a browser out: whatever it presents ends, and its cookies go."""

from uuid import UUID

from flask import Response
from flask_jwt_extended import unset_access_cookies

from services.patient_sessions import sign_out
from services.patients.exports import withdraw_links
from services.patients.session_rows import end_row
from webapp.auth.credentials import presented_credential
from webapp.auth.session import drop_session_cookie
from webapp.auth.tokens import Role, verified_claims
from webapp.current import stores
from webapp.origins import require_listed_origin


def end_presented() -> None:
    """A session, a patient's access, or both; what is not valid any more is passed over. Raises ApiError."""
    _end_session()
    for location in ("headers", "cookies"):
        claims = verified_claims(location)
        if claims is not None and claims.get("role") == Role.PATIENT and "session" in claims:
            if location == "cookies":
                require_listed_origin()
            row_id = UUID(claims["session"])
            with stores().unit_of_work() as work:
                end_row(work.session, row_id)
                withdraw_links(work.session, UUID(claims["sub"]))
                work.end_login(row_id)


def _end_session() -> None:
    credential = presented_credential()
    view = stores().directory.read(credential.session_id) if credential is not None else None
    if credential is None or view is None:
        return
    tokens = stores().directory.tokens
    # Once the token of the approval is in use, the one of before signs nobody out.
    is_theirs = tokens.is_renewed if view.token_renewed else tokens.fits
    if not is_theirs(view, credential.secret):
        return
    if credential.by_cookie:
        require_listed_origin()
    with stores().unit_of_work() as work:
        sign_out(work, UUID(view.session_id), stores().clock.now())


def forget_kept(response: Response) -> None:
    """Have the browser throw away the answers that it kept: records among them, which are not sealed there."""
    response.headers["Clear-Site-Data"] = '"cache"'


def drop_cookies(response: Response) -> None:
    drop_session_cookie(response)
    drop_patient_cookie(response)


def drop_patient_cookie(response: Response) -> None:
    """Of who typed a password."""
    unset_access_cookies(response)
