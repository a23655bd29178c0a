"""What a project's admins look after: who read which original, and what analyses cost."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from services.interviews.audit import list_original_reads
from services.interviews.costs import show_costs
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.schemas.audit import OriginalReadsOutput, OriginalReadsQuery
from webapp.api.interviews.schemas.costs import CostsOutput, CostsQuery
from webapp.auth.members import MemberCaller, for_member
from webapp.current import stores

blueprint = Blueprint("interviews_audit", __name__, url_prefix="/api/projects", description="For admins of a project")


@blueprint.get("/<uuid:project_id>/original-reads")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(OriginalReadsQuery, location="query", error_status_code=400)
@blueprint.response(200, OriginalReadsOutput)
@fails(blueprint, 400, 401, 403, 404)
def show_original_reads(caller: MemberCaller, query: dict[str, Any], project_id: UUID) -> dict[str, Any]:
    """Who read the unmasked original of which interview; newest first."""
    with stores().member_work.reading(caller.account_id) as member:
        page = list_original_reads(member, project_id, limit=query["limit"], before=query["before"])
    return {"success": True, "reads": page.reads, "next": page.next}


@blueprint.get("/<uuid:project_id>/costs")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(CostsQuery, location="query", error_status_code=400)
@blueprint.response(200, CostsOutput)
@fails(blueprint, 400, 401, 403, 404)
def show_project_costs(caller: MemberCaller, query: dict[str, Any], project_id: UUID) -> dict[str, Any]:
    """Of a month of Korea, `yyyy-MM`, or of the present one: calls, tokens and seconds at MISO, also by interview."""
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, **show_costs(member, project_id, query["month"])}
