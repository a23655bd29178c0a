"""Who looked at whose records: told to the person in plain words, and to auditors by pseudonyms."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from models.patients import AccessedWhat
from services.patients.access_log import LogPlace, ShownLook
from webapp.api.documented import SECURITY_PATIENT, SECURITY_STAFF, fails
from webapp.api.patients.schemas.access_log import AuditOutput, AuditQuery, LogPageQuery, LooksOutput
from webapp.auth import Role, current_openings, for_auditor, for_patient
from webapp.current import stores
from webapp.looks import record_look, record_staff_look
from webapp.replica_reads import AS_OF, read_replica

blueprint = Blueprint("access_log", __name__, url_prefix="/api/v1", description="Who looked at whose records")


@blueprint.get("/patients/<uuid:patient_uuid>/access-log")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.arguments(LogPageQuery, location="query", error_status_code=400)
@blueprint.response(200, LooksOutput)
@fails(blueprint, 400, 404)
def show_looks(patient_uuid: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """Each look at this person's records, newest first; this one stands in it from the next page call on."""
    log = stores().access_log
    with stores().unit_of_work() as work:
        page = log.list_looks_at(work.session, patient_uuid, after=query["after"], limit=query["limit"])
        openings = current_openings(work.session)
        record_look(work, patient_uuid, AccessedWhat.ACCESS_LOG)
    return _page(*page) | {"opened_since_last_visit": openings}


@blueprint.get("/admin/access-log")
@blueprint.doc(security=SECURITY_STAFF)
@for_auditor
@blueprint.arguments(AuditQuery, location="query", error_status_code=400)
@blueprint.response(200, AuditOutput, headers=AS_OF)
@fails(blueprint, 400, 401, 403)
def audit(auditor: str, query: dict[str, Any]) -> dict[str, Any]:
    """All looks, newest first, for auditors; the reason is written into the log with this look."""
    asked = {name: query[name] for name in ("subject", "day", "after", "limit")}
    with stores().unit_of_work() as work:
        # A log that is only added to: an older one holds nothing that is gone. This look may be missing from the next.
        page = read_replica(work.session, partial(stores().access_log.list_looks, **asked))
        record_staff_look(
            work,
            name=auditor,
            role=Role.AUDITOR,
            what=AccessedWhat.ACCESS_LOG,
            subject=query["subject"],
            why=query["reason"],
        )
    return _page(*page)


def _page(items: Sequence[ShownLook], following: LogPlace | None) -> dict[str, Any]:
    more = {"next": following.encode()} if following else {}
    return {"success": True, "items": items, **more}
