"""What operators see of each request: its id, one log line, its metrics. No raw address, no token, no query string."""

import re
import secrets
import time
from collections.abc import Mapping

import structlog
from flask import Flask, Response, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from core.addresses import shorten_address
from core.logs import get_logger
from webapp.live_metrics import forget_dead

log = get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
_SESSION_ID = re.compile(r"[0-9A-Fa-f-]{36}", re.ASCII)
# Asked every few seconds by machines: their lines would bury the others.
_QUIET = frozenset({"/healthz", "/readyz", "/readyz/process", "/metrics", "/static/<path:filename>"})

_PAID_CALLS = ("checkups", "prescriptions")

REQUESTS = Counter("welno_http_requests_total", "Answered requests.", ["method", "route", "status"])
SECONDS = Histogram(
    "welno_http_request_seconds",
    "From the request's head to the answer's head.",
    ["method", "route"],
    buckets=[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
)


def observe(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(lambda _: structlog.contextvars.clear_contextvars())


def new_request_id() -> str:
    """Of our own making."""
    return secrets.token_hex(8)


def _begin() -> None:
    g.began = time.monotonic()
    offered = request.headers.get("X-Request-ID", "")
    g.request_id = offered if _REQUEST_ID.fullmatch(offered) else new_request_id()
    # A connection is one greenlet, and a proxy's has requests of many people.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    # A converter of the route may have made a UUID of it: what is bound is text for whoever reads it.
    session_id = str((request.view_args or {}).get("session_id", ""))
    # Only what has the form of one: whatever else stands in an address may be personal.
    if _SESSION_ID.fullmatch(session_id):
        structlog.contextvars.bind_contextvars(session_id=session_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    route, seconds = route_template(), time.monotonic() - g.began
    method = request.method if request.url_rule is not None else "-"
    REQUESTS.labels(method, route, response.status_code).inc()
    SECONDS.labels(method, route).observe(seconds)
    if not _is_quiet(route, response.status_code):
        _log_request(response, route, seconds)
    return response


def _is_quiet(route: str, status: int) -> bool:
    """Of a socket only refusals are told, by who admits it (`socket_refused`): a crowd that comes back is no news."""
    is_socket = request.url_rule is not None and request.url_rule.websocket
    return (route in _QUIET and status < 500) or (is_socket and status < 400)


def _log_request(response: Response, route: str, seconds: float) -> None:
    facts = {"error_code": g.error_code} if "error_code" in g else {}
    log.info(
        "request",
        method=request.method if request.url_rule is not None else "-",
        route=route,
        status=response.status_code,
        duration_ms=round(seconds * 1000, 1),
        address=shorten_address(request.remote_addr) or "unknown",
        **facts,
    )


def route_template() -> str:
    """`/api/v1/tilko/session/<session_id>/status`, never the address itself; `unknown` for what we do not serve."""
    return request.url_rule.rule if request.url_rule is not None else "unknown"


def render_metrics(metrics_dir: str, paid_again: Mapping[str, int]) -> bytes:
    """Of all web processes of this machine when they share a folder, else of this one; and what PostgreSQL counts for
    all of the product's processes."""
    counted = CollectorRegistry()
    again = Counter(
        "welno_paid_again_total",
        "Calls that were made once more, as the process that had made them was lost before their answer was on disk.",
        ["call"],
        registry=counted,
    )
    for call in _PAID_CALLS:
        again.labels(call).inc(paid_again.get(call, 0))
    if not metrics_dir:
        return generate_latest(REGISTRY) + generate_latest(counted)
    forget_dead(metrics_dir)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=metrics_dir)  # type: ignore[no-untyped-call] # the library has no types here
    return generate_latest(registry) + generate_latest(counted)
