"""Answers that a browser saves as a file."""

from collections.abc import Iterable
from urllib.parse import quote

from flask import Response


def attachment(content: Iterable[bytes], name: str, content_type: str = "application/octet-stream") -> Response:
    """Under its name in any script (RFC 5987); kept by nobody on the way."""
    _, dot, extension = name.rpartition(".")
    plain = f"interview{dot}{extension}" if extension.isascii() and extension.isalnum() and dot else "interview"
    response = Response(content, content_type=content_type)
    response.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, '')}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
