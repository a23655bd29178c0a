"""For machines that watch: alive, ready, and the metrics."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from services.collection.call_deadlines import read_paid_again
from streams import StreamsError
from webapp.api.interviews.gauges import render_interview_gauges
from webapp.api.journey.gauges import render_journey_gauges
from webapp.api.threads.gauges import render_thread_gauges
from webapp.auth import Role, mark_access, require_operations
from webapp.current import parts, stores
from webapp.errors import STORES_DOWN, ApiError
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
    """Every store takes what the product writes, the tables are those of this code, and a worker lives. Which part does
    not is for this machine, and for operators and auditors."""
    answer = parts().readiness.check()
    ready = all(word == OK for word in answer.values())
    told: dict[str, Any] = {"status": OK if ready else "unavailable"}
    if _may_see_details():
        told["parts"] = dict(answer)
    return jsonify(told), 200 if ready else 503


@blueprint.get("/readyz/process")
def readyz_process() -> tuple[Response, int]:
    """This process may be sent requests, for proxies: it answers, and its tables are those of its code, or newer. A
    store that is away is away for all web processes: taking them all out would end what goes without it."""
    ready = parts().process_readiness.check()
    return jsonify({"status": OK if ready else "unavailable"}), 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """For this machine, or with an operator's or auditor's token: numbers tell a stranger how busy we are."""
    if not _asked_from_here():
        require_operations(Role.OPERATOR, Role.AUDITOR)
    body = render_metrics(stores().settings.processes.metrics_dir, _read_paid_again())
    return Response(body + _read_journey() + _read_interviews() + _read_threads(), content_type=CONTENT_TYPE_LATEST)


def _read_paid_again() -> Mapping[str, int]:
    """Nothing while the database is away: what this process counts itself is wanted all the more."""
    try:
        with stores().sessions() as session:
            return read_paid_again(session)
    except SQLAlchemyError:
        return {}


def _read_journey() -> bytes:
    if not stores().settings.journey.is_on:
        return b""
    try:
        return render_journey_gauges(stores().journeys)
    except SQLAlchemyError:
        return b""


def _read_interviews() -> bytes:
    try:
        return render_interview_gauges(stores())
    except SQLAlchemyError:
        return b""


def _read_threads() -> bytes:
    try:
        return render_thread_gauges(stores())
    except (SQLAlchemyError, StreamsError):
        return b""


def _may_see_details() -> bool:
    if _asked_from_here():
        return True
    try:
        require_operations(Role.OPERATOR, Role.AUDITOR)
    except (ApiError, *STORES_DOWN):
        return False
    return True


def _asked_from_here() -> bool:
    """By a process of this machine, not through a proxy on it."""
    return request.remote_addr in _LOOPBACK and request.headers.get("X-Forwarded-For") is None


for _function in (healthz, readyz, readyz_process):
    mark_access(_function, "public")
mark_access(metrics, "loopback or operations")
