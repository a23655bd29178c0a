"""Joining a patient with the older one that the same person was, as before a change of their phone number."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from models.patients import AccessedWhat, PatientJoin
from services.patients.access_log import Look
from services.patients.joins import (
    UNDONE_WITHIN,
    JoinSettled,
    NotJoinable,
    is_shown_elsewhere,
    join_patients,
    undo_join,
)
from webapp.api.documented import SECURITY_PATIENT, fails
from webapp.api.patients.schemas.joins import JoinedOutput, JoinStateOutput
from webapp.api.patients.schemas.passwords import SignInInput
from webapp.api.patients.sign_in import require_claimed
from webapp.auth import for_patient
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.looks import asker, record_ended_joins

blueprint = Blueprint("joins", __name__, url_prefix="/api/v1/patients", description="Joining patients")


@blueprint.get("/<uuid:patient_uuid>/join")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(200, JoinStateOutput)
@fails(blueprint, 403, 404)
def show_join(patient_uuid: UUID) -> dict[str, Any]:
    """Whether an older patient's records are shown with this one's, and until when that can be undone; or these with a
    newer one's."""
    with stores().sessions() as session:
        joined = session.get(PatientJoin, patient_uuid)
        told = _times_of(joined) if joined else {}
        if is_shown_elsewhere(session, patient_uuid):
            told["shown_elsewhere"] = True
        return {"success": True, "joined": joined is not None, **told}


@blueprint.post("/<uuid:patient_uuid>/join")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.arguments(SignInInput, error_status_code=400)
@blueprint.response(200, JoinedOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def join(patient_uuid: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Show the records of the older patient with this one's, for who knows the older one's password. Nothing is
    rewritten; what does not fit is answered as by `sign-in`."""
    older = require_claimed(body)
    now = stores().clock.now()
    with stores().unit_of_work() as work:
        try:
            joined = join_patients(work.session, patient_uuid, older, now)
        except NotJoinable as exc:
            raise ApiError(Code.NOT_JOINABLE) from exc
        looks = [Look(asker(), AccessedWhat.JOIN, one) for one in (patient_uuid, older)]
        stores().access_log.record_all(work.session, looks, now)
    return {"success": True, "message": "이전 기록을 함께 보여 드릴게요.", **_times_of(joined)}


@blueprint.delete("/<uuid:patient_uuid>/join")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(204)
@fails(blueprint, 403, 404, 409)
def undo(patient_uuid: UUID) -> None:
    """Take the two apart again, exactly as they were: within 30 days, or at any time by the older one."""
    now = stores().clock.now()
    with stores().unit_of_work() as work:
        try:
            undone = undo_join(work.session, patient_uuid, now)
        except JoinSettled as exc:
            raise ApiError(Code.JOIN_SETTLED) from exc
        if undone is None:
            raise ApiError(Code.NOT_FOUND)
        record_ended_joins(work.session, undone.newer_uuid, [undone.older_uuid])


def _times_of(join: PatientJoin) -> dict[str, Any]:
    return {"joined_at": join.joined_at, "undo_until": join.joined_at + UNDONE_WITHIN}
