"""The one place that turns errors into HTTP replies, and the list of all codes.

Errors: WebError > ApiError (retryable when a Retry-After goes with it).
"""

import math
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from flask import Flask, Response, g, jsonify
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from core.logs import get_logger
from services.collection.errors import NotAsked, NotStopped, RunOver, SessionExpired, SessionNotFound
from services.database import UnsuitableDatabase
from services.delivery.idempotency import KeyOfAnotherCall
from services.interviews.errors import InterviewsError
from services.journey.errors import JourneyError
from services.threads.errors import ThreadsError
from spool import FileNotParked, FileTaken, StorageFault, UnknownFile
from streams import StreamsUnavailable
from webapp.thread_errors import THREAD_MEANINGS

log = get_logger(__name__)
_STORE_RETRY_SECONDS = 2
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)


class Code(StrEnum):
    """Stable, never reused."""

    VALIDATION_FAILED = "VALIDATION_FAILED"
    BAD_REQUEST = "BAD_REQUEST"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    UNKNOWN_ACTION = "UNKNOWN_ACTION"
    INVALID_KEY = "INVALID_KEY"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    INVALID_ENVELOPE = "INVALID_ENVELOPE"
    HASH_MISMATCH = "HASH_MISMATCH"
    INVALID_ACTION = "INVALID_ACTION"
    SCAN_TOKEN_INVALID = "SCAN_TOKEN_INVALID"  # noqa: S105 a code
    UNAUTHORIZED = "UNAUTHORIZED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 a code
    TOKEN_REVOKED = "TOKEN_REVOKED"  # noqa: S105 a code
    REFRESH_REUSED = "REFRESH_REUSED"
    PASSWORD_WRONG = "PASSWORD_WRONG"  # noqa: S105 a code
    LOGIN_FAILED = "LOGIN_FAILED"
    TOKEN_RENEWED = "TOKEN_RENEWED"  # noqa: S105 a code
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
    FRESH_PROOF_REQUIRED = "FRESH_PROOF_REQUIRED"
    CONSENT_REQUIRED = "CONSENT_REQUIRED"
    GUARDIAN_REQUIRED = "GUARDIAN_REQUIRED"
    FORBIDDEN = "FORBIDDEN"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    FORBIDDEN_ACTION = "FORBIDDEN_ACTION"
    ORIGIN_NOT_ALLOWED = "ORIGIN_NOT_ALLOWED"
    NOT_FOUND = "NOT_FOUND"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    PATIENT_NOT_FOUND = "PATIENT_NOT_FOUND"
    QUEUE_NOT_FOUND = "QUEUE_NOT_FOUND"
    TAG_NOT_FOUND = "TAG_NOT_FOUND"
    EXAM_NOT_FOUND = "EXAM_NOT_FOUND"
    MAP_NOT_FOUND = "MAP_NOT_FOUND"
    FILE_NOT_FOUND = "FILE_NOT_FOUND"
    PROJECT_NOT_FOUND = "PROJECT_NOT_FOUND"
    INTERVIEW_NOT_FOUND = "INTERVIEW_NOT_FOUND"
    ACCOUNT_NOT_FOUND = "ACCOUNT_NOT_FOUND"
    THREAD_NOT_FOUND = "THREAD_NOT_FOUND"
    DEVICE_NOT_FOUND = "DEVICE_NOT_FOUND"
    MEMBER_NOT_FOUND = "MEMBER_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    BODY_TOO_SLOW = "BODY_TOO_SLOW"
    AUTH_NOT_REQUESTED = "AUTH_NOT_REQUESTED"
    SESSION_OVER = "SESSION_OVER"
    PUSH_PENDING = "PUSH_PENDING"
    NOT_JOINABLE = "NOT_JOINABLE"
    JOIN_SETTLED = "JOIN_SETTLED"
    PASSWORD_EXISTS = "PASSWORD_EXISTS"  # noqa: S105 a code
    FILE_TAKEN = "FILE_TAKEN"
    FILE_NOT_PARKED = "FILE_NOT_PARKED"
    RUN_NOT_STOPPED = "RUN_NOT_STOPPED"
    STATE_CONFLICT = "STATE_CONFLICT"
    ALREADY_QUEUED = "ALREADY_QUEUED"
    QUEUE_EMPTY = "QUEUE_EMPTY"
    AMBIGUOUS_LOGIN = "AMBIGUOUS_LOGIN"
    SCAN_TOKEN_USED = "SCAN_TOKEN_USED"  # noqa: S105 a code
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    RECALL_TOO_SOON = "RECALL_TOO_SOON"
    ROOM_TAKEN = "ROOM_TAKEN"
    NO_SHIFT = "NO_SHIFT"
    TAG_REPLAYED = "TAG_REPLAYED"
    INTERVIEW_NOT_FAILED = "INTERVIEW_NOT_FAILED"
    INTERVIEW_NOT_DELETED = "INTERVIEW_NOT_DELETED"
    INTERVIEW_UNDER_WAY = "INTERVIEW_UNDER_WAY"
    BUDGET_SPENT = "BUDGET_SPENT"
    LAST_ADMIN = "LAST_ADMIN"
    DEVICE_EXISTS = "DEVICE_EXISTS"
    TOO_MANY_DEVICES = "TOO_MANY_DEVICES"
    TOO_MANY_MEMBERS = "TOO_MANY_MEMBERS"
    KEY_CONFLICT = "KEY_CONFLICT"
    WRAPS_INCOMPLETE = "WRAPS_INCOMPLETE"
    KEYSET_NEEDED = "KEYSET_NEEDED"
    LAST_OWNER = "LAST_OWNER"
    DEDUPE_CONFLICT = "DEDUPE_CONFLICT"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    KEY_RETIRED = "KEY_RETIRED"
    CLIENT_SEQ_CONFLICT = "CLIENT_SEQ_CONFLICT"
    TAG_INACTIVE = "TAG_INACTIVE"
    SCAN_TOKEN_EXPIRED = "SCAN_TOKEN_EXPIRED"  # noqa: S105 a code
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    TOO_LARGE = "TOO_LARGE"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    NOT_JSON = "NOT_JSON"
    NOT_SVG = "NOT_SVG"
    RATE_LIMITED = "RATE_LIMITED"
    PASSWORD_LOCKED = "PASSWORD_LOCKED"  # noqa: S105 a code
    TOO_MANY_SOCKETS = "TOO_MANY_SOCKETS"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"


@dataclass(frozen=True)
class Meaning:
    """The status, the sentence for the person, and the line of docs/errors.md."""

    status: int
    message: str
    doc: str


CODES: Mapping[Code, Meaning] = {
    Code.VALIDATION_FAILED: Meaning(
        400, "입력한 내용을 다시 확인해 주세요.", "`details` names each field with what to do."
    ),
    Code.BAD_REQUEST: Meaning(400, "요청을 이해하지 못했어요. 다시 시도해 주세요.", "Not HTTP as it should be."),
    Code.TEXT_TOO_LONG: Meaning(
        400, "글이 너무 길어요. 나누어서 올려 주세요.", "Above `WELNO_MISO_CONTEXT_MAX_CHARS` characters."
    ),
    Code.UNKNOWN_ACTION: Meaning(400, "알 수 없는 요청이에요.", "No such action; nothing is folded or trimmed."),
    Code.INVALID_ACTION: Meaning(
        400,
        "지금은 할 수 없는 일이에요. 화면을 다시 확인해 주세요.",
        "Not in this state; `details.journey_state`, and `details.available_actions` for what may be done now.",
    ),
    Code.SCAN_TOKEN_INVALID: Meaning(
        400, "태그를 다시 한 번 대 주세요.", "The scan token is forged, or of another device."
    ),
    Code.UNAUTHORIZED: Meaning(401, "로그인이 필요해요.", "No valid access token."),
    Code.TOKEN_EXPIRED: Meaning(401, "다시 확인하고 있어요.", "The access token has ended: a refresh helps."),
    Code.TOKEN_REVOKED: Meaning(401, "다시 로그인해 주세요.", "The login was taken back: log in again."),
    Code.REFRESH_REUSED: Meaning(
        401,
        "안전을 위해 로그아웃했어요. 다시 로그인해 주세요.",
        "A refresh token that was exchanged already: the whole login has been revoked.",
    ),
    Code.PASSWORD_WRONG: Meaning(
        401, "비밀번호가 맞지 않아요.", "Wrong password; `details.tries_left` says how many tries remain."
    ),
    Code.LOGIN_FAILED: Meaning(
        401,
        "로그인 정보가 맞지 않아요. 다시 확인해 주세요.",
        "Something that was typed does not fit; not said what.",
    ),
    Code.TOKEN_RENEWED: Meaning(
        401,
        "접속 정보가 바뀌었어요. 다시 시도해 주세요.",
        "The token of the start opens no records: ask the session's status once, and use the `session_token` that it"
        " tells. A browser is given its cookie, and is redirected (307).",
    ),
    Code.SECOND_FACTOR_REQUIRED: Meaning(
        403,
        "인증 앱의 숫자 6자리가 필요해요.",
        "Sign in again with `totp`, or set up a second factor (`POST /api/v1/auth/totp`).",
    ),
    Code.FRESH_PROOF_REQUIRED: Meaning(
        403,
        "본인인지 한 번 더 확인해야 해요. 비밀번호를 입력하거나 휴대폰 인증을 다시 해 주세요.",
        "The approval or the password is older than five minutes: send `password`, or identify again.",
    ),
    Code.CONSENT_REQUIRED: Meaning(
        403,
        "필수 항목에 모두 동의해야 시작할 수 있어요.",
        "`details.missing` names the kinds of consent that are needed, `details.changed` those of them whose text is"
        " another by now: show it and ask again. Nothing was stored, and no provider was asked.",
    ),
    Code.GUARDIAN_REQUIRED: Meaning(
        403,
        "만 14세가 되지 않은 사람은 아직 쓸 수 없어요.",
        "Younger than 14 today in Korea: a guardian would have to agree, which cannot be done yet. Nothing was stored.",
    ),
    Code.FORBIDDEN: Meaning(403, "권한이 없어요.", "A valid token, but not of somebody who may do this."),
    Code.FORBIDDEN_ACTION: Meaning(403, "할 수 없는 일이에요.", "The action is not this role's, in whatever state."),
    Code.ORIGIN_NOT_ALLOWED: Meaning(
        403, "허용되지 않은 사이트에서 온 요청이에요.", "An unsafe call with a cookie, without a listed `Origin`."
    ),
    Code.NOT_FOUND: Meaning(404, "찾을 수 없는 주소예요.", "No such address."),
    Code.SESSION_NOT_FOUND: Meaning(
        404,
        "접속 정보를 찾을 수 없어요. 처음부터 다시 시작해 주세요.",
        "Unknown, ended by time, or not yours. The browser clears its `tilko_*` keys.",
    ),
    Code.PATIENT_NOT_FOUND: Meaning(404, "기록을 찾을 수 없어요.", "Unknown patient, or not yours."),
    Code.QUEUE_NOT_FOUND: Meaning(404, "대기 번호를 찾을 수 없어요.", "Unknown, not active any more, or not yours."),
    Code.TAG_NOT_FOUND: Meaning(404, "등록되지 않은 태그예요. 가까운 다른 태그에 대 주세요.", "Unknown tag."),
    Code.EXAM_NOT_FOUND: Meaning(404, "검사를 찾을 수 없어요.", "Unknown exam or appointment, or not yours."),
    Code.MAP_NOT_FOUND: Meaning(404, "지도를 찾을 수 없어요.", "No such floor or layer."),
    Code.FILE_NOT_FOUND: Meaning(404, "파일을 찾을 수 없어요.", "The spool has no such file (any more)."),
    Code.PROJECT_NOT_FOUND: Meaning(404, "프로젝트를 찾을 수 없어요.", "Unknown project, or not yours."),
    Code.INTERVIEW_NOT_FOUND: Meaning(404, "인터뷰를 찾을 수 없어요.", "Unknown interview, erased, or not yours."),
    Code.ACCOUNT_NOT_FOUND: Meaning(404, "계정을 찾을 수 없어요.", "Nobody of the company, or not in the project."),
    Code.METHOD_NOT_ALLOWED: Meaning(405, "지원하지 않는 요청 방식이에요.", "See the `Allow` header."),
    Code.BODY_TOO_SLOW: Meaning(
        408,
        "보낸 내용을 제시간에 다 받지 못했어요. 다시 시도해 주세요.",
        "The body did not come within `WELNO_BODY_WITHIN_SECONDS`.",
    ),
    Code.AUTH_NOT_REQUESTED: Meaning(409, "먼저 휴대폰 인증을 요청해 주세요.", "collect-data before simple-auth."),
    Code.SESSION_OVER: Meaning(
        409, "이미 끝난 접속이에요. 처음부터 다시 시작해 주세요.", "The session has ended; start a new one."
    ),
    Code.PUSH_PENDING: Meaning(
        409,
        "이 휴대폰 번호로 방금 다른 인증을 요청했어요. 잠시 뒤에 다시 요청해 주세요.",
        "Another session has just sent its request to this phone; after `Retry-After` (`details.seconds_left`) this one"
        " may take the phone over.",
    ),
    Code.NOT_JOINABLE: Meaning(
        409,
        "이 두 기록은 합칠 수 없어요. 이전 기록이 맞는지 확인해 주세요.",
        "The other patient is this one, is newer, is being erased, or one of the two is joined already.",
    ),
    Code.JOIN_SETTLED: Meaning(
        409, "합친 지 30일이 지나서 다시 나눌 수 없어요.", "A join can be undone within 30 days."
    ),
    Code.PASSWORD_EXISTS: Meaning(
        409, "이미 비밀번호가 있어요. 변경하거나 초기화해 주세요.", "`set` for a patient who has a password."
    ),
    Code.FILE_TAKEN: Meaning(409, "다른 작업이 파일을 쓰고 있어요.", "A worker holds the file; try again."),
    Code.FILE_NOT_PARKED: Meaning(409, "보류된 파일만 버릴 수 있어요.", "Only parked files may be discarded."),
    Code.RUN_NOT_STOPPED: Meaning(
        409, "멈춘 작업만 다시 시작할 수 있어요.", "Only a run that stopped with an error may be resumed."
    ),
    Code.STATE_CONFLICT: Meaning(
        409,
        "그 사이에 상태가 바뀌었어요. 화면을 다시 확인해 주세요.",
        "`expected_state` differs (`details.journey_state`), or the entry was taken meanwhile (`details.state`,"
        " `details.room`).",
    ),
    Code.ALREADY_QUEUED: Meaning(409, "이미 대기 중이에요.", "`details.queue` is the entry."),
    Code.QUEUE_EMPTY: Meaning(409, "기다리는 분이 없어요.", "Nobody to call."),
    Code.AMBIGUOUS_LOGIN: Meaning(
        409, "이름이나 휴대폰 번호를 더 알려 주세요.", "More than one fits; `details.needs` says what to add."
    ),
    Code.SCAN_TOKEN_USED: Meaning(409, "태그를 다시 한 번 대 주세요.", "Another person has used the scan token."),
    Code.IDEMPOTENCY_MISMATCH: Meaning(
        409, "요청을 다시 확인해 주세요.", "The idempotency key was used for another body."
    ),
    Code.RECALL_TOO_SOON: Meaning(409, "조금 뒤에 다시 호출해 주세요.", "Called less than 20 seconds ago."),
    Code.ROOM_TAKEN: Meaning(409, "다른 직원이 쓰고 있는 방이에요.", "Somebody's shift holds the room."),
    Code.NO_SHIFT: Meaning(409, "먼저 방을 골라 주세요.", "No open shift of yours."),
    Code.TAG_REPLAYED: Meaning(
        409, "태그를 다시 한 번 대 주세요.", "A dynamic tag's counter did not grow: the address was copied."
    ),
    Code.INTERVIEW_NOT_FAILED: Meaning(
        409, "실패한 인터뷰만 다시 분석할 수 있어요.", "Only a failed interview may be retried; `completed` is final."
    ),
    Code.INTERVIEW_NOT_DELETED: Meaning(
        409, "삭제된 인터뷰만 되돌릴 수 있어요.", "Only a deleted interview may be restored."
    ),
    Code.INTERVIEW_UNDER_WAY: Meaning(
        409,
        "이미 분석이 끝났거나 분석하고 있어요.",
        "`process` of what is completed, under way, or has no kept answer.",
    ),
    Code.BUDGET_SPENT: Meaning(
        409, "이번 달에 쓸 수 있는 분석량을 다 썼어요.", "The project's `monthly_token_limit` is reached."
    ),
    Code.LAST_ADMIN: Meaning(409, "관리자가 한 명은 있어야 해요.", "The project's only admin stays."),
    Code.TAG_INACTIVE: Meaning(
        410, "지금은 쓰지 않는 태그예요. 가까운 다른 태그에 대 주세요.", "The tag was taken out of use."
    ),
    Code.SCAN_TOKEN_EXPIRED: Meaning(410, "태그를 다시 한 번 대 주세요.", "Scanned more than 30 minutes ago."),
    Code.BODY_TOO_LARGE: Meaning(413, "보낸 내용이 너무 커요.", "The body exceeds 64 KiB; a push 1 MiB, a map 5 MiB."),
    Code.FILE_TOO_LARGE: Meaning(
        413, "파일이 너무 커요. 50MB까지 올릴 수 있어요.", "An interview's file exceeds 50 MiB."
    ),
    Code.NOT_JSON: Meaning(415, "JSON 형식으로 보내 주세요.", "The body is not `application/json`."),
    Code.NOT_SVG: Meaning(415, "SVG 파일로 보내 주세요.", "The body is not `image/svg+xml`, where a map is wanted."),
    Code.RATE_LIMITED: Meaning(
        429, "요청이 너무 많아요. 잠시 후 다시 시도해 주세요.", "`Retry-After` says how many seconds to wait."
    ),
    Code.PASSWORD_LOCKED: Meaning(
        429, "비밀번호를 여러 번 틀려서 잠겼어요. 나중에 다시 시도해 주세요.", "Five wrong tries; see `Retry-After`."
    ),
    Code.TOO_MANY_SOCKETS: Meaning(
        429, "열린 창이 너무 많아요. 다른 창을 닫고 다시 시도해 주세요.", "Too many open streams of one session."
    ),
    Code.INTERNAL_ERROR: Meaning(
        500, "처리하는 중에 문제가 생겼어요. 잠시 후 다시 시도해 주세요.", "Our mistake; quote `request_id`."
    ),
    Code.STORE_UNAVAILABLE: Meaning(
        503, "지금은 서비스를 이용할 수 없어요. 잠시 후 다시 시도해 주세요.", "A store is down; see `Retry-After`."
    ),
    **{Code(name): Meaning(*said) for name, said in THREAD_MEANINGS.items()},
}

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
    OperationalError,
    InterfaceError,
    PoolTimeout,
    UnsuitableDatabase,
    RedisError,
    StreamsUnavailable,
    StorageFault,
)


def answer_errors(app: Flask) -> None:
    """Register the handlers; also for addresses that do not exist."""
    app.register_error_handler(ApiError, _answer_api_error)
    app.register_error_handler(HTTPException, answer_http)
    for kind, code in _OURS.items():
        app.register_error_handler(kind, lambda _, code=code: reply(code))
    app.register_error_handler(JourneyError, _answer_domain_error)
    app.register_error_handler(InterviewsError, _answer_domain_error)
    app.register_error_handler(ThreadsError, _answer_domain_error)
    app.register_error_handler(KeyOfAnotherCall, lambda _: reply(Code.IDEMPOTENCY_MISMATCH))
    for down in STORES_DOWN:
        app.register_error_handler(down, _answer_store_down)
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


def _answer_api_error(error: ApiError) -> Response:
    return reply(error.code, details=error.details, retry_after_seconds=error.retry_after_seconds)


def _answer_domain_error(error: JourneyError | InterviewsError | ThreadsError) -> Response:
    return reply(Code(error.code), details=None if error.details is None else dict(error.details))


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


def _answer_store_down(error: Exception) -> Response:
    log.warning("store_unavailable", error=type(error).__name__)
    return reply(Code.STORE_UNAVAILABLE, retry_after_seconds=_STORE_RETRY_SECONDS)


def _answer_unexpected(error: Exception) -> Response:
    # Without the exception's own text: drivers quote the values of a statement in it, and those are a person's.
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("request_failed", error=type(error).__name__, traceback=frames)
    return reply(Code.INTERNAL_ERROR)


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
