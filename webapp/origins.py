"""Which web sites' pages may speak for a person: the listed origins, and nobody else."""

from flask import Response, request

from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, X-Request-ID, Last-Event-ID, If-None-Match, If-Range, Range"
)
_EXPOSED_HEADERS = "Accept-Ranges, Content-Range, Data-As-Of, ETag, Idempotent-Replayed, Retry-After, X-Request-ID"


def is_listed(origin: str | None) -> bool:
    """Exactly as browsers write it: scheme, host and port."""
    return origin is not None and origin in stores().settings.web.allowed_origins


def require_listed_origin() -> None:
    """For unsafe calls with a cookie: a browser sends it along whoever's page makes the call. Raises ApiError."""
    if request.method not in SAFE_METHODS and not is_listed(request.headers.get("Origin")):
        raise ApiError(Code.ORIGIN_NOT_ALLOWED)


def refuse_foreign_origin() -> None:
    """For calls that need no credential yet: a page of another site must not make them. Raises ApiError."""
    origin = request.headers.get("Origin")
    if origin is not None and not is_listed(origin):
        raise ApiError(Code.ORIGIN_NOT_ALLOWED)


def share_with_origin(response: Response) -> Response:
    """Let the pages of listed origins read the answer (CORS)."""
    response.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin is None or not is_listed(origin):
        return response
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = "600"
    return response
