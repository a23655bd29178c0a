"""A thread's audit, for auditors."""

from typing import Any

from flask_smorest import Blueprint

from services.threads.audit import list_entries, verify_thread
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.threads.schemas.audit import EntriesOutput, EntriesQuery, VerifiedAuditOutput
from webapp.auth import for_auditor
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

blueprint = Blueprint(
    "threads_audit", __name__, url_prefix="/api/v1/admin/threads", description="Who did what in a thread"
)


@blueprint.get("/<string:thread_id>/audit")
@blueprint.doc(security=SECURITY_STAFF)
@for_auditor
@blueprint.arguments(EntriesQuery, location="query", error_status_code=400)
@blueprint.response(200, EntriesOutput)
@fails(blueprint, 400, 401, 403)
def show_entries(_auditor: str, query: dict[str, Any], thread_id: str) -> dict[str, Any]:
    """In order, after an n; of a thread that does not exist none."""
    with stores().sessions() as session:
        entries = list_entries(session, thread_id, after=query["after"], limit=query["limit"])
    return {"success": True, "entries": [{"act": act, "hash": stored} for act, stored in entries]}


@blueprint.get("/<string:thread_id>/audit/verify")
@blueprint.doc(security=SECURITY_STAFF)
@for_auditor
@blueprint.response(200, VerifiedAuditOutput)
@fails(blueprint, 401, 403, 404)
def verify(_auditor: str, thread_id: str) -> dict[str, Any]:
    """Whether the chain holds, up to the head that stands in the thread's row."""
    with stores().sessions() as session:
        verified = verify_thread(session, thread_id)
    if verified is None:
        raise ApiError(Code.THREAD_NOT_FOUND)
    told = {"success": True, "ok": verified.is_whole, "count": verified.count, "head": verified.head}
    return told if verified.is_whole else told | {"brokenAt": verified.broken_at}
