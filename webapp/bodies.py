"""What is refused of a body before a view sees it: too much, too often, anything but JSON, and JSON that is unsafe.

A body that is announced as too large is refused at once. All else is looked at when the view's guard has let the caller
in: a stranger learns nothing of what a body should be, and their bodies are not read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, Request, Response, current_app, g, request
from flask_smorest import Blueprint
from marshmallow import Schema
from redis.exceptions import RedisError
from werkzeug.exceptions import ClientDisconnected

from core.logs import get_logger
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError, flatten_messages
from webapp.json_reader import UnreadableJson, read_json, read_json_of_many
from webapp.limits import caller_address, count_use, refuse_beyond
from webapp.origins import SAFE_METHODS

log = get_logger(__name__)
BODY_MAX_BYTES = 64 * 1024
_REFUSED, _REFUSALS = "refused-body", frozenset({400, 413})
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Upload:
    """A body that is no JSON, as one view takes it."""

    media_type: str
    max_bytes: int


def takes_upload(media_type: str, max_bytes: int) -> Callable[[F], F]:
    """Note on a view that its body is a file of this kind."""

    def decorate(function: F) -> F:
        function.upload = Upload(media_type, max_bytes)  # type: ignore[attr-defined]
        return function

    return decorate


def takes_json(max_bytes: int) -> Callable[[F], F]:
    """Note on a view that its JSON may be longer, or is shorter, than that of others."""

    def decorate(function: F) -> F:
        function.body_max_bytes = max_bytes  # type: ignore[attr-defined]
        return function

    return decorate


def bounded_by_caller(function: F) -> F:
    """Note on a view that its guard knows who calls, and that the view bounds them itself: many may share an address,
    so of it only bodies that were refused are counted."""
    function.is_bounded_by_caller = True  # type: ignore[attr-defined]
    return function


@dataclass(frozen=True)
class StreamedBody:
    """A body that its view reads piece by piece, after it has asked who sends it."""

    max_bytes: int
    refusal: Code


def takes_stream(max_bytes: int, refusal: Code = Code.FILE_TOO_LARGE) -> Callable[[F], F]:
    """Note on a view that nothing of its body is to be read before it; `refusal` is of one that is longer."""

    def decorate(function: F) -> F:
        function.streamed = StreamedBody(max_bytes, refusal)  # type: ignore[attr-defined]
        return function

    return decorate


def check_bodies(app: Flask) -> None:
    # Flask cuts a body of unannounced length there, in silence: the one byte more tells us that it did.
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX_BYTES + 1
    app.before_request(_check_announced)
    app.after_request(_count_refused)
    # Of all blueprints. By it `blueprint.arguments` reads a body, below the view's guard.
    Blueprint.ARGUMENTS_PARSER.location_loader("json")(_load_json)


def _noted(name: str, default: Any = None) -> Any:
    """What the view of this request has noted of its body."""
    return getattr(current_app.view_functions.get(request.endpoint or ""), name, default)


def _check_announced() -> None:
    """Nothing is read yet. Raises ApiError."""
    if request.url_rule is None:
        return
    streamed: StreamedBody | None = _noted("streamed")
    if streamed is not None and request.method not in SAFE_METHODS:
        _admit_stream(streamed)
        return
    upload: Upload | None = _noted("upload")
    if upload is not None and request.method not in SAFE_METHODS:
        _admit_upload(upload)
        return
    longest: int = _noted("body_max_bytes", BODY_MAX_BYTES)
    if (request.content_length or 0) > longest:
        raise ApiError(Code.BODY_TOO_LARGE)
    request.max_content_length = longest + 1


def _load_json(asked: Request, schema: Schema) -> Any:
    """Raises ApiError, or RedisError where the caller cannot be counted."""
    _read_checked(asked)
    return Blueprint.ARGUMENTS_PARSER.load_json(asked, schema)


def read_json_body(*, of_many: bool = False) -> Any:
    """The body of a view without a schema; None where there is none. With `of_many` as `read_json_of_many`. Raises
    ApiError, or RedisError where the caller cannot be counted."""
    return _read_checked(request, read_json_of_many if of_many else read_json)


def _read_checked(asked: Request, read: Callable[[bytes], Any] = read_json) -> Any:
    """In the order of what each costs."""
    is_chunked = "chunked" in asked.headers.get("Transfer-Encoding", "").lower()
    if not (asked.content_length or is_chunked):
        return None
    if not asked.is_json:
        raise ApiError(Code.NOT_JSON)
    if _noted("is_bounded_by_caller", False):
        refuse_beyond(stores().settings.web.body_limit, _REFUSED, caller_address())
        g.was_body_read = True
    else:
        count_use(stores().settings.web.body_limit, "body", caller_address())
    data = asked.get_data(cache=True)
    if len(data) > _noted("body_max_bytes", BODY_MAX_BYTES):
        raise ApiError(Code.BODY_TOO_LARGE)
    return _read_or_refuse(data, read)


def _count_refused(response: Response) -> Response:
    """Of a view that is `bounded_by_caller`. Without Redis nothing is counted: the answer stands."""
    if g.get("was_body_read") and response.status_code in _REFUSALS:
        try:
            count_use(stores().settings.web.body_limit, _REFUSED, caller_address())
        except (ApiError, RedisError) as exc:
            log.info("refused_body_not_counted", error=type(exc).__name__)
    return response


def _admit_stream(streamed: StreamedBody) -> None:
    """Not counted in Redis: it is taken also while that is away. Raises ApiError."""
    if (request.content_length or 0) > streamed.max_bytes:
        raise ApiError(streamed.refusal)
    request.max_content_length = streamed.max_bytes + 1
    # Of our own server's body; others have no deadline.
    allow_upload = getattr(request.environ.get("wsgi.input"), "allow_upload", None)
    if allow_upload is not None:
        allow_upload()


def read_stream(max_bytes: int) -> bytes:
    """The body of a view that `takes_stream`, where it is held whole. Raises ApiError; ClientDisconnected where its
    sender was cut off: the stream just ends then, and half a body would pass for a whole one."""
    data = request.stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ApiError(Code.BODY_TOO_LARGE)
    if len(data) < (request.content_length or 0):
        raise ClientDisconnected
    return data


def let_rest_come() -> None:
    """For a view that `takes_stream` and answers before it has read its body: the rest is dropped after the answer. A
    browser that is cut off while it sends sees none."""
    streamed: StreamedBody = _noted("streamed")
    let_come = getattr(request.environ.get("wsgi.input"), "let_rest_come", None)
    if let_come is not None:
        let_come(streamed.max_bytes)


def _admit_upload(upload: Upload) -> None:
    if (request.content_length or 0) > upload.max_bytes:
        raise ApiError(Code.BODY_TOO_LARGE)
    request.max_content_length = upload.max_bytes + 1


def read_upload() -> bytes:
    """The body of a view that `takes_upload`; whether it is what it says is for the view to see. Raises ApiError."""
    upload: Upload = _noted("upload")
    if request.mimetype != upload.media_type:
        raise ApiError(Code.NOT_SVG)
    count_use(stores().settings.web.body_limit, "body", caller_address())
    data = request.get_data()
    if len(data) > upload.max_bytes:
        raise ApiError(Code.BODY_TOO_LARGE)
    return data


def read_strict_json(data: bytes) -> Any:
    """Raises ApiError."""
    return _read_or_refuse(data, read_json)


def _read_or_refuse(data: bytes, read: Callable[[bytes], Any]) -> Any:
    try:
        return read(data)
    except UnreadableJson as exc:
        details = flatten_messages({"json": {exc.field: [str(exc.fault)]}})
        raise ApiError(Code.VALIDATION_FAILED, details=details) from exc
