"""What is refused of a body before a view reads it: too much, too often, anything but JSON, and JSON that is unsafe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from webapp.current import stores
from webapp.errors import ApiError, Code, flatten_messages
from webapp.json_reader import UnreadableJson, read_json
from webapp.limits import caller_address, count_use
from webapp.origins import SAFE_METHODS

BODY_MAX_BYTES = 64 * 1024
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
    """Note on a view that its JSON may be larger than that of others."""

    def decorate(function: F) -> F:
        function.json_max_bytes = max_bytes  # type: ignore[attr-defined]
        return function

    return decorate


@dataclass(frozen=True)
class StreamedBody:
    """A body that its view reads piece by piece, after it has asked who sends it."""

    max_bytes: int


def takes_stream(max_bytes: int) -> Callable[[F], F]:
    """Note on a view that nothing of its body is to be read before it."""

    def decorate(function: F) -> F:
        function.streamed = StreamedBody(max_bytes)  # type: ignore[attr-defined]
        return function

    return decorate


def check_bodies(app: Flask) -> None:
    # Flask cuts a body of unannounced length there, in silence: the one byte more tells us that it did.
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX_BYTES + 1
    app.before_request(_check_body)


def _check_body() -> None:
    """In the order of what each costs. Raises ApiError, or RedisError where the caller cannot be counted."""
    streamed: StreamedBody | None = getattr(current_app.view_functions.get(request.endpoint or ""), "streamed", None)
    if streamed is not None and request.method not in SAFE_METHODS:
        _admit_stream(streamed)
        return
    upload: Upload | None = getattr(current_app.view_functions.get(request.endpoint or ""), "upload", None)
    if upload is not None and request.method not in SAFE_METHODS:
        _check_upload(upload)
        return
    longest = getattr(current_app.view_functions.get(request.endpoint or ""), "json_max_bytes", BODY_MAX_BYTES)
    if (request.content_length or 0) > longest:
        raise ApiError(Code.BODY_TOO_LARGE)
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if not (request.content_length or is_chunked) or request.url_rule is None:
        return
    if not request.is_json:
        raise ApiError(Code.NOT_JSON)
    count_use(stores().settings.web.body_limit, "body", caller_address())
    request.max_content_length = longest + 1
    data = request.get_data(cache=True)
    if len(data) > longest:
        raise ApiError(Code.BODY_TOO_LARGE)
    # The schemas parse it once more: at most 64 KiB as a rule, and no view can forget to have it checked.
    g.checked_json = read_strict_json(data)


def _admit_stream(streamed: StreamedBody) -> None:
    """Not counted in Redis: it is taken also while that is away. Raises ApiError."""
    if (request.content_length or 0) > streamed.max_bytes:
        raise ApiError(Code.FILE_TOO_LARGE)
    request.max_content_length = streamed.max_bytes + 1
    # Of our own server's body; others have no deadline.
    allow_upload = getattr(request.environ.get("wsgi.input"), "allow_upload", None)
    if allow_upload is not None:
        allow_upload()


def _check_upload(upload: Upload) -> None:
    """Nothing is read of it yet: who sends it is asked first, and whether it is what it says is for its view to see."""
    if (request.content_length or 0) > upload.max_bytes:
        raise ApiError(Code.BODY_TOO_LARGE)
    if request.mimetype != upload.media_type:
        raise ApiError(Code.NOT_SVG)
    count_use(stores().settings.web.body_limit, "body", caller_address())
    request.max_content_length = upload.max_bytes + 1
    g.upload_max_bytes = upload.max_bytes


def read_upload() -> bytes:
    """The body of a view that `takes_upload`. Raises ApiError where it is larger than announced."""
    data = request.get_data()
    if len(data) > g.upload_max_bytes:
        raise ApiError(Code.BODY_TOO_LARGE)
    return data


def checked_json() -> Any:
    """The body of a view without a schema; None where there is none."""
    return g.get("checked_json")


def read_strict_json(data: bytes) -> Any:
    """Raises ApiError."""
    try:
        return read_json(data)
    except UnreadableJson as exc:
        details = flatten_messages({"json": {exc.field: [str(exc.fault)]}})
        raise ApiError(Code.VALIDATION_FAILED, details=details) from exc
