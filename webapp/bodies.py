"""What is refused before a body is read: too much of it, and anything but JSON."""

from flask import Flask, request

from webapp.errors import ApiError, Code

BODY_MAX_BYTES = 64 * 1024


def check_bodies(app: Flask) -> None:
    # Flask's own limit cuts a body whose length nobody announced.
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX_BYTES
    app.before_request(_check_body)


def _check_body() -> None:
    """Raises ApiError."""
    if (request.content_length or 0) > BODY_MAX_BYTES:
        raise ApiError(Code.BODY_TOO_LARGE)
    has_body = bool(request.content_length) or "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if has_body and request.url_rule is not None and not request.is_json:
        raise ApiError(Code.NOT_JSON)
