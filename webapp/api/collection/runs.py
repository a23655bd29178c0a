"""Runs of the collection, for operators: list, one run's history, resume, cancel. Nothing tells who a run is about."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core.logs import get_logger
from models.collection import RunState
from services.collection.operators import list_runs, read_run_history, resume_stopped_run
from services.collection.requests import cancel_session
from webapp.api.collection.schemas.runs import RunHistoryOutput, RunsOutput, RunsQuery
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.auth import for_operator
from webapp.current import stores

log = get_logger(__name__)
blueprint = Blueprint("runs", __name__, url_prefix="/api/v1/admin/runs", description="For operators")


@blueprint.get("")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.arguments(RunsQuery, location="query", error_status_code=400)
@blueprint.response(200, RunsOutput)
@fails(blueprint, 400, 401, 403)
def show_runs(_staff: str, query: dict[str, Any]) -> dict[str, Any]:
    """Newest change first. `before` and `before_id` take `updated_at` and `session_id` of the last one of the page
    before."""
    state = RunState(query["state"]) if query["state"] else None
    with stores().sessions() as session:
        runs = list_runs(
            session,
            state=state,
            error_only=query["errors"],
            before=query["before"],
            before_id=query["before_id"],
            limit=query["limit"],
        )
    return {"success": True, "runs": runs}


@blueprint.get("/<uuid:session_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.response(200, RunHistoryOutput)
@fails(blueprint, 401, 403, 404)
def show_run(_staff: str, session_id: UUID) -> dict[str, Any]:
    """One run's history: each try of each step, how it ended and why."""
    return {"success": True, "run": _history(session_id)}


@blueprint.post("/<uuid:session_id>/resume")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.response(202, RunHistoryOutput)
@fails(blueprint, 401, 403, 404, 409, 413)
def resume_run(staff: str, session_id: UUID) -> dict[str, Any]:
    """Let a run that stopped with an error go on at its step."""
    with stores().unit_of_work() as work:
        resume_stopped_run(work, session_id, now=stores().clock.now())
        run = read_run_history(work.session, session_id)  # where it goes on: after the commit a worker moves it
    log.info("run_resumed_by_staff", session_id=str(session_id), by=staff)
    return {"success": True, "run": run}


@blueprint.post("/<uuid:session_id>/cancel")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.response(200, RunHistoryOutput)
@fails(blueprint, 401, 403, 404, 413)
def cancel(staff: str, session_id: UUID) -> dict[str, Any]:
    """End a run for good, as its person could. Stored records stay."""
    with stores().unit_of_work() as work:
        cancel_session(work, session_id, now=stores().clock.now())
    log.info("run_cancelled_by_staff", session_id=str(session_id), by=staff)
    return {"success": True, "run": _history(session_id)}


def _history(session_id: UUID) -> Any:
    with stores().sessions() as session:
        return read_run_history(session, session_id)
