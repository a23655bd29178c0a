"""Erasure: a person has everything erased that is stored of them, and gets a receipt."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, after_this_request, g
from flask_smorest import Blueprint

from models.patients import ActorKind, Erasure
from services.personal_data import ErasureOrder, UnknownPatient, start_erasures
from webapp.api.documented import SECURITY_PATIENT, fails
from webapp.api.patients.passwords import require_password
from webapp.api.patients.schemas.erasures import ErasureInput, ErasureStarted, ReceiptOutput, receipt_of
from webapp.auth import drop_cookies, forget_kept, mark_access, require_fresh_proof
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.looks import asker, note_asker
from webapp.origins import refuse_foreign_origin
from webapp.visitors import forget_browser

blueprint = Blueprint("erasures", __name__, url_prefix="/api/v1", description="Erasure")
_PROOF_HOLDS = timedelta(minutes=5)


@blueprint.delete("/patients/<uuid:patient_uuid>")
@blueprint.doc(security=SECURITY_PATIENT)
@blueprint.arguments(ErasureInput, error_status_code=400)
@blueprint.response(202, ErasureStarted)
@fails(blueprint, 400, 401, 403, 404, 413, 415, 429)
def erase(body: dict[str, str], patient_uuid: UUID) -> dict[str, Any]:
    """Erase all that is stored of this person, for whoever typed the password (here, or within five minutes) or
    approved on the phone within five minutes. There is no way back."""
    _require_proof(body.get("password"), patient_uuid)
    order = ErasureOrder(patient_uuid, asker(), g.request_id)
    with stores().unit_of_work() as work:
        try:
            erasure_id, *joined = start_erasures(work, stores(), order, stores().clock.now())
        except UnknownPatient as exc:
            raise ApiError(Code.PATIENT_NOT_FOUND) from exc
    after_this_request(_forget_in_browser)
    also = {"joined_erasure_id": joined[0]} if joined else {}
    return {"success": True, "erasure_id": erasure_id, "message": "기록을 지우기 시작했어요.", **also}


@blueprint.get("/erasures/<uuid:erasure_id>")
@blueprint.response(200, ReceiptOutput)
@fails(blueprint, 404)
def show_receipt(erasure_id: UUID) -> Any:
    """How far an erasure is, and what it has erased; for whoever knows its id."""
    with stores().sessions() as session:
        erasure = session.get(Erasure, erasure_id)
    if erasure is None:
        raise ApiError(Code.NOT_FOUND)
    return receipt_of(erasure)


mark_access(erase, "patient")


def _forget_in_browser(response: Response) -> Response:
    """Records that it keeps in clear; what it holds opens nothing any more."""
    drop_cookies(response)
    forget_browser(response)
    forget_kept(response)
    return response


def _require_proof(password: str | None, patient_uuid: UUID) -> None:
    """Raises ApiError."""
    if password is None:
        require_fresh_proof(patient_uuid, _PROOF_HOLDS)
        return
    refuse_foreign_origin()
    require_password(patient_uuid, password, in_erasure=True)  # asked again, it is the same erasure
    note_asker(ActorKind.PASSWORD, str(patient_uuid))
