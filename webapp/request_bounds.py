"""What is refused before anybody reads it: headers, paths and queries that are too long or hold what no text may."""

from flask import Flask, request

from webapp.error_codes import Code
from webapp.errors import ApiError, flatten_messages

# Every header that the product or one of its libraries reads; gunicorn bounds the others, and their number.
HEADER_MAX_CHARACTERS = {
    "Accept": 1024,
    "Accept-Encoding": 256,
    "Access-Control-Request-Headers": 1024,
    "Access-Control-Request-Method": 32,
    "Authorization": 2048,
    # A site of ours may have others beside our own; several lines of an HTTP/2 request count together.
    "Cookie": 8190,
    "Content-Type": 256,
    "Host": 300,
    "Idempotency-Key": 1024,
    "If-Match": 1024,
    "If-Modified-Since": 64,
    "If-None-Match": 1024,
    "If-Range": 256,
    "If-Unmodified-Since": 64,
    "Last-Event-ID": 64,
    "Origin": 300,
    "Range": 256,
    "Sec-WebSocket-Extensions": 1024,
    "Sec-WebSocket-Protocol": 1024,
    "Transfer-Encoding": 64,
    # Apps with a browser of their own write long ones; what is told of it is cut.
    "User-Agent": 2048,
    "X-Forwarded-For": 1024,
    "X-Welno-Background": 8,
    "X-Request-ID": 256,
}
_PATH_PART_MAX = 200
_NUL = "\x00"


def _variable_of(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


_VARIABLES = {_variable_of(header): (header, longest) for header, longest in HEADER_MAX_CHARACTERS.items()}


def bound_requests(app: Flask) -> None:
    app.before_request(_check_request)


def _check_request() -> None:
    """Raises ApiError."""
    environ = request.environ
    for variable, (header, longest) in _VARIABLES.items():
        value = environ.get(variable)
        if value is not None and len(value) > longest:
            raise ApiError(Code.BAD_REQUEST, details={header: [f"{longest}자까지 쓸 수 있어요."]})
    for part in (request.view_args or {}).values():
        # Nothing of ours has such a name.
        if isinstance(part, str) and (len(part) > _PATH_PART_MAX or _NUL in part):
            raise ApiError(Code.NOT_FOUND)
    _refuse_nul()


def _refuse_nul() -> None:
    """No text in a database can hold one."""
    if "%00" not in request.environ.get("QUERY_STRING", ""):
        return
    odd = {name: ["NUL 글자를 빼고 보내 주세요."] for name, value in request.args.items() if _NUL in name + value}
    raise ApiError(Code.VALIDATION_FAILED, details=flatten_messages({"query": odd}))
