"""For machines that watch: alive, ready, and the metrics."""

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from services.collection.call_deadlines import read_paid_again
from webapp.auth import mark_access, require_staff
from webapp.current import parts, stores
from webapp.observing import render_metrics
from webapp.readiness import OK

blueprint = Blueprint("health", __name__)
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Every store takes what the product writes, the tables are those of this code, and a worker lives."""
    answer = parts().readiness.check()
    ready = all(word == OK for word in answer.values())
    return jsonify({"status": OK if ready else "unavailable", "parts": dict(answer)}), 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """For this machine, or with a staff token: numbers tell a stranger how busy we are."""
    behind_proxy = request.headers.get("X-Forwarded-For") is not None
    if request.remote_addr not in _LOOPBACK or behind_proxy:
        require_staff()
    body = render_metrics(stores().settings.processes.metrics_dir, _read_paid_again())
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _read_paid_again() -> Mapping[str, int]:
    """Nothing while the database is away: what this process counts itself is wanted all the more."""
    try:
        with stores().sessions() as session:
            return read_paid_again(session)
    except SQLAlchemyError:
        return {}


for _function in (healthz, readyz):
    mark_access(_function, "public")
mark_access(metrics, "loopback or staff")
