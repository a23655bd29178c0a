"""Previews by HEAD, which werkzeug answers wherever GET is."""

from flask import request

from webapp.error_codes import Code
from webapp.errors import ApiError


def refuse_head() -> None:
    """For what opens once: a download manager, a scanner or a preview must not use it up. Raises ApiError."""
    if request.method == "HEAD":
        raise ApiError(Code.METHOD_NOT_ALLOWED)
