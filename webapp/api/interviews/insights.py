"""What is made of many interviews: themes of a project, personas of chosen interviews."""

from typing import Any
from uuid import UUID

from flask import g
from flask_smorest import Blueprint

from models.interviews import InsightKind
from services.interviews.insights import list_insights, start_persona, start_themes
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.schemas.insights import InsightOutput, InsightsOutput, PersonaInput
from webapp.auth.members import MemberCaller, for_member
from webapp.current import stores

blueprint = Blueprint("interviews_insights", __name__, url_prefix="/api/projects", description="Themes and personas")


@blueprint.post("/<uuid:project_id>/themes")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(202, InsightOutput)
@fails(blueprint, 401, 403, 404, 409)
def post_themes(caller: MemberCaller, project_id: UUID) -> dict[str, Any]:
    """Have themes found in all completed interviews; `insight:changed` tells when they are there."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        return {"success": True, "insight": start_themes(member, project_id, max_characters=_max_characters())}


@blueprint.get("/<uuid:project_id>/themes")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, InsightsOutput)
@fails(blueprint, 401, 404)
def show_themes(caller: MemberCaller, project_id: UUID) -> dict[str, Any]:
    """The newest first, also those that are under way; nothing of interviews that are deleted."""
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, "insights": list_insights(member, project_id, InsightKind.THEMES)}


@blueprint.post("/<uuid:project_id>/personas")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(PersonaInput, error_status_code=400)
@blueprint.response(202, InsightOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415)
def post_persona(caller: MemberCaller, body: dict[str, Any], project_id: UUID) -> dict[str, Any]:
    """Have a persona made of chosen completed interviews; it becomes one of the project's."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        insight = start_persona(member, project_id, body["interview_ids"], max_characters=_max_characters())
        return {"success": True, "insight": insight}


@blueprint.get("/<uuid:project_id>/generated-personas")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, InsightsOutput)
@fails(blueprint, 401, 404)
def show_generated_personas(caller: MemberCaller, project_id: UUID) -> dict[str, Any]:
    """Those of this project with what bears them out, also those that are under way; the newest first."""
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, "insights": list_insights(member, project_id, InsightKind.PERSONA)}


def _max_characters() -> int:
    return stores().settings.interviews.miso_context_max_chars
