"""The one place that turns errors into HTTP replies.

Errors: WebError > ApiError (retryable when a Retry-After goes with it).
"""

import math
import re
import traceback
from collections.abc import Mapping
from typing import Any, cast

from flask import Flask, Response, g, jsonify
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException

from core.logs import get_logger
from core.sealing import UnknownSealingKey
from services.collection.errors import NotAsked, NotStopped, RunOver, SessionExpired, SessionNotFound
from services.database import STORE_AWAY, is_store_away
from services.delivery.idempotency import KeyOfAnotherCall
from services.interviews.errors import InterviewsError
from services.journey.errors import JourneyError
from services.shl.errors import HealthLinksError
from services.threads.errors import ThreadsError
from spool import DamagedFile, FileNotParked, FileTaken, SealedWithUnknownKey, StorageFault, UnknownFile
from streams import StreamsUnavailable
from webapp.error_codes import Code
from webapp.error_meanings import CODES

log = get_logger(__name__)
_STORE_RETRY_SECONDS = 2
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)


_BY_STATUS = {
    400: Code.BAD_REQUEST,
    401: Code.UNAUTHORIZED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    408: Code.BODY_TOO_SLOW,
    413: Code.BODY_TOO_LARGE,
    415: Code.NOT_JSON,
    422: Code.VALIDATION_FAILED,
    429: Code.RATE_LIMITED,
    503: Code.STORE_UNAVAILABLE,
}


class WebError(Exception):
    """Root of the edge's errors."""

    retryable = False


class ApiError(WebError):
    """An answer that is no success. `details` goes to the caller as it is; nothing of it is logged."""

    def __init__(
        self, code: Code, *, details: dict[str, Any] | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.details = details
        self.retry_after_seconds = retry_after_seconds
        self.retryable = retry_after_seconds is not None


_OURS: Mapping[type[Exception], Code] = {
    SessionNotFound: Code.SESSION_NOT_FOUND,
    SessionExpired: Code.SESSION_NOT_FOUND,
    NotAsked: Code.AUTH_NOT_REQUESTED,
    RunOver: Code.SESSION_OVER,
    UnknownFile: Code.FILE_NOT_FOUND,
    FileTaken: Code.FILE_TAKEN,
    FileNotParked: Code.FILE_NOT_PARKED,
    NotStopped: Code.RUN_NOT_STOPPED,
}
STORES_DOWN = (
    *STORE_AWAY,
    RedisError,
    StreamsUnavailable,
    StorageFault,
    # Nothing is damaged: another process may know the key, and so may this one after its next start.
    UnknownSealingKey,
    SealedWithUnknownKey,
)


def answer_errors(app: Flask) -> None:
    """Register the handlers; also for addresses that do not exist."""
    app.register_error_handler(ApiError, answer_api_error)
    app.register_error_handler(HTTPException, answer_http)
    for kind, code in _OURS.items():
        app.register_error_handler(kind, lambda _, code=code: reply(code))
    app.register_error_handler(JourneyError, _answer_domain_error)
    app.register_error_handler(InterviewsError, _answer_domain_error)
    app.register_error_handler(ThreadsError, _answer_domain_error)
    app.register_error_handler(HealthLinksError, _answer_domain_error)
    app.register_error_handler(DamagedFile, _answer_damaged)
    app.register_error_handler(KeyOfAnotherCall, lambda _: reply(Code.IDEMPOTENCY_MISMATCH))
    for down in STORES_DOWN:
        app.register_error_handler(down, lambda error: answer_api_error(unavailable(error)))
    app.register_error_handler(Exception, _answer_unexpected)


def reply(code: Code, *, details: dict[str, Any] | None = None, retry_after_seconds: float | None = None) -> Response:
    """The body that every error has."""
    meaning = CODES[code]
    g.error_code = code.value
    error: dict[str, Any] = {"code": code.value, "message": meaning.message}
    if details is not None:
        error["details"] = details
    response = jsonify({"success": False, "error": error, "request_id": g.get("request_id", "")})
    response.status_code = meaning.status
    if retry_after_seconds is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after_seconds)))
    if meaning.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def answer_api_error(error: ApiError) -> Response:
    return reply(error.code, details=error.details, retry_after_seconds=error.retry_after_seconds)


def _answer_domain_error(error: JourneyError | InterviewsError | ThreadsError | HealthLinksError) -> Response:
    return reply(Code(error.code), details=None if error.details is None else dict(error.details))


def _answer_damaged(error: DamagedFile) -> Response:
    log.error("stored_file_damaged", reason=error.reason)
    return reply(Code.STORED_FILE_DAMAGED)


def answer_http(error: HTTPException) -> Response:
    """As JSON, like every error."""
    if error.response is not None:  # a redirect
        return cast(Response, error.response)
    data = getattr(error, "data", None) or {}
    if "messages" in data:
        return reply(Code.VALIDATION_FAILED, details=flatten_messages(data["messages"]))
    code = _BY_STATUS.get(error.code or 500)
    if code is None:
        code = Code.INTERNAL_ERROR if (error.code or 500) >= 500 else Code.BAD_REQUEST
    response = reply(code)
    if error.code == 405 and (allow := dict(error.get_headers()).get("Allow")):
        response.headers["Allow"] = allow
    return response


def unavailable(error: Exception) -> ApiError:
    """What a caller is told of one of STORES_DOWN: to try again, but for what the database will always refuse."""
    if isinstance(error, STORE_AWAY) and not is_store_away(error):
        _log_unexpected(error)
        return ApiError(Code.INTERNAL_ERROR)
    log.warning("store_unavailable", error=type(error).__name__)
    return ApiError(Code.STORE_UNAVAILABLE, retry_after_seconds=_STORE_RETRY_SECONDS)


def _answer_unexpected(error: Exception) -> Response:
    _log_unexpected(error)
    return reply(Code.INTERNAL_ERROR)


def _log_unexpected(error: Exception) -> None:
    # Without the exception's own text: drivers quote the values of a statement in it, and those are a person's.
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("request_failed", error=type(error).__name__, traceback=frames)


def flatten_messages(messages: Any) -> dict[str, Any]:
    """From webargs' {location: {field: [...]}} to {field: [...]}; what concerns no one field is under `body`, and a
    field of an object within is `object.field`."""
    found: dict[str, Any] = {}
    for by_location in messages.values() if isinstance(messages, dict) else [messages]:
        if isinstance(by_location, dict):
            for name, texts in by_location.items():
                known = name if _is_field_name(name) else "body"
                found.update(_inner_fields(known, texts) or {known: _sentences(texts)})
        else:
            found["body"] = ["JSON 형식이 아니에요. 내용을 다시 확인해 주세요."]
    return found


def _inner_fields(name: str, messages: Any) -> dict[str, Any]:
    """Of an object with fields of its own; empty for lists and for mappings of what the client may name freely."""
    if not isinstance(messages, dict) or not all(isinstance(texts, list) for texts in messages.values()):
        return {}
    if not all(isinstance(inner, str) for inner in messages) or "_schema" in messages:
        return {}
    return {f"{name}.{inner}" if _is_field_name(inner) else name: texts for inner, texts in messages.items()}


def _sentences(messages: Any) -> Any:
    """Of a list's or a mapping's parts, too: which part it is may be what the client typed, and is not repeated."""
    if not isinstance(messages, dict):
        return messages
    return [sentence for inner in messages.values() for sentence in _sentences(inner)]


def _is_field_name(name: object) -> bool:
    """Not what a mixed-up client sends as one: a person's name in the place of a key is not repeated."""
    return name != "_schema" and isinstance(name, str) and _FIELD_NAME.fullmatch(name) is not None
