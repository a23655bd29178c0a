"""Consents: the texts that are agreed to, what a person has agreed to, and its withdrawal."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from models.patients import AccessedWhat, ConsentKind
from services.collection.consents import withdraw_consent
from services.patients.consents import list_consents
from webapp.api.collection.schemas.consents import ConsentsOutput, ConsentsQuery, ConsentTextsOutput, WithdrawnOutput
from webapp.api.documented import SECURITY_PATIENT, fails
from webapp.auth import for_patient, mark_access
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.looks import record_look

blueprint = Blueprint("consents", __name__, url_prefix="/api/v1", description="Consents")


@blueprint.get("/consents/texts")
@blueprint.response(200, ConsentTextsOutput)
@fails(blueprint)
def texts() -> dict[str, Any]:
    """What a person is asked to agree to, in this order, word for word."""
    return {"success": True, "items": list(stores().consents.texts.values())}


mark_access(texts, "public")


@blueprint.get("/patients/<uuid:patient_uuid>/consents")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.arguments(ConsentsQuery, location="query", error_status_code=400)
@blueprint.response(200, ConsentsOutput)
@fails(blueprint, 400, 404)
def consents(patient_uuid: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """What the person agreed to, newest first, and how it ended."""
    with stores().unit_of_work() as work:
        items, following = list_consents(work.session, patient_uuid, limit=query["limit"], after=query["after"])
        record_look(work, patient_uuid, AccessedWhat.CONSENTS)
    answer: dict[str, Any] = {"success": True, "items": items}
    return answer | ({"next": following} if following else {})


@blueprint.post("/patients/<uuid:patient_uuid>/consents/<string:kind>/withdraw")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(200, WithdrawnOutput)
@fails(blueprint, 400, 403, 404, 413, 415)
def withdraw(patient_uuid: UUID, kind: str) -> dict[str, Any]:
    """Withdraw a consent wherever it was given: runs under way stop at their next step, stored records stay."""
    if kind not in set(ConsentKind):
        raise ApiError(Code.NOT_FOUND)
    with stores().unit_of_work() as work:
        ended = withdraw_consent(work, stores().consents, patient_uuid, ConsentKind(kind), now=stores().clock.now())
    return {"success": True, "kind": kind, "message": "동의를 철회했어요.", "withdrawn": ended}
