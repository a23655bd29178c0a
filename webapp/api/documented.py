"""What all resources' documents share: how an operation notes its error answers."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask_smorest import Blueprint
from marshmallow import Schema

from webapp.api.error_schema import ErrorBody
from webapp.cookies import ACCOUNT_COOKIE, PATIENT_COOKIE, PUSH_COOKIE, PUSH_PATH, SESSION_COOKIE, cookie_name

F = TypeVar("F", bound=Callable[..., Any])
_ERROR_BODY = ErrorBody()
_ALWAYS = (500, 503)
# Of whoever reads a body: it came too slowly, or its sender sent too many.
_WITH_BODY = (408, 429)
_SAID = {
    400: "A field is wrong; `details` says which and what to do.",
    401: "No valid access token, or a wrong password.",
    403: "Not allowed: the role, or an `Origin` that is not listed.",
    404: "Not found, or not yours.",
    408: "The body did not come within its time.",
    409: "Not possible in the present state.",
    410: "Not in use any more, or its time is over.",
    413: "The body exceeds what this call takes (64 KiB where nothing else is said).",
    415: "The body is not JSON.",
    416: "No part of it lies in the range; `Content-Range` tells its length.",
    429: "Too often; `Retry-After` says when again.",
    500: "Our mistake.",
    502: "MISO has refused, or does not answer.",
    503: "A store is down; `Retry-After` says when again.",
}
# What the document says before its operations; docs/integration.md tells the same at length.
AUTHENTICATION = """## Authentication

Each operation names who may call it (`security`); one of what it names is enough, and nothing else opens it.

- **A session of the collection**: `POST /api/v1/tilko/session/start` sets `session_cookie` and answers `session_token`,
  for clients that are no browser: `Authorization: Bearer {session_token}`. After the approval (`auth_completed`) the
  status carries a new one, which alone opens records.
- **A patient** who comes back: `POST /api/v1/patients/sign-in` sets `patient_cookie`.
- **A member of a company**: `POST /api/v1/accounts/login` sets `account_cookie`, and `POST /api/v1/accounts/refresh`
  renews it.
- **An operator or auditor**: `POST /api/v1/auth/staff-login` with a second factor answers `access_token`, for
  `Authorization: Bearer {access_token}`.
- **The journey**: `POST /api/v1/auth/simple-login` for patients and `POST /api/v1/auth/staff-login` for desks answer an
  `access_token` of its scope. A token of one scope opens nothing of another.

A call with a cookie that changes something needs an `Origin` that is listed in `WELNO_ALLOWED_ORIGINS`. A socket is
opened by the cookie, or with the sub-protocols `welno.v1` and `welno.token.{token}`. What is not yours is answered 404,
who is not signed in 401. Each answer has `X-Request-ID`, each error the same as `request_id`: staff find it by that.
"""
Security = list[dict[str, list[str]]]
SECURITY_SESSION: Security = [{"session_cookie": []}, {"session_token": []}]
SECURITY_PATIENT: Security = [*SECURITY_SESSION, {"patient_cookie": []}, {"access_token": []}]
SECURITY_THREADS: Security = SECURITY_PATIENT
SECURITY_PUSH: Security = [*SECURITY_THREADS, {"push_pass": []}]
SECURITY_STAFF: Security = [{"access_token": []}]
SECURITY_MEMBER: Security = [{"account_cookie": []}, {"access_token": []}]


def fails(
    blueprint: Blueprint, *statuses: int, schema: Schema = _ERROR_BODY, content_type: str = "application/json"
) -> Callable[[F], F]:
    """Document error answers; what any operation, or any with a body (413), may answer is added.

    All in one go: the library's `alt_response` wraps the view once for each, and copies all that is documented so far.
    """
    also = (*_WITH_BODY, *_ALWAYS) if 413 in statuses else _ALWAYS
    content = {content_type: {"schema": schema}}
    responses = {status: {"description": _SAID[status], "content": content} for status in {*statuses, *also}}
    decorate: Callable[[F], F] = blueprint.doc(responses=responses)
    return decorate


def security_schemes(*, cookie_secure: bool) -> dict[str, dict[str, str]]:
    names = (SESSION_COOKIE, PATIENT_COOKIE, ACCOUNT_COOKIE)
    session, patient, account = (cookie_name(name, is_secure=cookie_secure) for name in names)
    return {
        "session_cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": session,
            "description": "Set by `start`, and renewed at the approval.",
        },
        "session_token": {"type": "http", "scheme": "bearer", "description": "The `session_token` of start."},
        "patient_cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": patient,
            "description": "Of a patient who came back with the password.",
        },
        "account_cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": account,
            "description": "Of a member of a company.",
        },
        "push_pass": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie_name(PUSH_COOKIE, is_secure=cookie_secure, path=PUSH_PATH),
            "description": "Lets a closed page send the envelopes that wait; reads nothing.",
        },
        "access_token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Of an account, or of a journey's login: its scope says what it opens.",
        },
    }
