"""A patient's sessions: which are open, ending one or all others, signing this browser out."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from services.patient_sessions import end_one, end_others, list_open
from services.patients.passwords import has_password
from services.patients.session_rows import open_visitor
from webapp.api.documented import SECURITY_PATIENT, fails
from webapp.api.patients.schemas.sessions import PatientSessionsOutput
from webapp.auth import (
    current_openings,
    current_patient_session,
    drop_cookies,
    end_presented,
    for_patient,
    forget_kept,
    mark_access,
)
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.looks import record_ended_joins
from webapp.origins import refuse_foreign_origin
from webapp.visitors import forget_browser

blueprint = Blueprint("patient_sessions", __name__, url_prefix="/api/v1/patients", description="Open sessions")


@blueprint.get("/<uuid:patient_uuid>/sessions")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(200, PatientSessionsOutput)
@fails(blueprint, 404)
def show_sessions(patient_uuid: UUID) -> dict[str, Any]:
    """Where this person's records are open, the newest first."""
    current = current_patient_session().id
    with stores().sessions() as session:
        found = list_open(session, patient_uuid, stores().clock.now())
        openings = current_openings(session)
        protected = has_password(session, patient_uuid)
    items = []
    for one in found:
        visitor = open_visitor(one, stores().sealer)
        items.append(
            {
                "id": one.id,
                "created_at": one.created_at,
                "last_seen_at": one.last_seen_at,
                "current": one.id == current,
                "opened_by": one.opened_by,
                "address": visitor.address,
                "device": visitor.device,
            }
        )
    return {"success": True, "has_password": protected, "items": items, "opened_since_last_visit": openings}


@blueprint.delete("/<uuid:patient_uuid>/sessions/<uuid:session_id>")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(204)
@fails(blueprint, 403, 404)
def end_session(patient_uuid: UUID, session_id: UUID) -> Response:
    """End one of them; at once, wherever it is open. Links to archives that were given open nothing any more."""
    with stores().unit_of_work() as work:
        ended = end_one(work.session, patient_uuid, session_id)
        if ended is None:
            raise ApiError(Code.SESSION_NOT_FOUND)
        ended.tell(work)
    return Response(status=204)


@blueprint.delete("/<uuid:patient_uuid>/sessions")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(204)
@fails(blueprint, 403, 404)
def end_other_sessions(patient_uuid: UUID) -> Response:
    """End all of them but the one that asks. With them end what else others read by: joins, so that no newer patient is
    shown these records, and links to archives; each can be asked for again."""
    with stores().unit_of_work() as work:
        ended = end_others(work.session, patient_uuid, current_patient_session())
        record_ended_joins(work.session, patient_uuid, ended.ended_joins)
        ended.tell(work)
    return Response(status=204)


@blueprint.post("/sign-out")
@blueprint.response(204)
@fails(blueprint, 403)
def sign_out() -> Response:
    """End what this browser has open, whatever that is; also when it is nothing any more."""
    refuse_foreign_origin()
    end_presented()
    response = Response(status=204)
    drop_cookies(response)
    forget_browser(response)
    forget_kept(response)
    return response


mark_access(sign_out, "public")
