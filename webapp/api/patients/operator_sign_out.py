"""For operators: ending every session of somebody whose phone was lost, or of somebody who works here."""

from typing import Any

from flask_smorest import Blueprint

from core.logs import get_logger
from models.patients import ActorKind
from services.operator_sign_out import NobodyNamed, SignOutOrder, sign_out_named
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.patients.schemas.sessions import EndedSessionsOutput, EndSessionsInput
from webapp.auth import Role, for_operator
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.looks import actor_here

log = get_logger(__name__)
blueprint = Blueprint("operator_sign_out", __name__, url_prefix="/api/v1/admin/sessions", description="For operators")


@blueprint.post("/end")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.arguments(EndSessionsInput, error_status_code=400)
@blueprint.response(200, EndedSessionsOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415)
def end_sessions(staff: str, body: dict[str, Any]) -> dict[str, Any]:
    """End all sessions of one person, or all logins of one account: at once, on every process, with their sockets. The
    person reads in their access log that it was done, and why."""
    order = SignOutOrder(body["id"], actor_here(ActorKind.STAFF, staff, Role.OPERATOR), body["reason"])
    try:
        with stores().unit_of_work() as work:
            ended = sign_out_named(work, stores(), order, stores().clock.now())
    except NobodyNamed as exc:
        raise ApiError(Code.SESSION_NOT_FOUND) from exc
    log.info("sessions_ended_by_staff", by=staff, ended=ended)
    return {"success": True, "ended": ended}
