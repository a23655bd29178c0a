"""What is refused before a body is read: too much of it, and anything but JSON."""

from flask import Flask, request

from webapp.errors import ApiError, Code

BODY_MAX_BYTES = 64 * 1024


def check_bodies(app: Flask) -> None:
    # Flask cuts a body of unannounced length there, in silence: the one byte more tells us that it did.
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX_BYTES + 1
    app.before_request(_check_body)


def _check_body() -> None:
    """Raises ApiError."""
    if (request.content_length or 0) > BODY_MAX_BYTES:
        raise ApiError(Code.BODY_TOO_LARGE)
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if is_chunked and len(request.get_data(cache=True)) > BODY_MAX_BYTES:
        raise ApiError(Code.BODY_TOO_LARGE)
    if (request.content_length or is_chunked) and request.url_rule is not None and not request.is_json:
        raise ApiError(Code.NOT_JSON)
