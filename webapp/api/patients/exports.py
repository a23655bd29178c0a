"""Exports: a person asks for all their data as one archive, and fetches it once."""

from typing import Any
from uuid import UUID

from flask import Response, g
from flask_smorest import Blueprint

from core.logs import get_logger
from models.patients import AccessedWhat, ActorKind
from services.patients.access_log import Look
from services.patients.exports import TooManyExports, ask_for_export, build_lost, give_link, take_archive
from services.patients.joins import find_older
from spool import DamagedFile, UnknownFile
from webapp.api.documented import SECURITY_PATIENT, fails
from webapp.api.patients.schemas.exports import ExportOutput, ExportStarted, LinkQuery
from webapp.auth import for_patient
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.looks import actor_here
from webapp.previews import refuse_head

blueprint = Blueprint("exports", __name__, url_prefix="/api/v1", description="Exports")
log = get_logger(__name__)
_RETRY_SECONDS = 3600


@blueprint.post("/patients/<uuid:patient_uuid>/export")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(202, ExportStarted)
@fails(blueprint, 403, 404, 413, 429)
def ask(patient_uuid: UUID) -> dict[str, Any]:
    """Have all that is stored of this person packed into one archive of JSON files."""
    with stores().unit_of_work() as work:
        try:
            export_id = ask_for_export(work, patient_uuid, g.request_id, stores().clock.now())
        except TooManyExports as exc:
            raise ApiError(Code.RATE_LIMITED, retry_after_seconds=_RETRY_SECONDS) from exc
    return {"success": True, "export_id": export_id}


@blueprint.get("/patients/<uuid:patient_uuid>/exports/<uuid:export_id>")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(200, ExportOutput)
@fails(blueprint, 404)
def show(patient_uuid: UUID, export_id: UUID) -> dict[str, Any]:
    """How far it is; when it is ready, a new link, which ends the one of before."""
    with stores().unit_of_work() as work:
        found = give_link(work.session, patient_uuid, export_id, stores().clock.now())
    if found is None:
        raise ApiError(Code.NOT_FOUND)
    state, key = found
    link = {"url": f"/api/v1/exports/{export_id}/archive?key={key}"} if key else {}
    return {"success": True, "state": state, **link}


@blueprint.get("/exports/<uuid:export_id>/archive")
@blueprint.arguments(LinkQuery, location="query", error_status_code=400)
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/zip")
@fails(blueprint, 400, 404)
def fetch(query: dict[str, str], export_id: UUID) -> Response:
    """The archive, for the first who comes with the newest link; then it is gone. One that its store has lost is built
    anew: 404, and `building` until it is there."""
    refuse_head()
    try:
        patient_uuid, archive = _take(export_id, query["key"])
    except (UnknownFile, DamagedFile) as exc:
        log.error("export_lost", export_id=str(export_id), error=type(exc).__name__)  # noqa: TRY400 it says it all
        with stores().unit_of_work() as work:
            build_lost(work.session, export_id)
        raise ApiError(Code.NOT_FOUND) from exc
    parts().spool.archives.drop(patient_uuid, export_id)
    response = Response(archive, mimetype="application/zip")
    response.headers["Content-Disposition"] = "attachment; filename=welno-records.zip"
    return response


def _take(export_id: UUID, key: str) -> tuple[UUID, bytes]:
    """Whose it is, and what it holds. Raises ApiError, UnknownFile, DamagedFile, and has then changed nothing."""
    now = stores().clock.now()
    with stores().unit_of_work() as work:
        patient_uuid = take_archive(work.session, export_id, key, now)
        if patient_uuid is None:
            raise ApiError(Code.NOT_FOUND)
        archive = parts().spool.archives.read(patient_uuid, export_id)
        actor = actor_here(ActorKind.LINK, str(export_id))
        older = find_older(work.session, patient_uuid)
        people = (patient_uuid, *([older] if older is not None else []))
        stores().access_log.record_all(work.session, [Look(actor, AccessedWhat.EXPORT, one) for one in people], now)
    return patient_uuid, archive
