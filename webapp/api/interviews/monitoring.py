"""How the projects' streams are doing: for staff, over all web processes, without a name of anybody."""

from collections import Counter
from typing import Any, cast

from flask import Flask, Response, current_app
from flask_smorest import Blueprint

from services.interviews.event_rates import count_events
from services.interviews.membership import require_project
from webapp.api.documented import SECURITY_MEMBER, SECURITY_STAFF, fails
from webapp.api.interviews.schemas.monitoring import ConnectionListOutput, ReceivedInput, StreamMetricsOutput
from webapp.api.interviews.stream_counts import WINDOWS_SECONDS, SummedCounts, label_of
from webapp.api.interviews.stream_reports import StreamReports
from webapp.auth.members import MemberCaller, for_member
from webapp.auth.operations import for_operations
from webapp.current import parts, stores
from webapp.limits import count_use

blueprint = Blueprint("interviews_metrics", __name__, url_prefix="/api/metrics/sse", description="Reports of clients")
staff_blueprint = Blueprint("stream_metrics", __name__, url_prefix="/api/metrics/sse", description="For staff")
_REPORTS = "interviews_stream_reports"
# The SDK reports once a minute at most; its timer and ours need not agree.
_RECEIVED_LIMIT = "1 per 55 seconds"


@staff_blueprint.get("")
@staff_blueprint.doc(security=SECURITY_STAFF)
@for_operations
@staff_blueprint.response(200, StreamMetricsOutput)
@fails(staff_blueprint, 401, 403)
def show_metrics(_staff: str) -> dict[str, Any]:
    """Of all web processes; each tells its part every ten seconds."""
    processes = reports().read_all()
    now = stores().clock.now()
    summed = SummedCounts.of_json(now.timestamp(), (one["slots"] for one in processes))
    projects: Counter[str] = Counter()
    for one in processes:
        projects.update(one["projects"])
    with stores().sessions() as session:
        events = count_events(session, now, WINDOWS_SECONDS)
    return {
        "success": True,
        "processes": len(processes),
        "connections": {"total": projects.total(), "projects": dict(projects)},
        "events_per_second": {
            type_: {label_of(window): count / window for window, count in counts.items()}
            for type_, counts in events.items()
        },
        "sent_per_second": summed.per_second("sent"),
        "received_per_second": summed.per_second("received"),
        "reconnects_per_minute": summed.per_minute("reconnects"),
        "append_to_write_ms": summed.delays_ms(),
        "stale": sum(one["stale"] for one in processes),
        "chats": sum(one["chats"] for one in processes),
    }


@staff_blueprint.get("/connections")
@staff_blueprint.doc(security=SECURITY_STAFF)
@for_operations
@staff_blueprint.response(200, ConnectionListOutput)
@fails(staff_blueprint, 401, 403)
def show_connections(_staff: str) -> dict[str, Any]:
    """Of each process up to 200, the longest idle first."""
    listed = [connection for one in reports().read_all() for connection in one["connections"]]
    return {"success": True, "connections": sorted(listed, key=lambda one: -one["idle_seconds"])}


@blueprint.post("/received")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(ReceivedInput, error_status_code=400)
@blueprint.response(204)
@fails(blueprint, 400, 401, 403, 404, 413, 415)
def note_received(caller: MemberCaller, body: dict[str, Any]) -> Response:
    """How many events a client has got since its last report; at most once a minute of one login and project."""
    with stores().member_work(caller.account_id) as member:
        require_project(member, body["project_id"])
    count_use(_RECEIVED_LIMIT, "sse_received", f"{caller.sid}:{body['project_id']}")
    reports().begin()
    reports().counts.note_received(body["received"])
    return Response(status=204)


def reports() -> StreamReports:
    return cast(StreamReports, current_app.extensions[_REPORTS])


def keep_reports(app: Flask) -> None:
    here = parts(app)
    app.extensions[_REPORTS] = StreamReports(here.relay, here.stores.redis, here.stores.clock)
